// The page's cryptography against vectors that others made.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { wrongOnes } from './eax-vectors.js';
import { DATA, ROOT, stage } from './harness.js';

const scene = stage();
const WYCHEPROOF = path.join(DATA, 'wycheproof', 'aes_eax_test.json');
const OWN = JSON.parse(fs.readFileSync(path.join(ROOT, 'tests', 'vectors', 'messages.json'), 'utf8'));

for (const bits of [128, 256]) {
  test(`AES-EAX with keys of ${bits} bits agrees with Wycheproof`,
    { skip: fs.existsSync(WYCHEPROOF) ? false : `no ${WYCHEPROOF}: not compared with Wycheproof` }, async () => {
      const { testGroups } = JSON.parse(fs.readFileSync(WYCHEPROOF, 'utf8'));
      const vectors = testGroups.filter((group) => group.keySize === bits).flatMap((group) => group.tests);
      const page = await scene.open();
      assert.ok(vectors.length > 50, `${vectors.length} vectors`);
      assert.ok(vectors.some((one) => one.result === 'invalid'));
      assert.deepEqual(await page.evaluate(wrongOnes, vectors), []);
    });
}

test('our own vectors open, those of AES-192 are refused with the reason', async () => {
  const page = await scene.open();
  const outcomes = await page.evaluate(async (own) => {
    const { fromHex, hex } = await import('/assets/lib/bytes.js');
    const { bringKey } = await import('/assets/lib/identity.js');
    const { open } = await import('/assets/lib/sealed.js');
    const { identity } = await bringKey(own.recipient_pem, '');
    const found = [];
    for (const one of own.messages) {
      try {
        const opened = await open(identity.keys.open, identity.size, fromHex(one.sealed));
        found.push(opened && hex(opened.plaintext));
      } catch (error) {
        found.push(error.message);
      }
    }
    return { fingerprint: identity.fingerprint, found };
  }, OWN);
  assert.equal(outcomes.fingerprint, OWN.recipient_fingerprint);
  const sizes = new Set(OWN.messages.map((one) => one.aes_key.length));
  assert.deepEqual([...sizes].sort(), [32, 48, 64]);
  for (const [i, one] of OWN.messages.entries()) {
    if (one.aes_key.length === 48) assert.match(outcomes.found[i], /AES-192, which this browser does not have/);
    else assert.equal(outcomes.found[i], one.plaintext);
  }
});

test('every flipped byte of a message is noticed', async () => {
  const page = await scene.open();
  const small = OWN.messages.find((one) => one.aes_key.length === 32 && one.plaintext.length > 10);
  const opened = await page.evaluate(async ({ own, sealed }) => {
    const { fromHex } = await import('/assets/lib/bytes.js');
    const { bringKey } = await import('/assets/lib/identity.js');
    const { open } = await import('/assets/lib/sealed.js');
    const { identity } = await bringKey(own.recipient_pem, '');
    const bytes = fromHex(sealed);
    const found = [];
    for (let i = 0; i < bytes.length; i += 1) {
      const changed = bytes.slice();
      changed[i] ^= 1;
      if (await open(identity.keys.open, identity.size, changed).catch(() => null)) found.push(i);
    }
    for (const size of [0, 255, 256, 287]) {
      if (await open(identity.keys.open, identity.size, bytes.slice(0, size))) found.push(`cut to ${size}`);
    }
    return found;
  }, { own: OWN, sealed: small.sealed });
  assert.deepEqual(opened, []);
});

test('sessions and signatures agree with our own vectors', async () => {
  const page = await scene.open();
  const outcome = await page.evaluate(async (own) => {
    const { fromHex, hex } = await import('/assets/lib/bytes.js');
    const { eaxKey } = await import('/assets/lib/eax.js');
    const { bringKey } = await import('/assets/lib/identity.js');
    const { openSession, sealSession, sign, verify } = await import('/assets/lib/sealed.js');
    const { identity: sender } = await bringKey(own.sender_pem, '');
    const first = fromHex(own.messages[0].sealed);
    const ends = { first: own.session_first, sender: own.sender_fingerprint, recipient: own.recipient_fingerprint };
    const turned = { ...ends, sender: ends.recipient, recipient: ends.sender };
    const key = await eaxKey(fromHex(own.messages[0].aes_key));
    const opened = [];
    for (const one of own.sessions) {
      const { plaintext, counter } = await openSession(key, ends, fromHex(one.sealed));
      opened.push({ counter: counter.toString(16).padStart(16, '0'), plaintext: hex(plaintext) });
    }
    const again = await openSession(key, ends, await sealSession(key, ends, 7n, fromHex('00ff')));
    const fits = (bytes, signature, from = ends.sender, to = ends.recipient) => verify(sender.spki, from, to, bytes, signature);
    const mine = await sign(sender.keys.sign, ends.sender, ends.recipient, first);
    return {
      opened, again: [hex(again.plaintext), Number(again.counter)], turned: await openSession(key, turned, fromHex(own.sessions[1].sealed)),
      fits: [await fits(first, own.signature), await fits(first, mine)],
      misfits: [await fits(first.slice(1), mine), await fits(first, mine, ends.recipient), await fits(first, mine, ends.sender, ends.sender),
        await fits(first, own.signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))), await fits(first, 'x')],
    };
  }, OWN);
  assert.deepEqual(outcome.opened, OWN.sessions.map(({ counter, plaintext }) => ({ counter, plaintext })));
  assert.deepEqual(outcome.again, ['00ff', 7]);
  assert.equal(outcome.turned, null);
  assert.deepEqual(outcome.fits, [true, true]);
  assert.deepEqual(outcome.misfits, [false, false, false, false, false]);
});
