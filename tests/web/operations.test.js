// The audit log on its time line, and the state of the service.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { temporary, until } from './harness.js';
import { look } from './looks.js';
import { bench as makeBench, settled } from './records_shared.js';

let ann;
let otto;
const folder = temporary('files');

const bench = makeBench(async ({ coffer }) => {
  ann = await coffer.account('ann', 'writer');
  otto = await coffer.account('otto', 'auditor', 'administrator');
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const lines = (page) => page.locator('.event-line').allTextContents();

// ---- audit ----

test('who has seen a record, with emergencies and refusals standing out', async () => {
  const { coffer } = bench;
  const id = await bench.store(ann, 'watched', 'text/plain');
  const eve = await coffer.account('eve', 'emergency');
  const ben = await coffer.account('ben', 'writer');
  await coffer.ask('GET', `/v1/records/${id}`, undefined, { token: ann });
  await coffer.ask('GET', `/v1/records/${id}`, undefined, { token: ben });
  const glass = await coffer.ask('GET', `/v1/records/${id}`, undefined, { token: eve, headers: { 'Coffer-Emergency-Reason': 'unconscious in the emergency room' } });
  assert.equal(glass.status, 200);
  const page = await bench.view(`/audit?record=${id}`, otto);
  await page.getByRole('heading', { name: `Who has seen ${id}` }).waitFor();
  const said = (await lines(page)).map((line) => line.replace(/\s+/g, ' ').trim());
  assert.deepEqual(said.map((line) => line.replace(' from 127.0.0.1', '')), [
    'ann stored the record, version 1', 'ann read the record, version 1', 'ben read the record refused: 404',
    'eve read the record in an emergency, version 1 Emergency access',
  ]);
  assert.equal(await page.locator('.event.glass').count(), 1);
  assert.equal(await page.locator('.event.refused').count(), 1);
  await page.locator('.event.glass summary').click();
  await page.getByText('Reason (SHA-256 of what is sealed)').waitFor();
  await look(page, 'audit-record');

  await page.getByText('Choose events').click();
  await page.getByLabel('Account', { exact: true }).fill('ben');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await until(async () => (await lines(page)).length === 1, 'the events of ben');
  assert.match((await lines(page))[0], /^ben read the record/);
});

test('events are chosen by time', async () => {
  const id = await bench.store(ann, 'timed', 'text/plain');
  const page = await bench.view('/audit', otto);
  await page.getByText('Choose events').click();
  await page.getByLabel('Record, message, account or invite').fill(id);
  const minute = (offset) => page.evaluate((ms) => {
    const at = new Date(Date.now() + ms);
    return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }, offset);
  await page.getByLabel('Until').fill(await minute(-3_600_000));
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.getByText('No event is like that.').waitFor();
  await page.getByText('Choose events').click();
  await page.getByLabel('Until').fill(await minute(3_600_000));
  await page.getByLabel('From').fill(await minute(-3_600_000));
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.getByText('ann stored the record').waitFor();
});

test('the latest events come first, and the earlier ones when asked', async () => {
  for (let i = 0; i < 130; i++) await bench.coffer.ask('GET', '/v1/records', undefined, { token: ann });
  const page = await bench.view('/audit', otto);
  await page.getByRole('button', { name: 'Earlier events' }).waitFor();
  const count = (await lines(page)).length;
  assert.equal(count, 100);
  await page.getByRole('button', { name: 'Earlier events' }).click();
  await until(async () => (await lines(page)).length > count, 'more events');
  while (await page.getByRole('button', { name: 'Earlier events' }).count() > 0) {
    const before = (await lines(page)).length;
    await page.getByRole('button', { name: 'Earlier events' }).click();
    await until(async () => (await lines(page)).length > before, 'more events');
  }
  assert.match((await lines(page))[0], /the service itself made the store/);
  const numbers = (await page.locator('.event-details summary').allTextContents()).map(Number);
  assert.deepEqual(numbers, numbers.map((_, i) => i + 1));
});

test('a checkpoint is saved, and coffer verifies the log against it', async () => {
  const page = await bench.view('/audit', otto);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save a checkpoint' }).click()]);
  assert.match(download.suggestedFilename(), /^checkpoint-\d+\.json$/);
  const at = path.join(folder, 'checkpoint.json');
  await download.saveAs(at);
  await bench.coffer.down();
  await bench.coffer.run(['audit', 'verify', '--data', bench.coffer.data, '--checkpoint', at]);
  await bench.coffer.up(bench.coffer.port);
});

test('who may not read the log is told why', async () => {
  const page = await bench.view('/audit', ann);
  await page.getByText('an account needs the scope audit').waitFor();
  await look(page, 'audit-missing');
});

test('pictures of the audit log, and no fault of accessibility in it', async () => {
  const page = await bench.view('/audit', otto);
  await page.getByRole('heading', { name: 'The latest events' }).waitFor();
  await settled(page);
  await page.getByText('Choose events').click();
  await look(page, 'audit');
});

// ---- operations ----

test('an administrator sees how the service is, as GET /v1/status tells it', async () => {
  const page = await bench.view('/operations', otto);
  const { json } = await bench.coffer.ask('GET', '/v1/status', undefined, { token: otto });
  await page.getByText('can be stored and read').waitFor();
  const days = Math.floor(json.certificate.seconds_left / 86400);
  await page.getByText(`${days} days left`).waitFor();
  await page.getByText(json.keks[0].id).waitFor();
  await page.getByText('room enough').waitFor();
  await page.getByText(`coffer ${json.version}`).waitFor();
  const identity = await bench.coffer.ask('GET', '/.well-known/coffer');
  await page.getByText(identity.json.identity_keys[0].id).waitFor();
  const { stdout } = await promisify(execFile)('openssl', ['x509', '-in', bench.coffer.ca, '-noout', '-fingerprint', '-sha256']);
  await page.getByText(stdout.split('=')[1].trim().replaceAll(':', '').toLowerCase()).waitFor();
  await look(page, 'operations');
});

test('who is no administrator sees whether it works, and no more', async () => {
  const page = await bench.view('/operations', ann);
  await page.getByText('can be stored and read').waitFor();
  await page.getByText('are for administrators').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Seal…' }).count(), 0);
});

test('a service that could not be unsealed again does not seal itself, and says why', async () => {
  const page = await bench.view('/operations', otto);
  page.watch.allow(409);
  await page.getByRole('button', { name: 'Seal…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Seal', exact: true }).click();
  await page.getByRole('alert').getByText('no passphrase could unseal it again').waitFor();
});
