// One version of a record: what it is, what it holds, and what its owner may do with it.
import { hex, sha256 } from '../lib/bytes.js';
import { fill, form, h, labelled } from '../lib/dom.js';
import { essence, fileName, sizeText } from '../lib/media.js';
import { ID, open, receiptOf, receive, SHOWN_MAX, whole } from '../lib/record_api.js';
import { deleteSection, replaceSection } from '../lib/record_change.js';
import { grantsSection } from '../lib/record_grants.js';
import { historySection } from '../lib/record_history.js';
import { receiptView } from '../lib/receipt_view.js';
import { save } from '../lib/save.js';
import { needStyle } from '../lib/style.js';
import { time } from '../lib/time.js';
import { isShown, showContent } from '../lib/viewers.js';
import { strings } from '../strings.js';

const text = strings.record;
// Of what is not shown so much is fetched, to see whether it is text after all.
const GLANCE_MAX = 1024 * 1024;

export const title = (params) => text.title(params.id, params.version);

// ---- facts ----

function factsSection(record, asked) {
  const fact = (name, ...value) => [h('dt', null, name), h('dd', null, value)];
  const digest = h('div', { class: 'hint', role: 'status' });
  const element = h('section', { class: 'block' }, h('h2', null, text.facts),
    asked && h('p', { class: 'note' }, text.old(record.version), ' ', h('a', { href: `#/records/${record.id}` }, text.current)),
    h('dl', { class: 'facts' },
      fact(text.version, String(record.version)),
      fact(text.type, h('code', null, record.type)),
      fact(text.size, text.sizeText(sizeText(record.size), record.size)),
      record.stored && fact(text.stored, time(record.stored)),
      fact(text.labels, record.labels || h('span', { class: 'muted' }, text.noLabels)),
      record.digest && fact(text.digest, h('code', null, record.digest), digest)));
  return { element, digest };
}

async function checkDigest(place, record, bytes) {
  if (!record.digest || bytes.length !== record.size) return;
  const good = hex(await sha256(bytes)) === record.digest;
  place.textContent = good ? text.digestGood : text.digestBad;
  place.classList.toggle('wrong', !good);
}

// ---- contents ----

function downloadButton(app, record, { reason, signal }) {
  const bar = h('progress', { 'aria-label': text.download, hidden: true });
  const button = h('button', {
    type: 'button',
    onclick: async () => {
      button.disabled = true;
      bar.hidden = false;
      try {
        const name = fileName(record.id, record.version, record.type);
        const blob = await whole(app, record, { reason, signal, progress: (size) => { bar.value = size / Math.max(1, record.size); } });
        save(blob, name);
        app.notify(text.downloaded(name), 'good');
      } catch (error) {
        app.fail(error);
      } finally {
        button.disabled = false;
        bar.hidden = true;
        bar.removeAttribute('value');
      }
    },
  }, text.download);
  return [button, bar];
}

// Fetches what is shown, and no more: what is not shown is left at a glance.
async function contents(record, response) {
  const most = isShown(record.type) ? SHOWN_MAX : GLANCE_MAX;
  if (record.size > most && !isShown(record.type)) {
    await response.body?.cancel();
    return new Uint8Array(0);
  }
  const blob = await receive(response);
  return new Uint8Array(await blob.arrayBuffer());
}

function contentsSection(app, record, options) {
  const place = h('div', { class: 'contents' });
  const seen = app.session.has('audit')
    && h('a', { class: 'button', href: `#/audit?record=${record.id}` }, text.seen);
  return {
    place,
    element: h('section', { class: 'block' }, h('h2', null, text.contents),
      h('div', { class: 'actions top' }, downloadButton(app, record, options), seen), place),
  };
}

function receiptSection(app, record) {
  const kept = receiptOf(app, record.id, record.version);
  const details = h('details', {
    class: 'block',
    ontoggle: () => {
      if (details.open && details.children.length === 1) {
        details.append(kept ? receiptView(app, kept) : h('p', null, text.receiptNone));
      }
    },
  }, h('summary', null, text.receipt));
  return details;
}

// ---- when it cannot be opened ----

const REASONS = { gone: text.gone, 'not-found': text.notFound, sealed: text.sealed };

function emergencyForm(app, again) {
  const { field, input } = labelled(text.emergencyReason, 'textarea', { required: true, minlength: 10, maxlength: 500 },
    { hint: text.emergencyHint });
  return h('section', { class: 'block' }, h('h2', null, text.emergencyTitle), h('p', null, text.emergencyText),
    form({}, () => again(input.value.trim()), (error) => app.fail(error), field,
      h('button', { type: 'submit', class: 'danger' }, text.emergencyOpen)));
}

function closed(root, app, error, again) {
  if (error.name === 'AbortError') return;
  if (!Object.hasOwn(REASONS, error.slug)) throw error;
  fill(root, h('p', { class: 'note warn' }, REASONS[error.slug]),
    error.slug === 'not-found' && app.session.has('break-glass') && emergencyForm(app, again));
}

// ---- all of it ----

async function draw(root, app, params, options, cleanups) {
  const { facts: record, response } = await open(app, params.id, params.version, options);
  const facts = factsSection(record, params.version !== undefined);
  const body = contentsSection(app, record, options);
  const writes = app.session.has('records:write') && params.version === undefined;
  const redraw = (...notice) => app.navigate(`/records/${record.id}`, ...notice);

  record.essence = essence(record.type);
  fill(root, options.reason && h('p', { class: 'note warn' }, text.emergencyNote), facts.element, body.element,
    historySection(app, record, options), receiptSection(app, record), grantsSection(app, record),
    writes && replaceSection(app, record, redraw, cleanups), writes && deleteSection(app, record));
  const bytes = await contents(record, response);
  cleanups.push(await showContent(body.place, { bytes, type: record.type, total: record.size }, strings));
  await checkDigest(facts.digest, record, bytes);
}

export async function render(root, app, params) {
  const abort = new AbortController();
  const cleanups = [];
  const attempt = async (reason) => {
    try {
      await draw(root, app, params, { reason, signal: abort.signal }, cleanups);
    } catch (error) {
      closed(root, app, error, attempt);
    }
  };

  await needStyle('records.css');
  if (!ID.test(params.id)) fill(root, h('p', { class: 'note warn' }, text.notFound));
  else await attempt(null);
  return () => {
    abort.abort();
    for (const cleanup of cleanups) cleanup();
  };
}
