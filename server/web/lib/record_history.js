// The versions of a record, fetched when they are looked at: listing them is an event of the audit log, too.
import { fill, h } from './dom.js';
import { toHeader } from './header_text.js';
import { sizeText } from './media.js';
import { recordPath } from './record_api.js';
import { time } from './time.js';

const PAGE = 100;

function row(record, version, strings) {
  const here = version.version === record.version;
  return h('tr', null,
    h('th', { scope: 'row' }, h('a', { href: `#/records/${record.id}/versions/${version.version}`, 'aria-current': here && 'true' },
      strings.historyOpen(version.version)), here && [' ', h('span', { class: 'muted' }, strings.historyHere)]),
    h('td', { class: 'number' }, sizeText(version.size)), h('td', null, time(version.created)));
}

export function historySection(app, record, { reason }) {
  const strings = app.strings.record;
  const rows = h('tbody');
  const actions = h('div', { class: 'actions' });
  const body = h('div', null, h('div', { class: 'scroll' }, h('table', null,
    h('caption', { class: 'unseen' }, strings.historyCaption),
    h('thead', null, h('tr', null, h('th', { scope: 'col' }, strings.version), h('th', { scope: 'col', class: 'number' }, strings.size),
      h('th', { scope: 'col' }, strings.stored))), rows)), actions);
  const more = async (after) => {
    const query = new URLSearchParams({ limit: PAGE, ...(after ? { after } : {}) });
    const headers = reason ? { 'Coffer-Emergency-Reason': toHeader(reason) } : {};
    const { body: page } = await app.api.get(`${recordPath(record.id)}/versions?${query}`, { headers });
    rows.append(...page.versions.map((version) => row(record, version, strings)));
    fill(actions, page.next && h('button', { type: 'button', onclick: () => load(page.next) }, strings.more));
  };
  const load = (after) => more(after).catch((error) => app.fail(error));
  const details = h('details', {
    class: 'block',
    ontoggle: () => {
      if (!details.open || details.contains(body)) return;
      details.append(body);
      load(null);
    },
  }, h('summary', null, strings.history));
  return details;
}
