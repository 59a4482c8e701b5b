// How the service is, and sealing and unsealing it.
import { fromBase64, hex, sha256, utf8 } from '../lib/bytes.js';
import { fill, form, h, labelled } from '../lib/dom.js';
import { sizeText } from '../lib/media.js';
import { badge } from '../lib/parts.js';
import { needStyle } from '../lib/style.js';
import { time, timeText } from '../lib/time.js';
import { strings } from '../strings.js';

const text = strings.operations;

export const { title } = text;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// 200,000 seconds are "2 days".
function spanText(seconds) {
  if (seconds >= 2 * DAY) return text.days(Math.floor(seconds / DAY));
  if (seconds >= 2 * HOUR) return text.hours(Math.floor(seconds / HOUR));
  return text.minutes(Math.floor(seconds / MINUTE));
}

const fact = (name, ...value) => [h('dt', null, name), h('dd', null, value)];

// ---- what everybody may know ----

async function readState(app) {
  const ask = (path) => app.api.get(path, { token: null }).then(({ body }) => body.status, (error) => {
    if (error.name === 'AbortError') throw error;
    return 'unavailable';
  });
  return { health: await ask('/v1/health'), ready: await ask('/v1/ready') };
}

const READY_KINDS = { ready: 'good', sealed: 'warning', unavailable: 'error' };

const stateFacts = ({ health, ready }) => [
  fact(text.health, badge(health === 'ok' ? 'good' : 'error', health === 'ok' ? text.healthOk : text.healthBad)),
  fact(text.ready, badge(READY_KINDS[ready], text.states[ready])),
];

// ---- what administrators see ----

const WARN_DAYS = 14;
const SPACE_KINDS = { ok: 'good', low: 'warning', none: 'error' };

function certificateFacts(certificate) {
  if (!certificate) return null;
  const left = certificate.seconds_left;
  const kind = left === 0 ? 'error' : left < WARN_DAYS * DAY ? 'warning' : 'good';
  return fact(text.certificate, badge(kind, left === 0 ? text.expired : text.left(spanText(left))), ' ',
    text.until, ' ', time(certificate.not_after), h('br'), h('span', { class: 'muted' }, certificate.names.join(', ')));
}

function statusFacts(status) {
  const { disk, database, queue, audit, connections, epoch } = status;
  return [
    fact(text.program, `coffer ${status.version}`),
    fact(text.started, time(status.started), ' ', h('span', { class: 'muted' }, text.since(spanText(status.uptime_seconds)))),
    fact(text.database, badge(status.healthy ? 'good' : 'error', status.healthy ? text.whole : text.damaged), ' ',
      text.sizes(sizeText(database.bytes), sizeText(database.wal_bytes))),
    certificateFacts(status.certificate),
    fact(text.disk, badge(SPACE_KINDS[disk.space], text.space[disk.space]), ' ', text.free(sizeText(disk.free_bytes)), h('br'),
      h('span', { class: 'muted' }, text.marks(sizeText(disk.watermark_bytes), sizeText(disk.reserve_bytes)))),
    status.keks.map((kek) => fact(text.keks[kek.state], h('code', null, kek.id), h('br'),
      h('span', { class: 'muted' }, text.age(spanText(kek.age_seconds))))),
    epoch && fact(text.epoch, text.age(spanText(epoch.age_seconds)), ', ', epoch.loaded ? text.loaded : text.unloaded),
    fact(text.queue, text.of(queue.waiting, queue.limit)),
    connections && fact(text.connections, text.of(connections.open, connections.limit)),
    fact(text.audit, text.events(audit.sequence.toLocaleString('en')), h('br'), h('code', { class: 'muted' }, audit.hash)),
  ];
}

// SHA-256 of the local CA's certificate, by which invites and `coffer trust` name it; null when another CA certifies.
async function caFingerprint(app) {
  try {
    const { body } = await app.api.get('/v1/ca', { as: 'text', token: null });
    return hex(await sha256(fromBase64(body.replace(/-----[A-Z ]+-----|\s/g, ''))));
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

// Answers whether records can be read: 'ready', 'sealed' or 'unavailable'.
async function drawState(app, place) {
  const state = await readState(app);
  const status = app.session.has('admin') || app.session.has('metrics') ? (await app.api.get('/v1/status')).body : null;
  const identity = (await app.api.get('/.well-known/coffer', { token: null })).body.identity_keys.find((key) => key.state === 'current');
  const ca = await caFingerprint(app);
  fill(place, h('dl', { class: 'facts' }, stateFacts(state), status && statusFacts(status),
    fact(text.identity, h('code', null, identity.id)), ca && fact(text.ca, h('code', null, ca))),
  h('p', { class: 'muted', role: 'status' }, text.refreshed(timeText(Date.now()))));
  return state.ready;
}

// ---- sealing ----

function unsealForm(app, redraw) {
  const { field, input } = labelled(text.passphrase, 'input',
    { type: 'password', required: true, autocomplete: 'off', spellcheck: 'false', maxlength: 1024 });
  return h('section', { class: 'block' }, h('h2', null, text.unsealTitle), h('p', null, text.unsealText), form({}, async () => {
    const passphrase = utf8(input.value);
    // Out of the field before anything else happens, and out of what was sent as soon as that is over.
    input.value = '';
    try {
      await app.api.post('/v1/unseal', passphrase, { as: 'text', headers: { 'Content-Type': 'text/plain' } });
    } finally {
      passphrase.fill(0);
    }
    app.notify(text.unsealed, 'good');
    await redraw();
  }, (error) => {
    if (error.slug === 'wrong-passphrase') app.notify(text.wrongPassphrase, 'error');
    else app.fail(error);
  }, field, h('button', { type: 'submit', class: 'primary' }, text.unseal)));
}

function sealSection(app, redraw) {
  return h('section', { class: 'block' }, h('h2', null, text.sealTitle), h('p', null, text.sealText), h('button', {
    type: 'button', class: 'danger',
    onclick: async () => {
      if (!await app.confirm({ title: text.sealAsk, text: text.sealAskText, yes: text.sealYes, danger: true })) return;
      try {
        await app.api.post('/v1/seal', undefined, { as: 'text' });
        app.notify(text.sealed, 'good');
        await redraw();
      } catch (error) {
        if (error.status === 409) app.notify(text.sealRefused, 'error');
        else app.fail(error);
      }
    },
  }, text.seal));
}

export async function render(root, app) {
  await needStyle('records.css');
  const state = h('div');
  const sealing = h('div');
  const redraw = async () => {
    const ready = await drawState(app, state);
    if (!app.session.has('admin')) fill(sealing, h('p', { class: 'note' }, text.needsAdmin));
    else fill(sealing, ready === 'sealed' ? unsealForm(app, redraw) : sealSection(app, redraw));
  };
  fill(root, h('section', { class: 'block' }, h('h2', null, text.state), state, h('button', {
    type: 'button', onclick: () => redraw().catch((error) => app.fail(error)),
  }, text.refresh)), sealing);
  try {
    await redraw();
  } catch (error) {
    app.fail(error);
  }
}
