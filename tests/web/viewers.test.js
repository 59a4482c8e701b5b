// What the page makes of what a record holds: exact, whole, fast enough, and never as a document that runs.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { until } from './harness.js';
import { look } from './looks.js';
import { bench as makeBench, go, real, RECORDS, sample } from './records_shared.js';
import { plainPdf } from './pdf.js';

let ann;

const bench = makeBench(async ({ coffer }) => { ann = await coffer.account('ann', 'writer', 'auditor'); });

async function show(bytes, type, page = null) {
  const id = await bench.store(ann, bytes, type);
  if (!page) return bench.view(`/records/${id}`, ann);
  await go(page, `/records/${id}`);
  return page;
}

const path_ = (page) => page.locator('.tree-path').textContent();

test('numbers, order and names used twice are shown as they stand', async () => {
  const text = '{"z": 1.000000000000000000E-245, "a": 12345678901234567890, "z": -0, "x": [1e400, 0.10]}';
  const page = await show(text, 'application/json');
  await page.getByText('1.000000000000000000E-245', { exact: true }).waitFor();
  const keys = await page.locator('.tree-key').allTextContents();
  assert.deepEqual(keys, ['z', 'a', 'z', 'x']);
  assert.deepEqual(await page.locator('.tree-number').allTextContents(),
    ['1.000000000000000000E-245', '12345678901234567890', '-0', '1e400', '0.10']);
  assert.deepEqual(await page.getByText('name used twice').count(), 1);
  await page.getByRole('button', { name: 'Text', exact: true }).click();
  assert.equal(await page.locator('pre.source').textContent(), text);
});

test('a large FHIR bundle does not freeze the page', { skip: !real && 'no test data' }, async () => {
  const bundle = fs.readFileSync(path.join(RECORDS, 'fhir/synthea-r4/Bambi_Murray_651a56f9.json'), 'utf8');
  // The bundle twice: more than 5 MB.
  const text = `[${bundle},${bundle}]`;
  assert.ok(text.length > 5_000_000);
  const page = await bench.view('/records', ann);
  await page.evaluate(() => {
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, entry.duration);
    }).observe({ entryTypes: ['longtask'] });
  });
  await show(text, 'application/fhir+json', page);
  await page.getByRole('tree').waitFor();
  await page.getByRole('button', { name: 'Open more' }).click();
  await until(async () => (await page.getByRole('treeitem').count()) > 100, 'more rows');
  const { longest, rows } = await page.evaluate(() => ({ longest: globalThis.longest, rows: document.querySelectorAll('[role=treeitem]').length }));
  console.log(`JSON of ${text.length} characters: the longest task took ${Math.round(longest)} ms, ${rows} rows`);
  assert.ok(longest < 2000, `${longest} ms`);
  assert.ok(rows < 3500, `${rows} rows`);
});

test('an array of thousands is shown a hundred at a time, by keyboard too', async () => {
  const page = await show(JSON.stringify(Array.from({ length: 1234 }, (_, i) => i)), 'application/json');
  await page.getByRole('treeitem', { name: '[1,234 items]' }).waitFor();
  if (await page.getByRole('treeitem').count() === 1) await page.getByRole('treeitem').first().click();
  await page.getByText('Show 100 more of 1,134 that follow').waitFor();
  assert.equal(await page.getByRole('treeitem').count(), 102);
  await page.getByRole('treeitem').first().focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  assert.equal(await path_(page), '$[100]');
  await page.getByText('Show 100 more of 1,034 that follow').waitFor();
  const { setsize, posinset } = await page.evaluate(() => ({
    setsize: document.activeElement.getAttribute('aria-setsize'), posinset: document.activeElement.getAttribute('aria-posinset') }));
  assert.deepEqual([setsize, posinset], ['1234', '101']);
});

test('JSON nested too deeply is shown as text, and so is what is no JSON, with line and column', async () => {
  const page = await show('['.repeat(100_000) + ']'.repeat(100_000), 'application/json');
  await page.getByText('it is nested too deeply to be shown as a tree').waitFor();
  await show('{"a": 1,\n "b": tru}', 'application/fhir+json', page);
  await page.getByText('This is not JSON: a value is missing, line 2, column 7. It is shown as text.').waitFor();
  assert.match(await page.locator('pre.source').textContent(), /tru\}$/);
  await show(Buffer.from('{"a": "caf\xe9"}', 'latin1'), 'application/json', page);
  await page.getByText('This is not UTF-8, and so not JSON').waitFor();
  assert.equal(await page.locator('pre.source').textContent(), '{"a": "café"}');
});

test('long strings open to their whole length', async () => {
  const page = await show(JSON.stringify({ data: 'QUJD'.repeat(20_000) }), 'application/json');
  await page.getByText('(80,000 characters)').waitFor();
  await page.getByRole('treeitem', { name: /^data/ }).click();
  assert.equal((await page.locator('.tree-whole').textContent()).length, 80_000);
});

test('HL7 v2 has a line for each segment, and its fields by number', async () => {
  const bytes = sample('hl7v2/ADT-A01-01.hl7');
  const page = await show(bytes, 'x-application/hl7-v2+er7');
  await page.locator('.segments li').first().waitFor();
  const shown = await page.locator('.segment code').allTextContents();
  assert.equal(shown.join(''), bytes.toString('utf8').replace(/[\r\n]/g, ''));
  await page.locator('.segments summary').first().click();
  await page.getByText('MSH-9', { exact: true }).waitFor();
});

test('the encoding is shown, and another can be chosen', async () => {
  const page = await show(Buffer.from('\xd0\xd2\xc9\xd7\xc5\xd4', 'latin1'), 'text/plain');
  const choice = page.getByLabel('Characters');
  await choice.waitFor();
  assert.equal(await choice.inputValue(), 'windows-1252');
  await choice.selectOption('koi8-r');
  assert.equal(await page.locator('pre.source').textContent(), 'привет');
  await show(Buffer.from('MSH|^~\\&|A|B|C|D|2020||ADT^A01|1|P|2.5||||||8859/5\rPID|1||\xbf', 'latin1'), 'x-application/hl7-v2+er7', page);
  await until(async () => (await choice.inputValue()) === 'iso-8859-5', 'what the message declares');
  await page.getByText('PID|1||П').waitFor();
});

test('C-CDA is shown as the text that it is', async () => {
  const bytes = sample('ccda/CCD_2.xml');
  const page = await show(bytes, 'application/cda+xml');
  await page.locator('pre.source').waitFor();
  assert.equal(await page.locator('pre.source').textContent(), bytes.toString('utf8').replace(/^\ufeff/, ''));
});

test('a picture is shown, and one that is broken says so', { skip: !real && 'no test data' }, async () => {
  const page = await show(sample('other/ResultsWithLabLocation.png'), 'image/png');
  await page.getByText(/^\d+ × \d+ pixels$/).waitFor();
  assert.ok(await page.locator('img.picture').evaluate((picture) => picture.complete && picture.naturalWidth > 10));
  await show('no picture', 'image/png', page);
  await page.getByText('The browser cannot show this picture').waitFor();
});

test('a drawing becomes pixels, beside its source', async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="#00ff00"/></svg>';
  const page = await show(svg, 'image/svg+xml');
  await page.locator('canvas[data-drawn]').waitFor();
  const pixel = await page.locator('canvas').evaluate((canvas) => [...canvas.getContext('2d').getImageData(20, 10, 1, 1).data]);
  assert.deepEqual(pixel, [0, 255, 0, 255]);
  assert.equal(await page.locator('pre.source').textContent(), svg);
});

test('a PDF in which nothing acts opens in a tab of its own, which has no way back', async () => {
  const bytes = real ? sample('other/C-CDA_R2_UD_sample.pdf') : plainPdf();
  const page = await show(bytes, 'application/pdf');
  const [tab] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('link', { name: 'Open in a new tab' }).click()]);
  await until(() => tab.url().startsWith('blob:'), 'the PDF');
  await until(() => tab.frames().some((frame) => frame.url().startsWith('chrome-extension:')), 'the viewer of PDFs');
  await tab.close();
  assert.equal(await page.locator('iframe, embed, object').count(), 0);
});

test('what is not shown says so, and offers text if it is some', async () => {
  const page = await show(sample('dicom/MR_small.dcm'), 'application/dicom');
  await page.getByText('Records of the type application/dicom are not shown here.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Show them as text' }).count(), 0);
  await show('plain words', 'application/x-unknown', page);
  await page.getByRole('button', { name: 'Show them as text' }).click();
  await page.getByText('plain words', { exact: true }).waitFor();
});

test('an empty record, and one larger than what is shown', async () => {
  const page = await bench.view('/records', ann);
  page.watch.allow(416);
  await show('', 'text/plain', page);
  await page.getByText('0 B', { exact: true }).waitFor();
  assert.equal(await page.locator('pre.source').textContent(), '');
  await show(Buffer.alloc(17 * 1024 * 1024, 'lorem ipsum\n'), 'text/plain', page);
  await page.getByText('The record has 17.0 MiB: the first 16.0 MiB are shown.').waitFor();
  await page.getByRole('button', { name: /^Show more: 262,144 of 16,777,216/ }).click();
  await page.getByRole('button', { name: /^Show more: 524,288 of/ }).waitFor();
  await show(Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(17 * 1024 * 1024)]), 'application/pdf', page);
  await page.getByText('At 17.0 MiB it is too large to be shown here.').waitFor();
});

test('looking at a record is one event of the audit log', async () => {
  const id = await bench.store(ann, 'looked at', 'text/plain');
  const page = await bench.view(`/records/${id}`, ann);
  await page.getByText('looked at', { exact: true }).waitFor();
  const { json } = await bench.coffer.ask('GET', `/v1/audit?record=${id}`, undefined, { token: ann });
  assert.deepEqual(json.events.map(({ action }) => action), ['record.create', 'record.read']);
});

test('pictures of what records hold, and no fault of accessibility in them', async () => {
  const page = await show(sample('hl7v2/ADT-A01-01.hl7'), 'x-application/hl7-v2+er7');
  await page.locator('.segments summary').first().click();
  await look(page, 'view-hl7');
  await show(real ? sample('other/C-CDA_R2_UD_sample.pdf') : plainPdf(), 'application/pdf', page);
  await page.getByRole('link', { name: 'Open in a new tab' }).waitFor();
  await look(page, 'view-pdf');
  await show(sample('ccda/CCD_2.xml').subarray(0, 6000), 'application/cda+xml', page);
  await page.locator('pre.source').waitFor();
  await look(page, 'view-text');
  await show('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="#00ff00"/></svg>', 'image/svg+xml', page);
  await page.locator('canvas[data-drawn]').waitFor();
  await look(page, 'view-drawing');
  await show('not json', 'application/json', page);
  await page.getByText('This is not JSON').waitFor();
  await look(page, 'view-not-json');
});
