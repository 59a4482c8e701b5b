// Joining, logging in and out, keeping keys: and the private key never leaves the browser.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Coffer, go, homeTrusting, join, Profile, stage, temporary } from './harness.js';
import { assertKeptHome, sentBy } from './kept-home.js';

const scene = stage();
const PASSPHRASE = 'a passphrase for the copy';

async function joinWithCopy(page, invite) {
  await go(page, '/join');
  await page.getByLabel('Invite').fill(invite);
  await page.getByLabel('Size').selectOption('2048');
  await page.getByLabel('Passphrase for the copy').fill(PASSPHRASE);
  await page.getByLabel('The passphrase again').fill(PASSPHRASE);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByRole('heading', { name: 'Save the copy of your key' }).waitFor();
  assert.ok(await page.getByRole('button', { name: 'Go on' }).isDisabled());
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the key' }).click()]);
  await page.getByLabel('I have saved it').check();
  await page.getByRole('button', { name: 'Go on' }).click();
  return { name: download.suggestedFilename(), pem: fs.readFileSync(await download.path(), 'utf8') };
}

test('joining with a copy: the key is registered, saved once, and never sent', async () => {
  const page = await scene.open();
  const copy = await joinWithCopy(page, await scene.coffer.invite('ann'));
  await page.getByRole('heading', { name: 'ann has joined' }).waitFor();
  assert.equal(copy.name, 'coffer-ann.pem');
  assert.match(copy.pem, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);

  const listed = (await scene.coffer.ask('GET', '/v1/keys/ann', undefined)).headers['coffer-fingerprint'];
  const half = crypto.createPublicKey(crypto.createPrivateKey({ key: copy.pem, passphrase: PASSPHRASE }));
  assert.equal(crypto.createHash('sha256').update(half.export({ format: 'der', type: 'spki' })).digest('hex'), listed);
  const hex = (await page.locator('.fingerprint .hex').innerText()).replaceAll(/\s/g, '');
  assert.equal(hex, listed);

  // Log out, and in again: everything that uses the key.
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('button', { name: 'Log in as ann' }).click();
  await page.getByRole('heading', { name: 'Messages', level: 1 }).waitFor();

  const sent = sentBy(page);
  assert.ok(sent.includes('BEGIN PUBLIC KEY'), 'the watch sees bodies');
  assert.ok(sent.includes('coffer-key-signature'), 'and headers');
  assertKeptHome(page, copy.pem, PASSPHRASE);
});

test('a key stays over a new start of the browser, and cannot be read out', async () => {
  const profile = await Profile.open(scene.home);
  try {
    const first = await profile.page(scene.coffer);
    await join(first, await scene.coffer.invite('ben'));
    first.watch.check();
    await profile.relaunch();
    const page = await profile.page(scene.coffer);
    await page.getByRole('button', { name: 'Log in as ben' }).click();
    await page.getByRole('heading', { name: 'Messages', level: 1 }).waitFor();
    const outcome = await page.evaluate(async () => {
      const { get } = await import('/assets/lib/vault.js');
      const { keys } = await get('identities', 'ben');
      const words = {};
      for (const [name, key] of Object.entries(keys)) {
        words[name] = [key.extractable, key.type, ...key.usages];
        for (const form of ['pkcs8', 'jwk']) words[name].push(await crypto.subtle.exportKey(form, key).then(() => 'exported', (error) => error.name));
      }
      return words;
    });
    const shut = ['InvalidAccessError', 'InvalidAccessError'];
    assert.deepEqual(outcome, { open: [false, 'private', 'decrypt', ...shut], login: [false, 'private', 'decrypt', ...shut],
      sign: [false, 'private', 'sign', ...shut] });
    page.watch.check();
  } finally {
    await profile.close();
  }
});

test('a copy that was offered and not saved is none', async () => {
  const page = await scene.open('/#/join');
  const invite = await scene.coffer.invite('leo');
  const fill = async () => {
    await page.getByLabel('Invite').fill(invite);
    await page.getByRole('button', { name: 'Join', exact: true }).click();
  };
  await page.getByLabel('Size').selectOption('2048');
  await page.getByLabel('Passphrase for the copy').fill(PASSPHRASE);
  await page.getByLabel('The passphrase again').fill(PASSPHRASE);
  await fill();
  await page.getByRole('heading', { name: 'Save the copy of your key' }).waitFor();
  await page.goto(scene.coffer.origin);
  await page.reload();
  await page.getByRole('link', { name: 'Go on joining' }).click();
  await page.getByText('The key that this browser has made for leo is used.').waitFor();
  await fill();
  await page.getByRole('heading', { name: 'leo has joined' }).waitFor();
  await go(page, '/keys');
  const card = (name) => page.locator('section', { has: page.getByRole('heading', { name, exact: true }) });
  await card('leo').getByText('there is no copy').waitFor();
  await card('ann').getByText('there is a copy in a file').waitFor();
});

test('logging out ends the token at the server', async () => {
  const page = await scene.open();
  await join(page, await scene.coffer.invite('cid'));
  const sent = page.watch.requests.map((request) => request.headers().authorization).filter(Boolean).at(-1);
  const asked = () => scene.coffer.ask('GET', '/v1/session', undefined, { token: sent.replace('Bearer ', '') });
  assert.equal((await asked()).status, 200);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByText('Logged out.').waitFor();
  assert.equal((await asked()).status, 401);
});

test('a key is brought as a file, and the name is the one of its copy', async () => {
  const page = await scene.open();
  const directory = temporary('bring');
  const file = path.join(directory, 'dan.pem');
  await scene.coffer.run(['keygen', '--bits', '2048', '-o', file]);
  await go(page, '/join');
  await page.getByLabel('Invite').fill(await scene.coffer.invite('dan'));
  assert.equal(await page.getByLabel('Name').inputValue(), 'dan');
  await page.getByLabel('Bring a key that I have as a file').check();
  await page.getByLabel('Private key').setInputFiles(file);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByRole('heading', { name: 'dan has joined' }).waitFor();
  const [printed] = (await scene.coffer.run(['fingerprint', path.join(directory, 'dan.pub.pem')])).split('\n');
  assert.equal((await scene.coffer.ask('GET', '/v1/keys/dan')).headers['coffer-fingerprint'], printed.split(' ')[0]);
  assertKeptHome(page, fs.readFileSync(file, 'utf8'));
  fs.rmSync(directory, { recursive: true });
});

const refusals = [
  ['nonsense', () => 'nonsense', /That is no invite/],
  ['an invite that is cut short', (invite) => invite.slice(0, -20), /That is no invite/],
  ['an invite for another server', (invite) => {
    const [prefix, body] = [invite.slice(0, 17), invite.slice(17)];
    const members = JSON.parse(Buffer.from(body, 'base64url'));
    members.origin = 'https://records.example.org';
    return prefix + Buffer.from(JSON.stringify(members)).toString('base64url');
  }, /The invite is for https:\/\/records\.example\.org, and this page comes from https:\/\/localhost/],
];
for (const [name, turn, reason] of refusals) {
  test(`joining is refused with ${name}, before any key is made`, async () => {
    const page = await scene.open('/#/join');
    const invite = await scene.coffer.invite(`eva-${refusals.findIndex((row) => row[0] === name)}`);
    await page.getByLabel('Invite').fill(turn(invite));
    await page.getByLabel('I want no copy').check();
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await page.getByRole('alert').getByText(reason).waitFor();
    assert.equal(page.watch.requests.filter((request) => request.method() !== 'GET').length, 0);
  });
}

test('a used invite is refused, the key is kept, and another invite goes on with it', async () => {
  const invite = await scene.coffer.invite('fay');
  const page = await scene.open('/#/join');
  const used = JSON.parse(Buffer.from(invite.slice(17), 'base64url'));
  const wrong = `coffer-invite-v1.${Buffer.from(JSON.stringify({ ...used, secret: 'A'.repeat(43) })).toString('base64url')}`;
  page.watch.allow(403, 404);
  await page.getByLabel('Invite').fill(wrong);
  await page.getByLabel('Size').selectOption('2048');
  await page.getByLabel('I want no copy').check();
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByRole('alert').getByText(/does not accept this invite/).waitFor();
  await page.getByText('The key that this browser has made for fay is used.').waitFor();
  await page.getByLabel('Invite').fill(invite);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByRole('heading', { name: 'fay has joined' }).waitFor();
});

test('passphrases are compared and must not be short', async () => {
  const page = await scene.open('/#/join');
  await page.getByLabel('Name').fill('gus');
  for (const [first, second, reason] of [['short', 'short', /at least 8/], ['long enough', 'not the same', /differ/]]) {
    await page.getByLabel('Passphrase for the copy').fill(first);
    await page.getByLabel('The passphrase again').fill(second);
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await page.getByRole('alert').getByText(reason).waitFor();
  }
});

test('a server that has another key for one’s name is not answered', async () => {
  const page = await scene.open();
  await join(page, await scene.coffer.invite('hal'));
  await page.getByRole('button', { name: 'Log out' }).click();
  const { privateKey, publicKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const print = (key) => crypto.createHash('sha256').update(key).digest('hex');
  const now = print(publicKey.export({ format: 'der', type: 'spki' }));
  const known = (await scene.coffer.ask('GET', '/v1/keys/hal')).headers['coffer-fingerprint'];
  const proof = crypto.sign('sha256', `coffer-key-v1\n${scene.coffer.origin}\nhal\n${known}\n${now}\n2\n`,
    { key: privateKey, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
  const replaced = await scene.coffer.ask('PUT', '/v1/keys/hal', publicKey.export({ format: 'pem', type: 'spki' }),
    { headers: { 'Coffer-Key-Signature': proof.toString('base64') } });
  assert.equal(replaced.status, 200, replaced.bytes.toString());
  await page.getByRole('button', { name: 'Log in as hal' }).click();
  await page.getByRole('alert').getByText(/The server has another key for hal/).waitFor();
  assert.equal(page.watch.requests.filter((request) => /\/v1\/login\/./.test(request.url())).length, 1, 'only when joining');
});

test('a challenge for another name or address, and a stored message, do not open', async () => {
  const page = await scene.open();
  await join(page, await scene.coffer.invite('ida'));
  const words = await page.evaluate(async () => {
    const { get } = await import('/assets/lib/vault.js');
    const { openLogin } = await import('/assets/lib/identity.js');
    const { base64, utf8 } = await import('/assets/lib/bytes.js');
    const identity = await get('identities', 'ida');
    const id = '01935c2e-abcd-7f00-8011-2233445566ff';
    const public_ = await crypto.subtle.importKey('spki', identity.spki, { name: 'RSA-OAEP', hash: 'SHA-256' }, false, ['encrypt']);
    const attempts = {
      fitting: `coffer-login-v1\n${location.origin}\nida\n${id}`,
      elsewhere: `coffer-login-v1\nhttps://evil.example\nida\n${id}`,
      another: `coffer-login-v1\n${location.origin}\nann\n${id}`,
      none: '',
    };
    const found = {};
    for (const [name, text] of Object.entries(attempts)) {
      const sealed = await crypto.subtle.encrypt({ name: 'RSA-OAEP', label: utf8(text) }, public_, new Uint8Array(32));
      let answered = false;
      const api = { post: async (path) => {
        if (path !== '/v1/login') { answered = true; return { body: { token: 'x' } }; }
        return { body: { id, challenge: base64(new Uint8Array(sealed)), fingerprint: identity.fingerprint } };
      } };
      found[name] = [await openLogin(api, identity).catch((error) => error.message), answered];
    }
    return found;
  });
  assert.deepEqual(words.fitting, ['x', true]);
  for (const name of ['elsewhere', 'another', 'none']) {
    assert.match(words[name][0], /no challenge of this address/);
    assert.equal(words[name][1], false, name);
  }
});

test('forgetting a key names it, and removes it', async () => {
  const page = await scene.open();
  await join(page, await scene.coffer.invite('jon'));
  await go(page, '/keys');
  const card = page.locator('section', { has: page.getByRole('heading', { name: 'jon', exact: true }) });
  await card.getByText('there is no copy').waitFor();
  await card.getByRole('button', { name: 'Forget this key' }).click();
  const dialog = page.getByRole('dialog', { name: 'Forget the key of jon?' });
  await dialog.getByText('the name is lost').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await card.waitFor();
  await card.getByRole('button', { name: 'Forget this key' }).click();
  await dialog.getByRole('button', { name: 'Forget it' }).click();
  await card.waitFor({ state: 'detached' });
  assert.equal(await page.getByRole('button', { name: 'Log out' }).count(), 0);
});

test('where enrollment is open, a name is enough', async () => {
  const open = await Coffer.start('--open-enrollment');
  const profile = await Profile.open(await homeTrusting(open.ca));
  try {
    const page = await profile.page(open, '/#/join');
    await page.getByLabel('Name').fill('Kim');
    await page.getByLabel('Size').selectOption('2048');
    await page.getByLabel('I want no copy').check();
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await page.getByRole('heading', { name: 'kim has joined' }).waitFor();
    page.watch.check();
  } finally {
    await profile.close();
    await open.stop();
  }
});
