// One's mailbox.
import { fill, h } from '../lib/dom.js';
import { sizeText } from '../lib/media.js';
import { badge } from '../lib/parts.js';
import { time } from '../lib/time.js';
import * as vault from '../lib/vault.js';
import { strings } from '../strings.js';

const text = strings.messages;

export const { title } = text;

function row(entry, seen, pins) {
  const pin = pins.get(entry.from);
  const changed = pin && entry.sender_fingerprint && pin.fingerprint !== entry.sender_fingerprint;
  return h('tr', null,
    h('td', null, h('a', { href: `#/messages/${entry.id}` }, entry.from), ' ',
      changed && badge('error', text.changed)),
    h('td', null, time(entry.received)),
    h('td', null, sizeText(entry.size)),
    h('td', null, entry.session ? text.session : text.sealed, ', ', entry.signature ? text.signed : text.unsigned),
    h('td', null, seen.has(entry.sha256) ? text.read : badge('info', text.fresh)));
}

async function table(app) {
  const { mailbox, letters, partners } = app.post;
  const [seen, known] = await Promise.all([vault.all('seen', letters.me), partners.pins()]);
  const read = new Set(seen.map((one) => one.digest));
  // The newest first.
  const entries = [...mailbox.entries.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
  if (entries.length === 0) return h('p', null, text.empty);
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
    h('table', { class: 'stack' }, h('caption', { class: 'hint' }, text.serversWord),
      h('thead', null, h('tr', null, text.columns.map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', null, entries.map((entry) => row(entry, read, known)))));
}

export async function render(root, app) {
  if (!app.post) {
    root.append(h('p', null, strings.start.noKey));
    return undefined;
  }
  const { mailbox } = app.post;
  const list = h('div');
  const state = h('p', { class: 'muted', role: 'status' });
  let turn = 0;
  const redraw = async () => {
    const mine = (turn += 1);
    const drawn = mailbox.listed ? await table(app) : null;
    if (mine !== turn) return;
    fill(list, drawn);
    fill(state, mailbox.problem ? text.trouble(mailbox.problem.message) : mailbox.listed ? text.waiting : text.loading);
  };
  const changed = () => redraw().catch((error) => app.fail(error));
  fill(root, h('p', null, h('a', { class: 'button primary', href: '#/compose' }, text.compose)), list, state);
  mailbox.addEventListener('change', changed);
  mailbox.start();
  await redraw();
  return () => mailbox.removeEventListener('change', changed);
}
