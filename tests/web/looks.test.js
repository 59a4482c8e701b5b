// Every view of keys, partners and messages: nothing that axe-core finds, on a telephone and a desk, light and dark.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { go, join, logInByToken, stage } from './harness.js';
import { look } from './looks.js';

const scene = stage();
const LETTER = 'Dear Ann,\n\nthe appointment is on Thursday at ten. Please bring the letter of the hospital, and the list of what you take.\n\nBest wishes,\nBen';

const at = (name) => path.join(scene.coffer.root, name);
const cli = (name, args, options) => scene.coffer.run([...args, '--home', at(`home-${name}`)], options);

async function heading(page, name) {
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

test('before logging in', async () => {
  const page = await scene.open();
  await heading(page, 'Start');
  await look(page, 'start-new');
  await go(page, '/join');
  await heading(page, 'Join');
  await look(page, 'join');
  await page.getByLabel('Bring a key that I have as a file').check();
  await look(page, 'join-bring');
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByRole('alert').getByText('A name is needed').waitFor();
  await look(page, 'join-refused');
  await go(page, '/keys');
  await page.getByText('There is none.').waitFor();
  await look(page, 'keys-none');
  await go(page, '/no/such/thing');
  await heading(page, 'Nothing here');
  await look(page, 'nowhere');
});

test('with a token', async () => {
  const page = await scene.open();
  await logInByToken(page, await scene.coffer.account('zoe', 'partner', 'writer'));
  await page.getByText('You are zoe.').waitFor();
  await look(page, 'start-token');
  await go(page, '/messages');
  await page.getByText('Messages need a key').waitFor();
  await look(page, 'messages-token');
});

test('joining, to the end', async () => {
  const page = await scene.open('/#/join');
  await page.getByLabel('Invite').fill(await scene.coffer.invite('copy'));
  await page.getByLabel('Size').selectOption('2048');
  await page.getByLabel('Passphrase for the copy').fill('a good passphrase');
  await page.getByLabel('The passphrase again').fill('a good passphrase');
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByRole('heading', { name: 'Save the copy of your key' }).waitFor();
  await look(page, 'join-copy');
  await page.getByLabel('I have saved it').check();
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('heading', { name: 'copy has joined' }).waitFor();
  await look(page, 'join-done');
});

test('messages and partners', async () => {
  const page = await scene.open();
  await join(page, await scene.coffer.invite('ann'));
  await go(page, '/messages');
  await page.getByText('There are no messages.').waitFor();
  await look(page, 'messages-none');
  for (const name of ['ben', 'a-partner-with-a-rather-long-name.in-some-department']) {
    fs.writeFileSync(at(`${name}.invite`), await scene.coffer.invite(name));
    await cli(name, ['join', '--invite-file', at(`${name}.invite`)]);
    await cli(name, ['send', 'ann'], { input: LETTER });
  }
  fs.writeFileSync(at('ann.pub.pem'), (await scene.coffer.ask('GET', '/v1/keys/ann')).bytes);
  const unsigned = await scene.coffer.run(['seal', '--to', at('ann.pub.pem')], { input: Buffer.from([1, 2, 3]), encoding: 'buffer' });
  await scene.coffer.ask('POST', '/v1/mailboxes/ann/messages', unsigned, { headers: { 'Content-Type': 'application/vnd.coffer.message' } });
  await page.getByRole('link', { name: 'admin', exact: true }).waitFor();
  await look(page, 'messages');

  await page.getByRole('link', { name: 'ben', exact: true }).click();
  await page.getByRole('heading', { name: 'Contents' }).waitFor();
  await look(page, 'message');
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByRole('dialog').waitFor();
  await look(page, 'message-ask');
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Look at the bytes' }).click();
  await heading(page, 'The bytes of a message');
  await look(page, 'message-bytes');
  await go(page, '/messages');
  await page.getByRole('link', { name: 'admin', exact: true }).click();
  await page.getByText('This is no plain text').waitFor();
  await look(page, 'message-unsigned');

  await go(page, '/compose?to=ben');
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('Thank you!');
  await look(page, 'compose');
  await page.getByRole('button', { name: 'Seal and send' }).click();
  await page.getByText('Look at the bytes that were sent').click();
  await look(page, 'compose-sent');

  await go(page, '/partners');
  await page.getByRole('link', { name: 'ben', exact: true }).waitFor();
  await look(page, 'partners');
  await page.getByRole('link', { name: 'ben', exact: true }).click();
  await page.getByRole('heading', { name: 'Compare' }).waitFor();
  await look(page, 'partner');
  await page.getByRole('button', { name: 'I have compared it' }).click();
  await page.getByRole('dialog').waitFor();
  await look(page, 'partner-ask');
  await page.getByRole('dialog').getByRole('button', { name: 'Every group is the same' }).click();
  await page.getByText('ben: verified.').waitFor();
  await look(page, 'partner-verified');
  await go(page, '/keys');
  await page.getByRole('button', { name: 'Forget this key' }).first().waitFor();
  await look(page, 'keys');
  await go(page, '/');
  await page.getByText('You are ann.').waitFor();
  await look(page, 'start');

  await replaceKey('ben');
  await go(page, '/partners');
  await page.getByRole('alert').getByText('THE KEY OF ben HAS CHANGED').waitFor();
  await look(page, 'partners-changed');
  await go(page, '/partners/ben');
  await page.getByRole('heading', { name: 'THE KEY OF ben HAS CHANGED' }).waitFor();
  await look(page, 'partner-changed');
  await go(page, '/compose?to=ben');
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('Thank you!');
  await page.getByRole('button', { name: 'Seal and send' }).click();
  await page.getByRole('heading', { name: 'THE KEY OF ben HAS CHANGED' }).waitFor();
  await look(page, 'compose-changed');

  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('button', { name: 'Log in as ann' }).waitFor();
  await look(page, 'start-known');
});

async function replaceKey(name) {
  const { privateKey, publicKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const now = crypto.createHash('sha256').update(publicKey.export({ format: 'der', type: 'spki' })).digest('hex');
  const known = (await scene.coffer.ask('GET', `/v1/keys/${name}`)).headers['coffer-fingerprint'];
  const proof = crypto.sign('sha256', `coffer-key-v1\n${scene.coffer.origin}\n${name}\n${known}\n${now}\n2\n`,
    { key: privateKey, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
  const replaced = await scene.coffer.ask('PUT', `/v1/keys/${name}`, publicKey.export({ format: 'pem', type: 'spki' }),
    { headers: { 'Coffer-Key-Signature': proof.toString('base64') } });
  assert.equal(replaced.status, 200, replaced.bytes.toString());
}

test('by the keyboard alone: the contents are reached first, a letter is sent, a dialog keeps the focus', async () => {
  const page = await scene.open();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the contents');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await join(page, await scene.coffer.invite('key-user'));
  // The view that comes has the focus, at its heading.
  await go(page, '/compose?to=ann');
  await heading(page, 'Write a message');
  await page.getByRole('button', { name: 'Seal and send' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Write a message');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Typed.');
  for (let i = 0; i < 2; i += 1) await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Seal and send');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Sent to ann' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Sent to ann');

  await go(page, '/partners/ann');
  await page.getByRole('button', { name: 'I have compared it' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  const seen = new Set();
  for (let i = 0; i < 6; i += 1) {
    seen.add(await page.evaluate(() => document.activeElement.closest('dialog') !== null || document.activeElement === document.body));
    await page.keyboard.press('Tab');
  }
  assert.deepEqual([...seen], [true]);
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'I have compared it');
});
