// The requests that the views of records make, and what stays of them for as long as the page lives: the queue of
// uploads, and the receipts, of which the server keeps none.
import { fromBase64, hex } from './bytes.js';
import { fromHeader, toHeader } from './header_text.js';
import { UploadQueue } from './upload_queue.js';

export const recordPath = (id) => `/v1/records/${encodeURIComponent(id)}`;
export const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

// How much of a record is fetched to be shown.
export const SHOWN_MAX = 16 * 1024 * 1024;

const RETRY_MS = 2000;
const TRANSIENT = new Set(['busy', 'outcome-unknown', 'idempotency-in-flight', 'rate-limited']);

// ---- what is kept, for each app ----

const kept = new WeakMap();

// {queue, receipts}: receipts is a list of {id, version, kind, text}, kind 'stored' or 'deleted'.
export function keptOf(app) {
  if (!kept.has(app)) {
    const receipts = [];
    const queue = new UploadQueue(sending(app, (item, options) => store(app, item, options, receipts)));
    kept.set(app, { queue, receipts });
    app.session.addEventListener('change', () => {
      if (app.session.account !== null) return;
      queue.cancelAll();
      queue.items.length = 0;
      receipts.length = 0;
    });
    addEventListener('beforeunload', (event) => {
      if (queue.count('queued', 'sending') > 0) event.preventDefault();
    });
  }
  return kept.get(app);
}

export const receiptOf = (app, id, version) =>
  keptOf(app).receipts.find((receipt) => receipt.id === id && receipt.version === version && receipt.kind === 'stored');

// ---- writing ----

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new DOMException('aborted', 'AbortError'));
    }, { once: true });
  });
}

// What an UploadQueue is made with.
export function sending(app, send) {
  const again = (error) => (TRANSIENT.has(error.slug) ? (error.retryAfter ?? 0) * 1000 || RETRY_MS : null);
  return { send, again, wait: pause };
}

// The receipt that came with a write, now kept.
function keepReceipt(app, headers, id, version, kind, receipts = keptOf(app).receipts) {
  const text = headers.get('Coffer-Receipt');
  if (text) receipts.push({ id, version, kind, text });
}

function writeHeaders(item) {
  const headers = { 'Content-Type': item.type };
  if (item.labels.trim()) headers['Coffer-Labels'] = toHeader(item.labels.trim());
  return headers;
}

async function store(app, item, options, receipts) {
  const { body, headers } = await app.api.upload('POST', '/v1/records', item.file,
    { ...options, headers: { ...writeHeaders(item), 'Idempotency-Key': item.key } });
  keepReceipt(app, headers, body.id, body.version, 'stored', receipts);
  return body;
}

// Answers the metadata of the new version; ApiError 412 when `version` is not the current one.
export async function replace(app, id, version, item, options) {
  const { body, headers } = await app.api.upload('PUT', recordPath(id), item.file,
    { ...options, headers: { ...writeHeaders(item), 'If-Match': `"${version}"` } });
  keepReceipt(app, headers, id, body.version, 'stored');
  return body;
}

export async function remove(app, id, version) {
  const { headers } = await app.api.del(recordPath(id), { headers: { 'If-Match': `"${version}"` } });
  keepReceipt(app, headers, id, version, 'deleted');
}

// ---- reading ----

// {version, type, size, stored, labels, digest}: digest is SHA-256 in hexadecimal, or null.
function facts(id, headers) {
  const range = /\/(\d+)$/.exec(headers.get('Content-Range') ?? '');
  const digest = /sha-256=:([A-Za-z0-9+/]{43}=):/.exec(headers.get('Repr-Digest') ?? '');
  return {
    id,
    version: Number(/^"(\d+)"$/.exec(headers.get('ETag') ?? '')?.[1]),
    type: headers.get('Content-Type') ?? 'application/octet-stream',
    size: Number(range ? range[1] : headers.get('Content-Length') ?? 0),
    stored: headers.get('Last-Modified'),
    labels: fromHeader(headers.get('Coffer-Labels') ?? ''),
    digest: digest ? hex(fromBase64(digest[1])) : null,
  };
}

const contentPath = (id, version) => (version ? `${recordPath(id)}/versions/${version}` : recordPath(id));

// Asks once for what can be shown: one event in the audit log. {facts, response}: of the response, at most SHOWN_MAX
// bytes are to be read; whoever does not read it cancels it.
export async function open(app, id, version, { reason, signal }) {
  const emergency = reason ? { 'Coffer-Emergency-Reason': toHeader(reason) } : {};
  const ask = (headers) => app.api.get(contentPath(id, version), { as: 'response', signal, headers: { ...emergency, ...headers } });
  let answer;
  try {
    answer = await ask({ Range: `bytes=0-${SHOWN_MAX - 1}` });
  } catch (error) {
    // Of no bytes there is no range.
    if (error.status !== 416) throw error;
    answer = await ask({});
  }
  return { facts: facts(id, answer.headers), response: answer.body };
}

// The bytes of a response in a Blob; progress(received) as they come.
export async function receive(response, progress) {
  const parts = [];
  let size = 0;
  const reader = response.body?.getReader();

  for (;;) {
    const { done, value } = reader ? await reader.read() : { done: true };
    if (done) return new Blob(parts);
    parts.push(value);
    size += value.length;
    progress?.(size);
  }
}

// All of a version, that very one.
export async function whole(app, record, { reason, signal, progress }) {
  const emergency = reason ? { 'Coffer-Emergency-Reason': toHeader(reason) } : {};
  const { body } = await app.api.get(contentPath(record.id, record.version), { as: 'response', signal, headers: emergency });
  return receive(body, progress);
}
