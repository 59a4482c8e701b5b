// Private keys as files: those that openssl, coffer and PyCryptodome write, and the one that the page writes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { python, ROOT, stage, temporary } from './harness.js';

const scene = stage();
const PASSPHRASE = 'correct horse, and ümlauts';
let directory;

const at = (name) => path.join(directory, name);
const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
const read = (name) => fs.readFileSync(at(name), 'utf8');

before(() => {
  directory = temporary('pem');
  fs.writeFileSync(at('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
  openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', at('plain.pem'));
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

function fingerprintOf(name) {
  const der = openssl('pkey', '-in', at(name), '-pubout', '-outform', 'DER', '-passin', `file:${at('passphrase')}`);
  return execFileSync('sha256sum', { input: der }).toString().split(' ')[0];
}

// What becomes of a text in the page: a fingerprint, or why not.
async function bring(page, pem, passphrase = '') {
  return page.evaluate(async ([text, phrase]) => {
    const { bringKey } = await import('/assets/lib/identity.js');
    try {
      return (await bringKey(text, phrase)).identity.fingerprint;
    } catch (error) {
      return error.forPeople ? error.message : `not for people: ${error.stack}`;
    }
  }, [pem, passphrase]);
}

const topk8 = (out, ...args) => openssl('pkcs8', '-topk8', '-in', at('plain.pem'), '-out', at(out), '-passout', `file:${at('passphrase')}`, ...args);

const ACCEPTED = {
  'PKCS#8, plain': () => 'plain.pem',
  'PKCS#1, plain': () => { openssl('pkey', '-in', at('plain.pem'), '-traditional', '-out', at('pkcs1.pem')); return 'pkcs1.pem'; },
  'PBES2, AES-256, as openssl has it': () => { topk8('aes256.pem', '-v2', 'aes-256-cbc'); return 'aes256.pem'; },
  'PBES2, AES-128, SHA-1': () => { topk8('aes128.pem', '-v2', 'aes-128-cbc', '-v2prf', 'hmacWithSHA1'); return 'aes128.pem'; },
  'PBES2, SHA-512': () => { topk8('sha512.pem', '-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA512'); return 'sha512.pem'; },
  'of coffer keygen with a passphrase': async () => {
    await scene.coffer.run(['keygen', '--bits', '2048', '--passphrase-file', at('passphrase'), '-o', at('coffer.pem')]);
    return 'coffer.pem';
  },
  'of coffer keygen without one': async () => {
    await scene.coffer.run(['keygen', '--bits', '2048', '-o', at('bare.pem')]);
    return 'bare.pem';
  },
  'with Windows ends of lines and words around it': () => {
    fs.writeFileSync(at('dos.pem'), `Key of mine\r\n${read('plain.pem').replaceAll('\n', '\r\n')}\r\nthe end`);
    return 'dos.pem';
  },
};
for (const [name, make] of Object.entries(ACCEPTED)) {
  test(`accepted: ${name}`, async () => {
    const file = await make();
    assert.equal(await bring(await scene.open(), read(file), PASSPHRASE), fingerprintOf(file));
  });
}

test('what is not accepted is refused with its reason', async () => {
  const own = read('plain.pem');
  topk8('locked.pem', '-v2', 'aes-256-cbc');
  topk8('des3.pem', '-v2', 'des3');
  topk8('scrypt.pem', '-scrypt');
  topk8('aes192.pem', '-v2', 'aes-192-cbc');
  topk8('pbes1.pem', '-v1', 'PBE-SHA1-3DES');
  topk8('sha224.pem', '-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA224');
  openssl('pkey', '-in', at('plain.pem'), '-pubout', '-out', at('public.pem'));
  openssl('pkey', '-in', at('plain.pem'), '-traditional', '-aes256', '-passout', `file:${at('passphrase')}`, '-out', at('old.pem'));
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', at('ec.pem'));
  openssl('genpkey', '-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', at('pss.pem'));
  openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024', '-out', at('short.pem'));
  openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-pkeyopt', 'rsa_keygen_pubexp:3', '-out', at('three.pem'));
  openssl('req', '-x509', '-key', at('plain.pem'), '-subj', '/CN=x', '-out', at('certificate.pem'));
  const lines = own.split('\n');
  const page = await scene.open();
  const cases = [
    ['', /no private key in PEM/], ['x'.repeat(70000), /no private key in PEM/], ['-----BEGIN PRIVATE KEY-----\n', /no private key in PEM/],
    [own + own, /more than one/], [read('public.pem'), /public key/], [read('certificate.pem'), /certificate/],
    [read('ec.pem'), /not RSA/], [read('pss.pem'), /not RSA/], [read('old.pem'), /old way/],
    [read('locked.pem'), /under a passphrase/, ''], [read('locked.pem'), /does not open/, 'wrong'],
    [read('des3.pem'), /triple DES/], [read('pbes1.pem'), /triple DES/], [read('scrypt.pem'), /scrypt/], [read('aes192.pem'), /AES-192/],
    [read('sha224.pem'), /not accepted/], [read('short.pem'), /1024 bits/], [read('three.pem'), /exponent/],
    [[lines[0], ...lines.slice(2)].join('\n'), /damaged/], [own.replace(/.{4}\n-----END/, '!!!!\n-----END'), /damaged/],
    ['-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----', /damaged/],
    [own.replaceAll('PRIVATE', 'OPENSSH PRIVATE'), /OpenSSH/],
  ];
  for (const [pem, reason, passphrase = PASSPHRASE] of cases) {
    assert.match(await bring(page, pem, passphrase), reason, pem.slice(0, 40));
  }
});

test('a key whose numbers do not fit is refused', async () => {
  const der = Buffer.from(read('plain.pem').replace(/-----.*-----|\s/g, ''), 'base64');
  const page = await scene.open();
  const refused = [];
  // Far inside the private numbers; the public ones are not what is wrong.
  for (const place of [400, 700, 1000]) {
    const changed = Buffer.from(der);
    changed[place] ^= 1;
    refused.push(await bring(page, `-----BEGIN PRIVATE KEY-----\n${changed.toString('base64')}\n-----END PRIVATE KEY-----\n`));
  }
  for (const word of refused) assert.match(word, /damaged/);
});

test('whatever is done to a key file, the answer is a key or a reason', async () => {
  topk8('locked.pem', '-v2', 'aes-256-cbc');
  const page = await scene.open();
  const derOf = (name) => [...Buffer.from(read(name).replace(/-----.*-----|\s/g, ''), 'base64')];
  const answers = await page.evaluate(async ({ plain, locked, passphrase }) => {
    const { base64 } = await import('/assets/lib/bytes.js');
    const { readPrivatePem } = await import('/assets/lib/pem.js');
    const counts = { read: 0, refused: 0, other: [] };
    const attempt = async (label, der, phrase) => {
      const pem = `-----BEGIN ${label}-----\n${base64(Uint8Array.from(der))}\n-----END ${label}-----\n`;
      try {
        await readPrivatePem(pem, phrase);
        counts.read += 1;
      } catch (error) {
        if (error.forPeople) counts.refused += 1;
        else counts.other.push(error.stack);
      }
    };
    for (let i = 0; i < plain.length; i += 1) {
      for (const bit of [0x01, 0x80]) await attempt('PRIVATE KEY', plain.with(i, plain[i] ^ bit), '');
      await attempt('PRIVATE KEY', plain.slice(0, i), '');
      await attempt('RSA PRIVATE KEY', plain.slice(i), '');
    }
    // Of the locked one what is in clear; the count of rounds is left alone, or this would take hours.
    for (let i = 0; i < 120; i += 1) {
      if (i < 45 || i > 65) await attempt('ENCRYPTED PRIVATE KEY', locked.with(i, locked[i] ^ 0x01), passphrase);
      await attempt('ENCRYPTED PRIVATE KEY', locked.slice(0, i), passphrase);
    }
    return counts;
  }, { plain: derOf('plain.pem'), locked: derOf('locked.pem'), passphrase: PASSPHRASE });
  assert.deepEqual(answers.other, []);
  assert.ok(answers.read > 100 && answers.refused > 1000, JSON.stringify(answers));
});

test('what the page writes opens in coffer, in PyCryptodome and in openssl, by its passphrase alone', async () => {
  const page = await scene.open();
  const { copy, fingerprint } = await page.evaluate(async (passphrase) => {
    const { makeKey } = await import('/assets/lib/identity.js');
    const made = await makeKey(2048, passphrase);
    const out = [];
    for (const key of Object.values(made.identity.keys)) {
      for (const form of ['pkcs8', 'jwk']) out.push(await crypto.subtle.exportKey(form, key).then(() => 'exported', (error) => error.name));
    }
    if (out.some((word) => word !== 'InvalidAccessError')) throw new Error(out.join(' '));
    return { copy: made.copy, fingerprint: made.identity.fingerprint };
  }, PASSPHRASE);
  assert.match(copy, /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
  fs.writeFileSync(at('copy.pem'), copy, { mode: 0o600 });
  assert.equal(fingerprintOf('copy.pem'), fingerprint);
  assert.equal(await bring(page, copy, PASSPHRASE), fingerprint);

  openssl('pkey', '-in', at('copy.pem'), '-passin', `file:${at('passphrase')}`, '-pubout', '-out', at('copy.pub.pem'));
  const sealed = await scene.coffer.run(['seal', '--to', at('copy.pub.pem')], { input: 'to the copy', encoding: 'buffer' });
  assert.equal(await scene.coffer.run(['open', '--key', at('copy.pem'), '--passphrase-file', at('passphrase')], { input: sealed }), 'to the copy');
  const script = `
import sys
sys.path.insert(0, ${JSON.stringify(path.join(ROOT, 'tests', 'interop'))})
from primitives import RSA
import hashlib
key = RSA.import_key(open(sys.argv[1]).read(), sys.stdin.buffer.read())
print(hashlib.sha256(key.public_key().export_key("DER")).hexdigest())
try:
    RSA.import_key(open(sys.argv[1]).read(), "wrong")
except ValueError:
    print("refused")
`;
  assert.deepEqual((await python(['-c', script, at('copy.pem')], PASSPHRASE)).trim().split('\n'), [fingerprint, 'refused']);
});
