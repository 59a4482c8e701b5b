// Messages between two browsers, the command line, and docs/examples/partner.py, in all directions.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { go, join, PARTNER, Profile, python, ROOT, stage, temporary, until } from './harness.js';
import { assertKeptHome } from './kept-home.js';

const scene = stage({ options: ['--long-poll', '20s'], ready: gather });
const PLAIN = 'application/vnd.coffer.message';
let directory;
let second; // another profile, another browser process
let benPem;

const at = (name) => path.join(directory, name);
const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const cli = (name, args, options) => scene.coffer.run([...args, '--home', at(`home-${name}`)], options);
const partner = (args, input, encoding) => python([PARTNER, ...args], input, encoding);

async function gather() {
  directory = temporary('people');
  second = await Profile.open(scene.home);
  // Ann is the first browser, Ben the second with a key of his own, Cid the command line, Dan PyCryptodome.
  const setting = await scene.profile.page(scene.coffer);
  await join(setting, await scene.coffer.invite('ann'));
  await setting.close();
  await scene.coffer.run(['keygen', '--bits', '2048', '-o', at('ben.pem')]);
  benPem = fs.readFileSync(at('ben.pem'), 'utf8');
  const other = await second.page(scene.coffer, '/#/join');
  await other.getByLabel('Invite').fill(await scene.coffer.invite('ben'));
  await other.getByLabel('Bring a key that I have as a file').check();
  await other.getByLabel('Private key').setInputFiles(at('ben.pem'));
  await other.getByRole('button', { name: 'Join', exact: true }).click();
  await other.getByRole('heading', { name: 'ben has joined' }).waitFor();
  await other.close();
  fs.writeFileSync(at('cid.invite'), await scene.coffer.invite('cid'));
  await cli('cid', ['join', '--invite-file', at('cid.invite')]);
  await partner(['keygen', '2048', at('dan.pem'), at('dan.pub.pem')]);
  await partner(['join', scene.coffer.origin, scene.coffer.ca, 'dan', at('dan.pem')], await scene.coffer.invite('dan'));
}
after(async () => {
  await second?.close();
  fs.rmSync(directory, { recursive: true, force: true });
});

async function enter(name, profile = name === 'ann' ? scene.profile : second) {
  const page = await scene.open('/', profile);
  await page.getByRole('button', { name: `Log in as ${name}` }).click();
  await page.getByText('Waiting for new messages.').waitFor();
  return page;
}

// Writes and sends; the heading that says so has come.
async function send(page, to, text, { session = false } = {}) {
  await go(page, `/compose?to=${to}`);
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill(text);
  if (session) await page.getByLabel('Continue the session').check();
  await page.getByRole('button', { name: 'Seal and send' }).click();
  await page.getByRole('heading', { name: `Sent to ${to}` }).waitFor();
}

// Opens the newest message from somebody; its text.
async function read(page, from) {
  await go(page, '/messages');
  await page.getByRole('link', { name: from, exact: true }).first().click();
  await page.getByRole('heading', { name: 'Contents' }).waitFor();
  return page.locator('pre.verbatim').innerText();
}

async function acknowledge(page) {
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByRole('heading', { name: 'Messages', level: 1 }).waitFor();
  await page.getByText('the server has dropped it').first().waitFor();
}

async function deposit(to, bytes, headers = {}, token = scene.coffer.token) {
  const made = await scene.coffer.ask('POST', `/v1/mailboxes/${to}/messages`, bytes, { token, headers: { 'Content-Type': PLAIN, ...headers } });
  assert.equal(made.status, 201, made.bytes.toString());
  return made.json.id;
}

const keyOf = async (name) => (await scene.coffer.ask('GET', `/v1/keys/${name}`)).bytes.toString();

test('two browsers: sealed, signed, read, answered, continued, acknowledged; the key stays at home', async () => {
  const ann = await enter('ann');
  const ben = await enter('ben');
  await send(ann, 'ben', 'Shall we meet?\nAt ten — ☕ or tea?');
  // It comes by the poll that waits: no reload, no click.
  await ben.getByRole('link', { name: 'ann', exact: true }).waitFor();
  await ben.getByText('A new message from ann.').waitFor();
  assert.equal(await read(ben, 'ann'), 'Shall we meet?\nAt ten — ☕ or tea?');
  await ben.getByText('signed by ann').waitFor();
  await ben.getByText('whose key is known since the first use, and not verified').waitFor();
  await acknowledge(ben);
  await ben.getByText('There are no messages.').waitFor();

  await send(ben, 'ann', 'Gladly.', { session: true });
  assert.equal(await read(ann, 'ben'), 'Gladly.');
  await ann.getByText('continues the session with ben').waitFor();
  await acknowledge(ann);
  await send(ann, 'ben', 'Ten it is.', { session: true });
  assert.equal(await read(ben, 'ann'), 'Ten it is.');
  await acknowledge(ben);
  assertKeptHome(ben, benPem);
});

test('with the command line, in both directions, also in sessions', async () => {
  const ann = await enter('ann');
  await send(ann, 'cid', 'To the command line.');
  const [id] = (await cli('cid', ['inbox'])).split(' ');
  assert.equal(await cli('cid', ['read', id, '--ack']), 'To the command line.');
  await cli('cid', ['send', 'ann'], { input: 'From the command line.' });
  assert.equal(await read(ann, 'cid'), 'From the command line.');
  await ann.getByText('signed by cid').waitFor();
  await acknowledge(ann);
  await cli('cid', ['send', 'ann', '--session'], { input: 'And on.' });
  assert.equal(await read(ann, 'cid'), 'And on.');
  await acknowledge(ann);
  await send(ann, 'cid', 'And back.', { session: true });
  const [next] = (await cli('cid', ['inbox'])).split(' ');
  assert.equal(await cli('cid', ['read', next, '--ack']), 'And back.');
});

test('with docs/examples/partner.py, in both directions', async () => {
  const ann = await enter('ann');
  const where = [scene.coffer.origin, scene.coffer.ca, 'dan', at('dan.pem')];
  await send(ann, 'dan', 'To Python.');
  assert.equal(await partner(['fetch', ...where]), 'ann: To Python.\n');
  await partner(['send', ...where, 'ann'], 'From Python.');
  assert.equal(await read(ann, 'dan'), 'From Python.');
  await ann.getByText('signed by dan').waitFor();
  await acknowledge(ann);
});

test('files go as bytes and come back as the same bytes', async () => {
  const ann = await enter('ann');
  const ben = await enter('ben');
  const bytes = crypto.randomBytes(300_000);
  fs.writeFileSync(at('scan.bin'), bytes);
  await go(ann, '/compose?to=ben');
  await ann.getByLabel('Or a file').setInputFiles(at('scan.bin'));
  await ann.getByRole('button', { name: 'Seal and send' }).click();
  await ann.getByRole('heading', { name: 'Sent to ben' }).waitFor();
  await go(ben, '/messages');
  await ben.getByRole('link', { name: 'ann', exact: true }).click();
  await ben.getByText(/This is no plain text/).waitFor();
  const [download] = await Promise.all([ben.waitForEvent('download'), ben.getByRole('button', { name: 'Save as a file' }).click()]);
  assert.ok(bytes.equals(fs.readFileSync(await download.path())));
  await acknowledge(ben);
});

test('what is not signed opens, and says that anyone may have written it', async () => {
  const ann = await enter('ann');
  fs.writeFileSync(at('ann.pub.pem'), await keyOf('ann'));
  await deposit('ann', await scene.coffer.run(['seal', '--to', at('ann.pub.pem')], { input: 'Trust me.', encoding: 'buffer' }));
  assert.equal(await read(ann, 'admin'), 'Trust me.');
  await ann.getByText('anyone may have written it').waitFor();
  assert.equal(await ann.getByText(/^signed by/).count(), 0);
  await acknowledge(ann);
});

test('hostile text stays text, and what could turn it around is not shown', async () => {
  const ann = await enter('ann');
  const hostile = '<img src=x onerror=alert(1)><script>document.title="owned"</script>&amp;';
  const put = async (input) => deposit('ann', await scene.coffer.run(['seal', '--to', at('ann.pub.pem')], { input, encoding: 'buffer' }));
  await put(hostile);
  assert.equal(await read(ann, 'admin'), hostile);
  assert.equal(await ann.locator('main img, main script').count(), 0);
  assert.equal(await ann.title(), 'Message · coffer');
  await acknowledge(ann);
  for (const input of ['pay \u202e001\u202c', 'bell \u0007', Buffer.from([0xff, 0xfe, 0x41])]) {
    await put(input);
    await go(ann, '/messages');
    await ann.getByRole('link', { name: 'admin', exact: true }).first().click();
    await ann.getByText(/This is no plain text/).waitFor();
    await acknowledge(ann);
  }
});

test('a repeat is marked', async () => {
  const ann = await enter('ann');
  const sealed = await scene.coffer.run(['seal', '--to', at('ann.pub.pem')], { input: 'Once.', encoding: 'buffer' });
  const first = await deposit('ann', sealed);
  assert.equal(await read(ann, 'admin'), 'Once.');
  assert.equal(await ann.getByText(/A REPEAT/).count(), 0);
  await go(ann, '/messages');
  await ann.getByRole('cell', { name: 'read', exact: true }).waitFor();
  assert.equal(await read(ann, 'admin'), 'Once.');
  await ann.getByText('read before', { exact: true }).waitFor();
  await acknowledge(ann);
  await deposit('ann', sealed);
  assert.equal(await read(ann, 'admin'), 'Once.');
  await ann.getByText(`A REPEAT: the same bytes were read before, as message ${first}`).waitFor();
  await acknowledge(ann);
});

test('AES-192 is refused with the reason; what is for another key, or cut, is not opened', async () => {
  const ann = await enter('ann');
  const script = `
import sys, os
sys.path.insert(0, ${JSON.stringify(path.join(ROOT, 'tests', 'interop'))})
from primitives import AES, PKCS1_OAEP, RSA
key, cipher_key = RSA.import_key(open(sys.argv[1]).read()), os.urandom(24)
cipher = AES.new(cipher_key, AES.MODE_EAX)
text, tag = cipher.encrypt_and_digest(b"long keys")
sys.stdout.buffer.write(PKCS1_OAEP.new(key).encrypt(cipher_key) + cipher.nonce + tag + text)
`;
  const sealed = await python(['-c', script, at('ann.pub.pem')], '', 'buffer');
  const changed = Buffer.from(sealed);
  changed[changed.length - 1] ^= 1;
  for (const [bytes, reason] of [[sealed, /AES-192, which this browser does not have/],
    [crypto.randomBytes(400), /not for your key, or not whole/]]) {
    await deposit('ann', bytes);
    await go(ann, '/messages');
    await ann.getByRole('link', { name: 'admin', exact: true }).first().click();
    await ann.getByRole('alert').getByText(reason).waitFor();
    assert.equal(await ann.locator('pre.verbatim').count(), 0);
    await acknowledge(ann);
  }
});

test('a signature that does not fit is a wall, which only insisting passes', async () => {
  const ann = await enter('ann');
  fs.writeFileSync(at('letter'), 'Signed, and then spoilt on the way.');
  await cli('cid', ['send', 'ann', at('letter')]);
  await go(ann, '/messages');
  await ann.getByRole('link', { name: 'cid', exact: true }).first().waitFor();
  // A server that lies: it hands out other signed bytes under this id.
  const other = await scene.coffer.run(['seal', '--to', at('ann.pub.pem')], { input: 'Forged.', encoding: 'buffer' });
  await ann.route(/\/messages\/[0-9a-f-]{36}$/, async (route) => {
    if (route.request().method() !== 'GET') return route.continue();
    const response = await route.fetch({ ignoreHTTPSErrors: true });
    return route.fulfill({ response, body: other });
  });
  await ann.getByRole('link', { name: 'cid', exact: true }).first().click();
  await ann.getByRole('heading', { name: 'The signature does not fit: anyone may have written this' }).waitFor();
  assert.equal(await ann.locator('pre.verbatim').count(), 0);
  await ann.getByRole('button', { name: 'Open it all the same' }).click();
  assert.equal(await ann.locator('pre.verbatim').innerText(), 'Forged.');
  await ann.getByText('The signature does not fit').waitFor();
  await ann.unroute(/\/messages\/[0-9a-f-]{36}$/);
  await acknowledge(ann);
});

test('fingerprints are compared, and a partner is marked as verified', async () => {
  const ann = await enter('ann');
  await go(ann, '/partners/cid');
  await ann.getByText('since the first use').waitFor();
  const print = sha256(crypto.createPublicKey(await keyOf('cid')).export({ format: 'der', type: 'spki' }));
  const digits = print.match(/.{4}/g).map((word) => String(parseInt(word, 16)).padStart(5, '0'));
  assert.deepEqual(await ann.locator('.digits li').allInnerTexts(), digits);
  const field = ann.getByRole('textbox', { name: 'Fingerprint' });
  await field.fill('12345');
  await ann.getByRole('button', { name: 'Compare, and mark as verified' }).click();
  await ann.getByRole('alert').getByText('That is no fingerprint').waitFor();
  await field.fill(print.replace(/^./, (c) => (c === '0' ? '1' : '0')));
  await ann.getByRole('button', { name: 'Compare, and mark as verified' }).click();
  await ann.getByRole('alert').getByText('THAT IS ANOTHER FINGERPRINT').waitFor();
  await field.fill(digits.join(' '));
  await ann.getByRole('button', { name: 'Compare, and mark as verified' }).click();
  await ann.getByText('cid: verified.').waitFor();
  await ann.locator('.badge', { hasText: 'verified' }).waitFor();

  // By eye, with a question that shows it again.
  await go(ann, '/partners/ben');
  await ann.getByRole('button', { name: 'I have compared it' }).click();
  await ann.getByRole('dialog').getByRole('button', { name: 'Every group is the same' }).click();
  await ann.getByText('ben: verified.').waitFor();
  await go(ann, '/partners');
  await ann.getByRole('row', { name: /^ben/ }).getByText('verified').waitFor();
  await ann.getByRole('row', { name: /^ann/ }).getByText('your own').waitFor();
});

test('a changed key is a wall before sending and before reading, and falls only by its fingerprint', async () => {
  const ann = await enter('ann');
  fs.writeFileSync(at('eva.invite'), await scene.coffer.invite('eva'));
  await cli('eva', ['join', '--invite-file', at('eva.invite')]);
  await send(ann, 'eva', 'We have met.');
  const known = sha256(crypto.createPublicKey(await keyOf('eva')).export({ format: 'der', type: 'spki' }));

  // The administrator gives the name another key.
  const { privateKey, publicKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const now = sha256(publicKey.export({ format: 'der', type: 'spki' }));
  const pss = (text) => crypto.sign('sha256', text, { key: privateKey, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }).toString('base64');
  const replaced = await scene.coffer.ask('PUT', '/v1/keys/eva', publicKey.export({ format: 'pem', type: 'spki' }),
    { headers: { 'Coffer-Key-Signature': pss(`coffer-key-v1\n${scene.coffer.origin}\neva\n${known}\n${now}\n2\n`) } });
  assert.equal(replaced.status, 200, replaced.bytes.toString());

  const wall = ann.getByRole('heading', { name: 'THE KEY OF eva HAS CHANGED' });
  const posts = () => ann.watch.requests.filter((request) => request.method() === 'POST' && /mailboxes\/eva/.test(request.url())).length;
  const before = posts();
  await go(ann, '/compose?to=eva');
  await ann.getByRole('textbox', { name: 'Message', exact: true }).fill('A secret for the old Eva.');
  await ann.getByRole('button', { name: 'Seal and send' }).click();
  await wall.waitFor();
  const shown = (await ann.locator('.wall .hex').allInnerTexts()).map((text) => text.replaceAll(/\s/g, ''));
  assert.deepEqual(shown, [known, now]);
  assert.equal(posts(), before, 'nothing was sent');
  assert.equal(await ann.getByRole('button', { name: 'Seal and send' }).isVisible(), false);
  await ann.getByRole('button', { name: 'Back to what you wrote' }).click();
  assert.equal(await ann.getByRole('textbox', { name: 'Message', exact: true }).inputValue(), 'A secret for the old Eva.');

  // And before reading: signed by the new key, which fits what the server says.
  const sealed = await scene.coffer.run(['seal', '--to', at('ann.pub.pem')], { input: 'I am the new Eva.', encoding: 'buffer' });
  const annPrint = sha256(crypto.createPublicKey(await keyOf('ann')).export({ format: 'der', type: 'spki' }));
  const token = await scene.coffer.ask('POST', '/v1/tokens', { account: 'eva' });
  await deposit('ann', sealed, { 'Coffer-Signature': pss(`coffer-message-v1\n${now}\n${annPrint}\n${sha256(sealed)}\n`) }, token.json.token);
  await go(ann, '/messages');
  await ann.getByText('KEY CHANGED').waitFor();
  await ann.getByRole('link', { name: 'eva', exact: true }).click();
  await wall.waitFor();
  assert.equal(await ann.locator('pre.verbatim').count(), 0);

  await go(ann, '/partners');
  await ann.getByRole('alert').getByText('THE KEY OF eva HAS CHANGED').waitFor();
  await ann.getByRole('link', { name: 'THE KEY OF eva HAS CHANGED' }).click();
  await wall.waitFor();
  assert.equal(await ann.getByRole('button', { name: 'I have compared it' }).count(), 0, 'not by a click');
  await ann.getByRole('textbox', { name: 'Fingerprint' }).fill(known);
  await ann.getByRole('button', { name: 'Compare, and mark as verified' }).click();
  await ann.getByRole('alert').getByText('THAT IS ANOTHER FINGERPRINT').waitFor();
  await ann.getByRole('textbox', { name: 'Fingerprint' }).fill(now);
  await ann.getByRole('button', { name: 'Compare, and mark as verified' }).click();
  await ann.getByText('eva: verified.').waitFor();
  assert.equal(await read(ann, 'eva'), 'I am the new Eva.');
  await acknowledge(ann);
});

test('a key that the server gives for oneself is held against one’s own', async () => {
  const ann = await enter('ann');
  const { publicKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const now = sha256(publicKey.export({ format: 'der', type: 'spki' }));
  const posts = () => ann.watch.requests.filter((request) => request.method() === 'POST' && /mailboxes\/ann/.test(request.url())).length;
  const wall = ann.getByRole('heading', { name: 'THIS IS NOT YOUR KEY, though it is given for ann' });
  await ann.route('**/v1/keys/ann', (route) => route.fulfill({ json: publicKey.export({ format: 'jwk' }) }));
  const { keys } = (await scene.coffer.ask('GET', '/v1/keys?limit=1000')).json;
  for (const key of keys) if (key.name === 'ann') key.fingerprint = now;
  await ann.route('**/v1/keys?*', (route) => route.fulfill({ json: { keys } }));
  await go(ann, '/compose?to=ann');
  await ann.getByRole('textbox', { name: 'Message', exact: true }).fill('For my eyes only.');
  await ann.getByRole('button', { name: 'Seal and send' }).click();
  await wall.waitFor();
  assert.equal((await ann.locator('.wall .hex').allInnerTexts())[1].replaceAll(/\s/g, ''), now);
  assert.equal(posts(), 0, 'nothing was sent');
  await go(ann, '/partners');
  await ann.getByRole('alert').getByRole('link', { name: 'THIS IS NOT YOUR KEY' }).click();
  await wall.waitFor();
  assert.equal(await ann.getByRole('textbox', { name: 'Fingerprint' }).count(), 0, 'nothing to accept');

  await ann.unrouteAll();
  await go(ann, '/partners');
  await ann.getByText('your own').waitFor();
  await send(ann, 'ann', 'For my eyes only.');
  assert.equal(await read(ann, 'ann'), 'For my eyes only.');
  await ann.getByText('Signed by ann').waitFor();
  await acknowledge(ann);
});

test('nobody by that name', async () => {
  const ann = await enter('ann');
  ann.watch.allow(404);
  await go(ann, '/compose?to=nobody');
  await ann.getByRole('textbox', { name: 'Message', exact: true }).fill('Hello?');
  await ann.getByRole('button', { name: 'Seal and send' }).click();
  await ann.getByRole('alert').getByText('nobody by the name of nobody').waitFor();
});

test('a session message comes once only, and not under another sender', async () => {
  const ann = await enter('ann');
  const ben = await enter('ben');
  await send(ann, 'ben', 'First.');
  await read(ben, 'ann');
  await acknowledge(ben);
  let sent;
  ann.on('request', (request) => { if (request.method() === 'POST' && request.headers()['coffer-session']) sent = request; });
  await send(ann, 'ben', 'Counted.', { session: true });
  const bytes = sent.postDataBuffer();
  const first = sent.headers()['coffer-session'];
  assert.equal(await read(ben, 'ann'), 'Counted.');
  await acknowledge(ben);
  // The same bytes from somebody else; and other bytes with an old counter, from Ann.
  await deposit('ben', bytes, { 'Content-Type': 'application/vnd.coffer.session', 'Coffer-Session': first });
  await go(ben, '/messages');
  await ben.getByRole('link', { name: 'admin', exact: true }).click();
  await ben.getByRole('alert').getByText('not of admin’s session').waitFor();
  await acknowledge(ben);
  const outcome = await ben.evaluate(async (id) => {
    const threads = await import('/assets/lib/threads.js');
    return [await threads.advance('ben', id, 1n), await threads.advance('ben', id, 2n), String((await threads.find('ben', id)).received)];
  }, first);
  assert.deepEqual(outcome, [false, true, '2']);
});

test('learners see the bytes part by part, under names', async () => {
  const ann = await enter('ann');
  await send(ann, 'ben', 'Sixteen bytes, or so');
  await ann.getByText('Look at the bytes that were sent').click();
  const titles = await ann.locator('.anatomy .part h3').allInnerTexts();
  assert.deepEqual(titles, ['Wrapped key bytes 0 to 255', 'Nonce bytes 256 to 271', 'Tag bytes 272 to 287', 'Ciphertext bytes 288 to 307']);
  const ben = await enter('ben');
  await read(ben, 'ann');
  await ben.getByRole('link', { name: 'Look at the bytes' }).click();
  await ben.getByRole('heading', { name: 'The bytes of a message' }).waitFor();
  const bytesOf = async (page, name) => (await page.locator(`.part-${name} .bytes`).innerText()).split('\n').map((line) => line.slice(8, 55)).join(' ').replaceAll(/\s/g, '');
  assert.match(await ben.locator('.part-nonce .bytes').innerText(), /^000100  (?:[0-9a-f]{2} ){16} .{16}$/, 'sixteen in a row');
  for (const name of ['wrap', 'nonce', 'tag', 'ciphertext']) assert.equal(await bytesOf(ben, name), await bytesOf(ann, name));
  const list = await scene.coffer.run(['inspect', '--to', at('ben.pub.pem')], { input: Buffer.from((await Promise.all(['wrap', 'nonce', 'tag', 'ciphertext'].map((name) => bytesOf(ann, name)))).join(''), 'hex') });
  assert.match(list, /ciphertext/i);
});

test('when the answer is lost, sending again does not deliver twice', async () => {
  const ann = await enter('ann');
  const keys = [];
  await ann.route(/\/mailboxes\/dan\/messages$/, async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    if (keys.length > 1) return route.continue();
    // It arrives, and nobody hears of it.
    await deposit('dan', route.request().postDataBuffer(), { 'Coffer-Signature': route.request().headers()['coffer-signature'],
      'Idempotency-Key': keys[0] }, route.request().headers().authorization.replace('Bearer ', ''));
    return route.abort();
  });
  ann.watch.allowText(/net::ERR_FAILED/);
  await go(ann, '/compose?to=dan');
  await ann.getByRole('textbox', { name: 'Message', exact: true }).fill('Once only.');
  await ann.getByRole('button', { name: 'Seal and send' }).click();
  await ann.getByRole('alert').getByText('The server does not answer.').waitFor();
  await ann.getByRole('button', { name: 'Seal and send' }).click();
  await ann.getByRole('heading', { name: 'Sent to dan' }).waitFor();
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  const fetched = await partner(['fetch', scene.coffer.origin, scene.coffer.ca, 'dan', at('dan.pem')]);
  assert.equal(fetched, 'ann: Once only.\n');
});

test('a tab that nobody sees asks for nothing, and catches up when it is seen', async () => {
  const ben = await enter('ben');
  const lists = () => ben.watch.requests.filter((request) => /\/messages\?/.test(request.url())).length;
  const see = (seen) => ben.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event('visibilitychange'));
  }, !seen);
  const given = ben.waitForEvent('requestfailed', (request) => /wait=/.test(request.url()));
  await until(() => ben.watch.requests.some((request) => /wait=/.test(request.url())), 'the request that waits');
  await see(false);
  await given;
  const before = lists();
  await cli('cid', ['send', 'ben'], { input: 'While you were away.' });
  // Another view, with requests of its own, comes and goes.
  await go(ben, '/partners');
  await ben.getByRole('link', { name: 'cid', exact: true }).waitFor();
  assert.equal(lists(), before);
  await see(true);
  await ben.getByText('A new message from cid.').waitFor();
  assert.equal(await read(ben, 'cid'), 'While you were away.');
  await acknowledge(ben);
});

test('a session that the server ends is over on the page, which says so', async () => {
  const ann = await enter('ann');
  const [live] = (await scene.coffer.ask('GET', '/v1/tokens?limit=1000')).json.tokens
    .filter((token) => token.kind === 'login' && token.state === 'active').slice(-1);
  ann.watch.allow(401, 401);
  await scene.coffer.ask('DELETE', `/v1/tokens/${live.id}`);
  await go(ann, '/partners');
  await ann.getByRole('alert').getByText('The session has ended: log in again.').waitFor();
  await ann.getByRole('button', { name: 'Log in as ann' }).waitFor();
  assert.equal(await ann.getByRole('link', { name: 'Messages' }).count(), 0);
});
