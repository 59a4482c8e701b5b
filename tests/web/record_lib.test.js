// What the views of records know without a browser: encodings, media types, HL7 v2, headers, queues, PDFs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { data, load, noData } from './modules.js';
import { actingPdf, objectStream, plainPdf } from './pdf.js';

const { decodeText, detectEncoding, ENCODINGS, encodingName, looksBinary } = await load('lib/encoding.js');
const { essence, fileName, guessType, isMediaType, sizeText, viewerOf } = await load('lib/media.js');
const { hl7Fields, hl7Segments, hl7Separators } = await load('lib/hl7.js');
const { fromHeader, isLabels, toHeader } = await load('lib/header_text.js');
const { scanPdf } = await load('lib/pdf_scan.js');
const { UploadQueue } = await load('lib/upload_queue.js');
const { byDay, find, loudness, tail } = await load('lib/audit_log.js');

const bytes = (...parts) => new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part))));
const latin1 = (text) => new Uint8Array(Buffer.from(text, 'latin1'));

// ---- encodings ----

test('what bytes say of themselves counts, and what they contradict does not', () => {
  const cases = [
    [bytes([0xef, 0xbb, 0xbf], 'é'), 'text/plain', 'utf-8', 'mark'],
    [bytes([0xff, 0xfe], 'a\0'), 'text/plain;charset=utf-8', 'utf-16le', 'mark'],
    [bytes('plain'), 'text/plain', 'utf-8', 'valid'],
    [latin1('caf\xe9'), 'text/plain; charset=ISO-8859-1', 'windows-1252', 'charset'],
    [latin1('caf\xe9'), 'text/plain; charset="utf-8"', 'windows-1252', 'guess'],
    [latin1('caf\xe9'), 'text/plain; charset=no-such', 'windows-1252', 'guess'],
    [latin1('<?xml version="1.0" encoding="iso-8859-2"?><a>\xb1</a>'), 'application/xml', 'iso-8859-2', 'declared'],
    [latin1('<?xml version="1.0" encoding="utf-16"?><a/>'), 'application/xml', 'utf-8', 'valid'],
    [latin1('MSH|^~\\&|A|B|C|D|2020||ADT^A01|1|P|2.5||||||8859/15\rPID|1||\xe9'), '', 'iso-8859-15', 'declared'],
    [latin1('MSH|^~\\&|A|B|C|D|2020||ADT^A01|1|P|2.5||||||UNICODE UTF-8\rPID|\xe9'), '', 'windows-1252', 'guess'],
    [new Uint8Array(0), 'text/plain', 'utf-8', 'valid'],
  ];
  for (const [content, type, encoding, from] of cases) {
    assert.deepEqual(detectEncoding(content, type), { encoding, from }, `${type} ${Buffer.from(content).toString('latin1')}`);
  }
});

test('every encoding that is offered is one that there is', () => {
  for (const name of ENCODINGS) assert.equal(encodingName(name), name);
  assert.equal(encodingName('x-none'), null);
});

test('a byte order mark is not part of the text', () => {
  assert.equal(decodeText(bytes([0xef, 0xbb, 0xbf], '{}'), 'utf-8'), '{}');
});

test('real records are told from bytes', { skip: noData }, () => {
  assert.deepEqual(detectEncoding(data('records/other/fhir_bundle_latin1.json'), 'application/fhir+json'),
    { encoding: 'windows-1252', from: 'guess' });
  for (const name of ['hl7v2/ADT-A01-01.hl7', 'ccda/CCD_2.xml', 'other/fhir_bundle_latin1.json']) {
    assert.equal(looksBinary(data(`records/${name}`)), false, name);
  }
  for (const name of ['dicom/MR_small.dcm', 'other/ResultsWithLabLocation.png', 'other/zipMR.gz']) {
    assert.equal(looksBinary(data(`records/${name}`)), true, name);
  }
});

// ---- media types ----

test('a file is what its name says, and FHIR and CDA are told by their first bytes', () => {
  const cases = [
    ['a.json', '', '{"resourceType": "Patient"}', 'application/fhir+json'], ['a.json', '', '{"a": 1}', 'application/json'],
    ['a.xml', '', '<ClinicalDocument xmlns="urn:hl7-org:v3">', 'application/cda+xml'], ['a.XML', '', '<a/>', 'application/xml'],
    ['b.xml', '', '<Bundle xmlns="//hl7.org/fhir">', 'application/fhir+xml'], ['x.hl7', '', '', 'x-application/hl7-v2+er7'],
    ['x.dcm', '', '', 'application/dicom'], ['constructor', '', '', 'application/octet-stream'],
    ['x.constructor', 'image/png', '', 'image/png'], ['x', 'not a type', '', 'application/octet-stream'],
    ['page.html', 'text/plain', '', 'text/html'],
  ];
  for (const [name, type, head, expected] of cases) assert.equal(guessType(name, type, head), expected, name);
});

test('media types are checked before they are sent', () => {
  for (const good of ['text/plain', 'application/fhir+json;charset=utf-8', 'a/b; c="d e"', 'x-application/hl7-v2+er7']) {
    assert.equal(isMediaType(good), true, good);
  }
  for (const bad of ['', 'text', 'text/', '/plain', 'text/plain;', 'text/pl ain', 'a/b\r\nX: y', 'multipart/form-data',
    'application/x-www-form-urlencoded', `a/${'b'.repeat(300)}`]) {
    assert.equal(isMediaType(bad), false, bad);
  }
});

test('what would run when shown is shown as text, and the rest is a download', () => {
  const cases = {
    'application/fhir+json; charset=utf-8': 'json', 'text/html': 'text', 'application/xhtml+xml': 'text', 'image/svg+xml': 'drawing',
    'IMAGE/PNG': 'image', 'application/pdf': 'pdf', 'application/dicom': 'download', 'application/octet-stream': 'download',
    'application/javascript': 'text', 'text/javascript': 'text', 'application/cda+xml': 'text', 'application/dicom+json': 'json',
    'x-application/hl7-v2+er7': 'hl7', 'application/x-shockwave-flash': 'download', 'multipart/related': 'download',
  };
  for (const [type, viewer] of Object.entries(cases)) assert.equal(viewerOf(type), viewer, type);
});

test('downloads have names that tell what they are', () => {
  assert.equal(fileName('id', 2, 'application/fhir+json'), 'id-v2.fhir');
  assert.equal(fileName('id', 1, 'application/pdf; x=y'), 'id-v1.pdf');
  assert.equal(fileName('id', 1, 'application/vnd.x+json'), 'id-v1.json');
  assert.equal(fileName('id', 1, '../../etc'), 'id-v1.bin');
  assert.equal(essence(' Text/HTML ; a=b'), 'text/html');
});

test('sizes', () => {
  const sizes = { 0: '0 B', 1023: '1023 B', 1024: '1.0 KiB', 1536: '1.5 KiB', 104857600: '100 MiB', 1099511627776: '1.0 TiB' };
  for (const [size, words] of Object.entries(sizes)) assert.equal(sizeText(Number(size)), words);
});

// ---- HL7 v2 ----

test('segments end by CR, LF or both, in an MLLP frame or not', () => {
  const text = 'MSH|^~\\&|A||B\rPID|1||2^3\nNTE||free text\r\n  folded\rZ99|x\r';
  for (const framed of [text, `\x0b${text}\x1c\r`]) {
    assert.deepEqual(hl7Segments(framed).map(({ name }) => name), ['MSH', 'PID', 'NTE', '', 'Z99']);
  }
  assert.deepEqual(hl7Segments(''), []);
});

test('fields are numbered as the standard does, by the separators of the message', () => {
  const separators = hl7Separators('MSH$%~\\&$A$$B');
  assert.equal(separators.field, '$');
  assert.equal(separators.component, '%');
  const [msh, pid] = hl7Segments('MSH$%~\\&$A$$B\rPID$1$$2');
  assert.deepEqual(hl7Fields(msh, separators), [{ number: 2, text: '%~\\&' }, { number: 3, text: 'A' }, { number: 5, text: 'B' }]);
  assert.deepEqual(hl7Fields(pid, separators), [{ number: 1, text: '1' }, { number: 3, text: '2' }]);
});

test('all of a real message is in its segments', { skip: noData }, () => {
  const text = decodeText(data('records/hl7v2/ADT-A01-01.hl7'), 'utf-8');
  const segments = hl7Segments(text);
  assert.ok(segments.length > 5);
  assert.equal(segments[0].name, 'MSH');
  assert.equal(segments.map((segment) => segment.text).join(''), text.replace(/[\r\n]/g, ''));
});

// ---- headers ----

test('labels go as UTF-8, one character a byte, and come back', () => {
  for (const text of ['ward 7', 'Größe 日本 😀', '']) assert.equal(fromHeader(toHeader(text)), text);
  assert.equal(fromHeader('\xff'), '\xff');
  assert.equal(isLabels('a\nb'), false);
  assert.equal(isLabels('é'.repeat(2048)), true);
  assert.equal(isLabels('é'.repeat(2049)), false);
});

// ---- PDFs ----

test('a PDF that acts is known, however the name is written', async () => {
  const acting = ['<</S/JavaScript/JS(app.alert\\(1\\))>>', '<</S /J#61vaScript/JS(1)>>', '<</S/#4AavaScript>>', '<</S/Launch/F(x)>>',
    '<</S/SubmitForm/F(x)>>', '<</S/ImportData/F(x)>>', '<</S/GoToR/F(x)/D[0/Fit]>>', '<</S/Rendition>>', '<</Type/RichMedia>>'];
  for (const action of acting) assert.equal(await scanPdf(actingPdf(action)), 'active', action);
  assert.equal(await scanPdf(plainPdf('/AcroForm<</XFA 5 0 R>>', '<<>>')), 'active');
});

test('a PDF that acts inside an object stream is known, and what cannot be looked into is not trusted', async () => {
  const script = '5 0 <</S/JavaScript/JS(app.alert\\(1\\))>>';
  const cases = [
    [objectStream(script), 'active'], [objectStream(script, { end: '\r\n' }), 'active'], [objectStream(script, { end: '' }), 'active'],
    [objectStream('5 0 <</S/GoTo/D[3 0 R/Fit]>>'), 'quiet'],
    [objectStream(script, { type: '/Type/O#62jStm' }), 'active'], [objectStream(script, { type: '' }), 'active'],
    [objectStream(script, { filter: '/Filter[/FlateDecode]' }), 'active'],
    [objectStream(script, { filter: '/Filter/LZWDecode' }), 'unknown'], [objectStream(script, { filter: '/Filter 9 0 R' }), 'unknown'],
    [objectStream(script, { filter: '/Filter[/ASCIIHexDecode/FlateDecode]' }), 'unknown'],
    [objectStream(script, { more: '/DecodeParms<</Predictor 12/Columns 4>>' }), 'unknown'],
    [Buffer.from('<</Type/ObjStm/N 1/First 4/Filter/FlateDecode>>stream\nthis is not zlib\nendstream'), 'unknown'],
  ];
  for (const [stream, verdict] of cases) {
    assert.equal(await scanPdf(plainPdf('', stream)), verdict, stream.toString('latin1').slice(0, 90));
  }
  const encrypted = Buffer.concat([plainPdf('', objectStream('5 0 <<>>')), Buffer.from('/Encrypt 6 0 R')]);
  assert.equal(await scanPdf(encrypted), 'unknown');
});

test('PDFs that do nothing are quiet, and what is no PDF is not trusted', async () => {
  assert.equal(await scanPdf(plainPdf()), 'quiet');
  assert.equal(await scanPdf(plainPdf('/Outlines 5 0 R', '<</Type/Outlines/First 6 0 R/Last 6 0 R/Count 1>>', '<</Title(a)/Parent 5 0 R>>')), 'quiet');
  assert.equal(await scanPdf(Buffer.from('<html><script>alert(1)</script>')), 'unknown');
  assert.equal(await scanPdf(new Uint8Array(0)), 'unknown');
});

test('a real PDF is quiet', { skip: noData }, async () => {
  assert.equal(await scanPdf(data('records/other/C-CDA_R2_UD_sample.pdf')), 'quiet');
});

// ---- the queue ----

const file = (name, size = 3) => ({ name, size });

// A queue whose sends are settled by the test: sends.get(name) is [{item, options, resolve, reject}].
function testQueue(again = () => null) {
  const sends = new Map();
  const waits = [];
  const queue = new UploadQueue({
    again, wait: async (ms) => { waits.push(ms); },
    send: (item, options) => new Promise((resolve, reject) => {
      options.signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
      sends.set(item.file.name, [...(sends.get(item.file.name) ?? []), { item, options, resolve, reject }]);
    }),
  });
  return { queue, sends, waits };
}

const settled = () => new Promise((resolve) => { setImmediate(resolve); });

test('files go two at a time, in their order', async () => {
  const { queue, sends } = testQueue();
  for (const name of ['a', 'b', 'c']) queue.add(file(name), 'text/plain');
  assert.equal(sends.size, 0);
  queue.start();
  assert.deepEqual([...sends.keys()], ['a', 'b']);
  sends.get('a')[0].resolve('made');
  await settled();
  assert.deepEqual([...sends.keys()], ['a', 'b', 'c']);
  assert.equal(queue.items[0].state, 'done');
  assert.equal(queue.items[0].answer, 'made');
});

test('trying again uses the same Idempotency-Key, and every file has its own', async () => {
  const { queue, sends } = testQueue();
  const item = queue.add(file('a'), 'text/plain');
  const other = queue.add(file('b'), 'text/plain');
  queue.start();
  const { key } = item;
  sends.get('a')[0].reject(Object.assign(new Error('gone'), { status: 0 }));
  await settled();
  assert.equal(item.state, 'failed');
  queue.retry(item);
  assert.equal(sends.get('a').length, 2);
  assert.equal(sends.get('a')[1].item.key, key);
  assert.notEqual(other.key, key);
});

test('what passes is tried again by itself, a few times', async () => {
  const { queue, sends, waits } = testQueue((error) => (error.slug === 'busy' ? 7 : null));
  const item = queue.add(file('a'), 'text/plain');
  queue.start();
  for (let i = 0; i < 4; i++) {
    assert.equal(item.state, 'sending');
    sends.get('a').at(-1).reject(Object.assign(new Error('busy'), { slug: 'busy' }));
    await settled();
  }
  assert.equal(item.state, 'failed');
  assert.deepEqual(waits, [7, 7, 7]);
  assert.equal(sends.get('a').length, 4);
});

test('cancelling ends what is sent and what waits, and the next goes', async () => {
  const { queue, sends } = testQueue();
  const [a, , c, d] = ['a', 'b', 'c', 'd'].map((name) => queue.add(file(name), 'text/plain'));
  queue.start();
  queue.cancel(c);
  queue.cancel(a);
  await settled();
  assert.deepEqual([a.state, c.state, d.state], ['cancelled', 'cancelled', 'sending']);
  assert.equal(sends.has('c'), false);
  queue.cancelAll();
  await settled();
  assert.equal(queue.count('cancelled'), 4);
});

// ---- the audit log ----

// An API over so many events, of which it looks at `most` a request.
function logOf(count, most = 50) {
  const asked = [];
  return {
    asked,
    get: async (path) => {
      const query = new URL(path, 'https://x').searchParams;
      asked.push(path);
      const after = Number(query.get('after'));
      const limit = Number(query.get('limit'));
      const events = [];
      let at = after;
      while (at < count && at < after + most && events.length < limit) {
        at += 1;
        if (!query.get('actor') || at % 10 === 0) events.push({ sequence: at, time: '2026-01-01T00:00:00.000Z' });
      }
      return { body: { events, ...(at < count ? { next: String(at) } : {}) } };
    },
  };
}

test('the end of the log is read backwards, and nothing twice', async () => {
  const api = logOf(230);
  const seen = [];
  let last = 230;
  while (last > 0) {
    const { events, first } = await tail(api, last, 100);
    seen.unshift(...events.map(({ sequence }) => sequence));
    last = first - 1;
  }
  assert.deepEqual(seen, Array.from({ length: 230 }, (_, i) => i + 1));
});

test('a filter goes on over pages that hold nothing, to the end', async () => {
  const looked = [];
  const { events, next } = await find(logOf(500, 7), { actor: 'ann', record: '', from: '', to: '' }, 0, { looked: (at) => looked.push(at) });
  const rest = await find(logOf(500, 7), { actor: 'ann', record: '', from: '', to: '' }, Number(next), {});
  assert.equal(events.length + rest.events.length, 50);
  assert.equal(rest.next, null);
  assert.ok(looked.length > 10);
});

test('what is loud stands out, and days are told apart', () => {
  const cases = [
    [{ action: 'record.break-glass', outcome: 200 }, 'glass'], [{ action: 'record.read', outcome: 404 }, 'refused'],
    [{ action: 'access.refused', count: 3 }, 'refused'], [{ action: 'record.read', outcome: 500 }, 'failed'],
    [{ action: 'record.interrupted' }, 'failed'], [{ action: 'record.read', outcome: 206 }, ''], [{ action: 'store.create' }, ''],
  ];
  for (const [event, expected] of cases) assert.equal(loudness(event), expected, event.action);
  const days = byDay([{ time: 'a1' }, { time: 'a2' }, { time: 'b1' }], (time) => time[0]);
  assert.deepEqual(days.map(({ day, events }) => [day, events.length]), [['a', 2], ['b', 1]]);
});
