// Records: storing files, the list, looking at one, its versions, grants, receipt, and its end.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { temporary, until } from './harness.js';
import { look } from './looks.js';
import { bench as makeBench, go, sample, settled } from './records_shared.js';

let ann;
let ben;
const folder = temporary('files');

const bench = makeBench(async ({ coffer }) => {
  ann = await coffer.account('ann', 'writer', 'auditor');
  ben = await coffer.account('ben', 'writer');
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

// A file on the disk, as a person has it.
function file(name, bytes) {
  const at = path.join(folder, name);
  fs.writeFileSync(at, bytes);
  return at;
}

const choose = (page, ...files) => page.locator('input[type=file]').setInputFiles(files);
const ids = async (token) => (await bench.coffer.ask('GET', '/v1/records?limit=1000', undefined, { token })).json.records.map(({ id }) => id);
const record = (token, id, version = '') => bench.coffer.ask('GET', `/v1/records/${id}${version && `/versions/${version}`}`, undefined, { token });

// Somebody between the server and the page, who does something with each answer to a POST: meddle(session, paused).
async function between(page, meddle) {
  const session = await page.context().newCDPSession(page);
  session.on('Fetch.requestPaused', (paused) => (paused.request.method === 'POST' ? meddle(session, paused)
    : session.send('Fetch.continueRequest', { requestId: paused.requestId })));
  await session.send('Fetch.enable', { patterns: [{ urlPattern: '*/v1/records', requestStage: 'Response' }] });
}

// The contents of the downloaded file.
async function downloaded(page, click) {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  return { name: download.suggestedFilename(), bytes: fs.readFileSync(await download.path()) };
}

test('chosen files are listed with their types, stored when told to, and are what they were', async () => {
  const page = await bench.view('/records', ann);
  const names = { 'obs.json': 'fhir/hl7-r4/Observation-decimal.json', 'adt.hl7': 'hl7v2/ADT-A01-01.hl7', 'ccd.xml': 'ccda/CCD_2.xml', 'mr.dcm': 'dicom/MR_small.dcm' };
  const types = ['application/fhir+json', 'x-application/hl7-v2+er7', 'application/cda+xml', 'application/dicom'];
  await choose(page, ...Object.entries(names).map(([name, from]) => file(name, sample(from))));
  await page.getByText('mr.dcm').waitFor();
  await until(async () => (await page.getByLabel('Media type').count()) === 4, 'four files');
  assert.deepEqual(await page.getByLabel('Media type').evaluateAll((fields) => fields.map(({ value }) => value)), types);
  await page.getByLabel('Labels').first().fill('Größe 日本');
  await page.getByLabel('Media type').nth(3).fill('application/dicom;version=3');
  assert.deepEqual(await ids(ann), []);
  await page.getByRole('button', { name: 'Store 4 files' }).click();
  await page.getByText('4 of 4 stored.').waitFor();
  const stored = await ids(ann);
  assert.equal(stored.length, 4);
  const seen = new Map();
  for (const id of stored) {
    const answer = await record(ann, id);
    seen.set(answer.headers['content-type'], answer);
  }
  assert.deepEqual([...seen.keys()].sort(), [...types.slice(0, 3), 'application/dicom;version=3'].sort());
  Object.values(names).forEach((from, i) => assert.deepEqual(seen.get([...types.slice(0, 3), 'application/dicom;version=3'][i]).bytes, sample(from), from));
  assert.equal(Buffer.from(seen.get(types[0]).headers['coffer-labels'], 'latin1').toString(), 'Größe 日本');
  await page.getByRole('link', { name: 'Open the record: obs.json' }).click();
  await page.getByText('Größe 日本').waitFor();
  await page.getByText('1.000000000000000000E-245', { exact: true }).waitFor();
});

test('files are stored by dropping them, and a folder is refused in words', async () => {
  const page = await bench.view('/records', ann);
  const before = (await ids(ann)).length;
  fs.mkdirSync(path.join(folder, 'a folder'), { recursive: true });
  const files = [file('one.txt', 'one'), file('two.csv', 'two'), path.join(folder, 'a folder')];
  const session = await page.context().newCDPSession(page);
  const box = await page.locator('.drop').boundingBox();
  const drag = (type) => session.send('Input.dispatchDragEvent', {
    type, x: box.x + box.width / 2, y: box.y + 5, data: { items: [], files, dragOperationsMask: 1 },
  });
  await drag('dragEnter');
  await drag('dragOver');
  await page.locator('.drop.over').waitFor();
  await drag('drop');
  await page.getByRole('alert').getByText('a folder is a folder: choose the files in it.').waitFor();
  await page.getByRole('button', { name: 'Store 2 files' }).click();
  await page.getByText('2 of 2 stored.').waitFor();
  assert.equal((await ids(ann)).length, before + 2);
});

test('a wrong media type is told before anything is sent', async () => {
  const page = await bench.view('/records', ann);
  const before = await ids(ann);
  await choose(page, file('x.txt', 'x'));
  await page.getByLabel('Media type').fill('no type');
  await page.getByRole('button', { name: 'Store 1 file' }).click();
  await page.getByRole('alert').getByText('x.txt: that is no media type').waitFor();
  assert.equal(await page.getByLabel('Media type').evaluate((field) => field === document.activeElement), true);
  assert.deepEqual(await ids(ann), before);
});

test('the upload of a large file shows its progress, is cancelled, and goes when tried again', async () => {
  const page = await bench.view('/records', ann);
  const before = await ids(ann);
  const big = path.join(folder, 'big.bin');
  fs.writeFileSync(big, '');
  fs.truncateSync(big, 256 * 1024 * 1024);
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 20 * 1024 * 1024 });
  await choose(page, big);
  await page.getByRole('button', { name: 'Store 1 file' }).click();
  await until(async () => page.locator('progress').evaluate((bar) => bar.value > 0 && bar.value < bar.max), 'progress');
  await page.getByRole('button', { name: 'Cancel: big.bin' }).click();
  await page.getByText('Cancelled').waitFor();
  assert.deepEqual(await ids(ann), before);
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await page.getByRole('button', { name: 'Try again: big.bin' }).click();
  await page.getByText('1 of 1 stored.').waitFor({ timeout: 60_000 });
  const stored = (await ids(ann)).filter((id) => !before.includes(id));
  assert.equal(stored.length, 1);
  fs.rmSync(big);
  const head = await bench.coffer.ask('HEAD', `/v1/records/${stored[0]}`, undefined, { token: ann });
  assert.equal(Number(head.headers['content-length']), 256 * 1024 * 1024);
  // What is not shown is not fetched.
  await go(page, `/records/${stored[0]}`);
  await page.getByText('Records of the type application/octet-stream are not shown here.').waitFor();
});

test('trying again after an answer that was lost stores nothing twice', async () => {
  const page = await bench.view('/records', ann);
  const before = await ids(ann);
  const keys = [];
  await between(page, (session, { requestId, request, responseStatusCode }) => {
    assert.equal(responseStatusCode, 201);
    keys.push(Object.entries(request.headers).find(([name]) => name.toLowerCase() === 'idempotency-key')[1]);
    return keys.length > 1 ? session.send('Fetch.continueRequest', { requestId })
      : session.send('Fetch.failRequest', { requestId, errorReason: 'ConnectionReset' });
  });
  await choose(page, file('lost.txt', 'only once'));
  await page.getByRole('button', { name: 'Store 1 file' }).click();
  await page.getByText('Trying again is safe').waitFor();
  await page.getByRole('button', { name: 'Try again: lost.txt' }).click();
  await page.getByText('1 of 1 stored.').waitFor();
  assert.equal((await ids(ann)).length, before.length + 1);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  const [fault] = page.watch.faults.splice(0);
  assert.match(fault, /ERR_CONNECTION_RESET/);
});

test('the list goes on by pages', async () => {
  const cara = await bench.coffer.account('cara', 'writer');
  const made = [];
  for (let i = 0; i < 55; i++) made.push(await bench.store(cara, `record ${i}`, 'text/plain'));
  const page = await bench.view('/records', cara);
  const shown = () => page.locator('table.records tbody a').allTextContents();
  await page.locator('table.records').waitFor();
  assert.deepEqual(await shown(), made.slice(0, 50));
  await page.getByRole('link', { name: 'Next page' }).click();
  await until(async () => (await shown()).length === 5, 'the second page');
  assert.deepEqual(await shown(), made.slice(50));
  await page.getByRole('link', { name: 'First page' }).click();
  await until(async () => (await shown()).length === 50, 'the first page');
});

test('a new version replaces only the one that the reader saw', async () => {
  const id = await bench.store(ann, 'first', 'text/plain');
  const page = await bench.view(`/records/${id}`, ann);
  await page.getByText('first', { exact: true }).waitFor();
  await choose(page, file('second.txt', 'second'));
  await page.getByRole('button', { name: 'Replace', exact: true }).click();
  await page.getByText('Stored as version 2.').waitFor();
  await page.getByText('second', { exact: true }).waitFor();

  const other = await bench.coffer.ask('PUT', `/v1/records/${id}`, 'of somebody else', { token: ann, headers: { 'If-Match': '"2"', 'Content-Type': 'text/plain' } });
  assert.equal(other.status, 200);
  page.watch.allow(412);
  await choose(page, file('third.txt', 'third'));
  await page.getByRole('button', { name: 'Replace', exact: true }).click();
  await page.getByText('Nothing was replaced').waitFor();
  await page.getByRole('button', { name: 'Show the current version' }).click();
  await page.getByText('of somebody else', { exact: true }).waitFor();

  await page.getByText('Versions', { exact: true }).click();
  await page.getByRole('link', { name: 'Version 1' }).click();
  await page.getByText('This is version 1; there may be a newer one.').waitFor();
  await page.getByText('first', { exact: true }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Delete this record…' }).count(), 0);
});

test('a record is downloaded byte for byte, under a name that tells what it is', async () => {
  const bytes = sample('dicom/MR_small.dcm');
  const id = await bench.store(ann, bytes, 'application/dicom');
  const page = await bench.view(`/records/${id}`, ann);
  const got = await downloaded(page, () => page.getByRole('button', { name: 'Download', exact: true }).click());
  assert.equal(got.name, `${id}-v1.dcm`);
  assert.deepEqual(got.bytes, bytes);
});

test('grants are given and withdrawn, and hold at once', async () => {
  const id = await bench.store(ann, 'shared', 'text/plain');
  const page = await bench.view(`/records/${id}`, ann);
  await page.getByText('Who else may use it').click();
  await page.getByText('Nobody but the owner.').waitFor();
  assert.equal((await record(ben, id)).status, 404);
  await page.getByLabel('Name of the account').fill('Ben');
  await page.getByLabel('May replace it').check();
  await page.getByRole('button', { name: 'Give' }).click();
  await page.getByText('ben may use this record now.').waitFor();
  await page.getByRole('cell', { name: 'read, replace' }).waitFor();
  assert.equal((await record(ben, id)).status, 200);
  const theirs = await bench.view(`/records/${id}`, ben);
  await theirs.getByText('shared', { exact: true }).waitFor();
  theirs.watch.allow(404);
  await theirs.getByText('Who else may use it').click();
  await theirs.getByText('Only the owner sees and changes this.').waitFor();

  await page.getByRole('button', { name: 'Withdraw from ben' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await page.getByText('Nobody but the owner.').waitFor();
  assert.equal((await record(ben, id)).status, 404);
});

test('the receipt of a write is verified in the browser, saved, and good for coffer verify-receipt', async () => {
  const page = await bench.view('/records', ann);
  await choose(page, file('receipt.txt', 'to be proved'));
  await page.getByRole('button', { name: 'Store 1 file' }).click();
  await page.getByRole('link', { name: 'Open the record: receipt.txt' }).click();
  await page.getByText('Receipt', { exact: true }).click();
  await page.getByText('The signature is good').waitFor();
  const receipt = await downloaded(page, () => page.getByRole('button', { name: 'Save the receipt' }).click());
  const identity = await bench.coffer.ask('GET', '/.well-known/coffer');
  const said = await bench.coffer.run(['verify-receipt', file('saved.txt', receipt.bytes), '--identity', file('identity.json', identity.bytes),
    '--content', path.join(folder, 'receipt.txt')]);
  assert.match(said, new RegExp(`record: ${receipt.name.slice('receipt-'.length, 'receipt-'.length + 36)}`));
});

test('a receipt that was altered is told', async () => {
  const page = await bench.view('/records', ann);
  await between(page, (session, { requestId, responseStatusCode, responseHeaders }) => session.send('Fetch.continueResponse', {
    requestId, responseCode: responseStatusCode,
    responseHeaders: responseHeaders.map(({ name, value }) => ({ name, value: value.replace('version=1', 'version=2') })),
  }));
  await choose(page, file('forged.txt', 'x'));
  await page.getByRole('button', { name: 'Store 1 file' }).click();
  await page.getByRole('link', { name: 'Open the record: forged.txt' }).click();
  await page.getByText('Receipt', { exact: true }).click();
  await page.getByText('The signature does not verify').waitFor();
});

test('deleting names the record, asks, and is final; the receipt of it is kept', async () => {
  const id = await bench.store(ann, 'to be gone', 'text/plain', { 'Coffer-Labels': 'ward 7' });
  const page = await bench.view(`/records/${id}`, ann);
  await page.getByRole('button', { name: 'Delete this record…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete this record?' });
  await dialog.getByText(`Record ${id}: text/plain, 10 B, 1 version.`).waitFor();
  await dialog.getByText('ward 7').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.equal((await record(ann, id)).status, 200);
  await page.getByRole('button', { name: 'Delete this record…' }).click();
  await page.getByRole('button', { name: 'Delete for ever' }).click();
  await page.getByText(`Record ${id} has been deleted.`).waitFor();
  assert.equal((await record(ann, id)).status, 410);
  await page.getByText('Receipts of this session').click();
  await page.getByText('deleted (version 1)').click();
  await page.getByText('The signature is good').waitFor();
  page.watch.allow(410);
  await go(page, `/records/${id}`);
  await page.getByText('Its keys are destroyed').waitFor();
});

test('uploading, looking and deleting need nothing but a keyboard', async () => {
  const page = await bench.view('/records', ann);
  const before = await ids(ann);
  // A name is what tells where the focus is: the element with the focus must be this one.
  const tabTo = async (name) => {
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press('Tab');
      const here = await page.evaluate(() => {
        const at = document.activeElement;
        return at.getAttribute('aria-label') ?? (at.labels?.[0]?.textContent || at.textContent.trim());
      });
      if (here === name) return;
    }
    throw new Error(`the keyboard does not reach "${name}"`);
  };
  // Listened for in time: the driver has to tell the browser that it wants to know.
  const choosing = page.waitForEvent('filechooser');
  await tabTo('Choose files');
  await page.keyboard.press('Enter');
  const chooser = await choosing;
  await chooser.setFiles(file('keys.json', sample('fhir/hl7-r4/Observation-decimal.json')));
  await tabTo('Store 1 file');
  await page.keyboard.press('Enter');
  await page.getByText('1 of 1 stored.').waitFor();
  await tabTo('Open the record: keys.json');
  await page.keyboard.press('Enter');
  await page.getByRole('tree').waitFor();
  await until(async () => page.getByRole('treeitem').first().evaluate((row) => row.tabIndex === 0), 'the tree');
  for (let i = 0; i < 40 && await page.evaluate(() => document.activeElement.getAttribute('role') !== 'treeitem'); i++) await page.keyboard.press('Tab');
  const path_ = () => page.locator('.tree-path').textContent();
  await page.keyboard.press('ArrowDown');
  assert.equal(await path_(), '$.resourceType');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await path_(), '$');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.getByRole('treeitem').count(), 1);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('End');
  assert.notEqual(await path_(), '$');
  await page.keyboard.press('Home');
  assert.equal(await path_(), '$');
  await tabTo('Delete this record…');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await tabTo('Delete for ever');
  await page.keyboard.press('Enter');
  await page.getByText('has been deleted.').waitFor();
  assert.deepEqual(await ids(ann), before);
});

test('a reader who may not write is offered nothing that writes', async () => {
  const reader = await bench.coffer.account('rita', 'reader');
  const page = await bench.view('/records', reader);
  await page.getByText('There are none yet.').waitFor();
  assert.equal(await page.locator('input[type=file]').count(), 0);
});

test('a record of somebody else is not there, and a wrong id is told', async () => {
  const id = await bench.store(ann, 'private', 'text/plain');
  const page = await bench.view('/records', ben);
  await page.getByLabel('Id').fill('nonsense');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByRole('alert').getByText('That is no id').waitFor();
  page.watch.allow(404);
  await page.getByLabel('Id').fill(id);
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByText('There is no such record, or it is not yours to read.').waitFor();
});

test('breaking the glass takes a reason, and says what it does', async () => {
  const id = await bench.store(ann, 'in an emergency', 'text/plain');
  const eve = await bench.coffer.account('eve', 'emergency');
  const page = await bench.view('/records', eve);
  page.watch.allow(404);
  await go(page, `/records/${id}`);
  await page.getByLabel('Why it must be read now').fill('unconscious in the emergency room');
  await page.getByRole('button', { name: 'Break the glass' }).click();
  await page.getByText('Read in an emergency: the audit log says so.').waitFor();
  await page.getByText('in an emergency', { exact: true }).waitFor();
});

test('pictures of the views of records, and no fault of accessibility in them', async () => {
  const id = await bench.store(ann, sample('fhir/hl7-r4/Observation-decimal.json'), 'application/fhir+json', { 'Coffer-Labels': 'ward 7' });
  const page = await bench.view('/records', ann);
  await choose(page, file('picture.txt', 'text'), file('other.hl7', sample('hl7v2/ADT-A01-01.hl7')));
  await page.getByRole('button', { name: 'Store 2 files' }).waitFor();
  await look(page, 'records');
  await go(page, `/records/${id}`);
  for (const name of ['Versions', 'Receipt', 'Who else may use it']) await page.getByText(name, { exact: true }).click();
  await page.getByText('Nobody but the owner.').waitFor();
  await settled(page);
  await look(page, 'record');
  await page.getByRole('button', { name: 'Delete this record…' }).click();
  await page.getByRole('dialog').waitFor();
  await look(page, 'record-delete');
});
