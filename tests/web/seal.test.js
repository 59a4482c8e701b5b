// Sealing and unsealing from the page, of a service whose key is under a passphrase.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { temporary } from './harness.js';
import { look } from './looks.js';
import { bench as makeBench, go } from './records_shared.js';

const PASSPHRASE = 'correct horse battery staple';
const folder = temporary('files');
let token;
const bench = makeBench(async ({ coffer }) => {
  const file = path.join(folder, 'passphrase');
  fs.writeFileSync(file, `${PASSPHRASE}\n`, { mode: 0o600 });
  await coffer.down();
  await coffer.run(['passphrase', 'change', '--data', coffer.data, '--new-passphrase-file', file]);
  await coffer.up(coffer.port);
  token = await coffer.account('both', 'writer', 'administrator');
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

test('sealing, what it means for records, and unsealing', async () => {
  const id = await bench.store(token, 'behind the seal', 'text/plain');
  const page = await bench.view('/operations', token);
  await page.getByText('can be stored, and not read: sealed').waitFor();
  const field = page.getByLabel('Passphrase');
  page.watch.allow(403, 503);
  await field.fill('wrong passphrase');
  await page.getByRole('button', { name: 'Unseal', exact: true }).click();
  await page.getByRole('alert').getByText('This passphrase does not unseal the service.').waitFor();
  assert.equal(await field.inputValue(), '');
  await look(page, 'operations-sealed');
  await go(page, `/records/${id}`);
  await page.getByText('The service is sealed: records can be stored, and not read').waitFor();
  await go(page, '/operations');
  await field.fill(PASSPHRASE);
  await page.getByRole('button', { name: 'Unseal', exact: true }).click();
  await page.getByText('The service is unsealed: records can be read.').waitFor();
  assert.equal(await page.evaluate((words) => document.documentElement.outerHTML.includes(words), PASSPHRASE), false);
  await go(page, `/records/${id}`);
  await page.getByText('behind the seal', { exact: true }).waitFor();
  await go(page, '/operations');
  await page.getByRole('button', { name: 'Seal…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Seal', exact: true }).click();
  await page.getByText('can be stored, and not read: sealed').waitFor();
});
