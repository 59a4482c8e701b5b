// The page in Debian's Firefox: keys, logging in, messages with the command line in both directions, and the same vectors.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { Coffer, DATA, FIREFOX, FirefoxProfile, go, join, ROOT } from './harness.js';
import { wrongOnes } from './eax-vectors.js';

const skip = fs.existsSync(FIREFOX) ? false : `no ${FIREFOX}: the page is not tried in Firefox`;
const WYCHEPROOF = path.join(DATA, 'wycheproof', 'aes_eax_test.json');
let coffer;
let profile;

async function begin() {
  coffer ??= await Coffer.start();
  profile ??= await FirefoxProfile.open(coffer.ca);
}
after(async () => {
  await profile?.close();
  await coffer?.stop();
});

const cli = (args, options) => coffer.run([...args, '--home', path.join(coffer.root, 'home-cid')], options);

test('joining, a new start of the browser, logging in, and messages with the command line', { skip }, async () => {
  await begin();
  const first = await profile.page(coffer);
  await join(first, await coffer.invite('ann'));
  first.watch.check();
  await profile.relaunch();
  const page = await profile.page(coffer);
  await page.getByRole('button', { name: 'Log in as ann' }).click();
  await page.getByText('Waiting for new messages.').waitFor();
  const exported = await page.evaluate(async () => {
    const { get } = await import('/assets/lib/vault.js');
    const { keys } = await get('identities', 'ann');
    return Promise.all(Object.values(keys).map((key) => crypto.subtle.exportKey('pkcs8', key).then(() => 'exported', (error) => error.name)));
  });
  assert.deepEqual(exported, ['InvalidAccessError', 'InvalidAccessError', 'InvalidAccessError']);

  fs.writeFileSync(path.join(coffer.root, 'cid.invite'), await coffer.invite('cid'));
  await cli(['join', '--invite-file', path.join(coffer.root, 'cid.invite')]);
  await cli(['send', 'ann'], { input: 'From the command line.' });
  await page.getByRole('link', { name: 'cid', exact: true }).click();
  await page.getByText('signed by cid').waitFor();
  assert.equal(await page.locator('pre.verbatim').innerText(), 'From the command line.');
  await page.getByRole('link', { name: 'Reply' }).click();
  for (const [text, session] of [['From Firefox.', false], ['And on.', true]]) {
    await page.getByRole('textbox', { name: 'Message', exact: true }).fill(text);
    if (session) await page.getByLabel('Continue the session').check();
    await page.getByRole('button', { name: 'Seal and send' }).click();
    await page.getByRole('heading', { name: 'Sent to cid' }).waitFor();
    const [id] = (await cli(['inbox'])).split(' ');
    assert.equal(await cli(['read', id, '--ack']), text);
    await go(page, '/');
    await page.getByText('You are ann.').waitFor();
    await go(page, '/compose?to=cid');
  }
  page.watch.check();
  await page.close();
});

test('AES-EAX agrees with Wycheproof for every size of key, and our own vectors open', {
  skip: skip || (fs.existsSync(WYCHEPROOF) ? false : `no ${WYCHEPROOF}: not compared with Wycheproof`),
}, async () => {
  await begin();
  const page = await profile.page(coffer);
  const { testGroups } = JSON.parse(fs.readFileSync(WYCHEPROOF, 'utf8'));
  const vectors = testGroups.flatMap((group) => group.tests);
  assert.ok(vectors.length > 150);
  assert.deepEqual(await page.evaluate(wrongOnes, vectors), []);
  const own = JSON.parse(fs.readFileSync(path.join(ROOT, 'tests', 'vectors', 'messages.json'), 'utf8'));
  const found = await page.evaluate(async ({ pem, sealed }) => {
    const { fromHex, hex } = await import('/assets/lib/bytes.js');
    const { bringKey } = await import('/assets/lib/identity.js');
    const { open } = await import('/assets/lib/sealed.js');
    const { identity } = await bringKey(pem, '');
    return Promise.all(sealed.map(async (one) => hex((await open(identity.keys.open, identity.size, fromHex(one))).plaintext)));
  }, { pem: own.recipient_pem, sealed: own.messages.map((one) => one.sealed) });
  assert.deepEqual(found, own.messages.map((one) => one.plaintext));
  page.watch.check();
  await page.close();
});
