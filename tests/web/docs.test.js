// The contract at /docs: all of it, readable, by links, from this server alone.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { temporary, until } from './harness.js';
import { look } from './looks.js';
import { bench as makeBench, go, settled } from './records_shared.js';

const bench = makeBench();
const folder = temporary('files');
after(() => fs.rmSync(folder, { recursive: true, force: true }));

test('/docs is open to all, shows every operation, and asks no other host', async () => {
  const page = await bench.open('/docs');
  await page.getByRole('heading', { level: 1, name: 'The API' }).waitFor();
  await settled(page);
  const { json } = await bench.coffer.ask('GET', '/openapi.json');
  const wanted = Object.values(json.paths).flatMap((item) => Object.values(item).map((op) => op.operationId)).filter(Boolean);
  const shown = await page.locator('details.operation').evaluateAll((all) => all.map(({ id }) => id.replace('op-', '')));
  assert.deepEqual(shown.sort(), wanted.sort());
  await page.getByRole('button', { name: 'Open all' }).click();
  await page.getByText("curl -K coffer-data/admin.curl -X POST -H 'Content-Type: application/octet-stream' --data-binary @FILE").first().waitFor();
  await look(page, 'docs-all-open');
});

test('the filter of /docs, links to operations, and what they hold', async () => {
  const page = await bench.view('/docs');
  await page.getByLabel('Filter').fill('grant put');
  await page.getByText('1 operation', { exact: true }).waitFor();
  assert.equal(await page.locator('details.operation:visible').count(), 1);
  await page.getByLabel('Filter').fill('nothing like this');
  await page.getByText('No operation is like that.').waitFor();
  await go(page, '/docs/createRecord');
  const operation = page.locator('#op-createRecord');
  await until(() => operation.evaluate((element) => element.open && element.contains(document.activeElement)), 'the operation');
  await operation.getByText('Idempotency-Key', { exact: true }).waitFor();
  await operation.locator('summary', { hasText: 'application/json' }).click();
  await operation.getByText('media_type', { exact: true }).waitFor();
  await look(page, 'docs-operation');
});

test('examples of /docs are commands that work', async () => {
  const page = await bench.view('/docs/getHealth');
  const command = await page.locator('#op-getHealth pre.example').textContent();
  const { stdout } = await promisify(execFile)('bash', ['-c', command.replace('coffer-data', bench.coffer.data)]);
  assert.deepEqual(JSON.parse(stdout), { status: 'ok' });
  await go(page, '/docs/createRecord');
  const post = await page.locator('#op-createRecord pre.example').textContent();
  const file = path.join(folder, 'example.txt');
  fs.writeFileSync(file, 'an example');
  const answer = await promisify(execFile)('bash', ['-c', `${post.replace('coffer-data', bench.coffer.data).replace('@FILE', `@${file}`)} -s`]);
  assert.equal(JSON.parse(answer.stdout).size, 10);
});

test('pictures of /docs, and no fault of accessibility in it', async () => {
  const page = await bench.view('/docs');
  await page.getByLabel('Filter').waitFor();
  await look(page, 'docs');
});
