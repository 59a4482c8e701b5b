// Private keys as files: PEM with PKCS#8 (RFC 5958), plain or under a passphrase by PBES2 (RFC 8018), or PKCS#1. What is
// not accepted is refused with the reason.
import { base64, fromBase64, random, utf8 } from './bytes.js';
import { DerError, DerReader, nil, octets, oid, sequence, small } from './der.js';
import { checkNumbers, RSA_OID } from './publickey.js';
import { Refusal } from './refusal.js';
import { strings } from '../strings.js';

const text = strings.pem;
const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const SCRYPT = '1.3.6.1.4.1.11591.4.11';
const PRFS = {
  '1.2.840.113549.2.7': 'SHA-1', '1.2.840.113549.2.9': 'SHA-256', '1.2.840.113549.2.10': 'SHA-384', '1.2.840.113549.2.11': 'SHA-512',
};
const CIPHERS = { '2.16.840.1.101.3.4.1.2': 128, '2.16.840.1.101.3.4.1.42': 256 };
const AES192 = '2.16.840.1.101.3.4.1.22';
const ITERATIONS = 600_000; // what is written
const ITERATIONS_MAX = 20_000_000; // what is read: more would hold the page for minutes
const PEM_MAX = 65536;

// The reasons for blocks that are no private key, or none that this reads.
const OTHER_BLOCKS = {
  'PUBLIC KEY': text.publicKey, 'RSA PUBLIC KEY': text.publicKey, CERTIFICATE: text.certificate,
  'CERTIFICATE REQUEST': text.certificate, 'EC PRIVATE KEY': text.notRsa, 'DSA PRIVATE KEY': text.notRsa,
  'OPENSSH PRIVATE KEY': text.openssh,
};

function readBlock(pem) {
  const blocks = [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g)];
  if (pem.length > PEM_MAX || blocks.length === 0) throw new Refusal(text.noPem);
  if (blocks.length > 1) throw new Refusal(text.several);
  const [, label, body] = blocks[0];
  if (/^\s*(Proc-Type|DEK-Info):/m.test(body)) throw new Refusal(text.oldEncryption);
  const der = fromBase64(body.replace(/\s/g, ''));
  if (!der || der.length === 0) throw new Refusal(text.damaged);
  return { label, der };
}

function writeBlock(label, der) {
  return `-----BEGIN ${label}-----\n${base64(der).match(/.{1,64}/g).join('\n')}\n-----END ${label}-----\n`;
}

// ---- PBES2 ----------------------------------------------------------------------------------------------------------

async function deriveKey(passphrase, { salt, iterations, hash, length }, use) {
  const base = await crypto.subtle.importKey('raw', utf8(passphrase), 'PBKDF2', false, ['deriveKey']);
  return crypto.subtle.deriveKey({ name: 'PBKDF2', salt, iterations, hash }, base, { name: 'AES-CBC', length }, false, [use]);
}

function readKdf(reader) {
  const which = reader.oid();
  if (which === SCRYPT) throw new Refusal(text.scrypt);
  if (which !== PBKDF2) throw new Refusal(text.kdf);
  const params = reader.sequence();
  reader.end();
  const salt = params.octets();
  const iterations = params.small();
  const keySize = params.peek() === 0x02 ? params.small() : null;
  let hash = 'SHA-1';
  if (!params.done) {
    const prf = params.sequence();
    hash = PRFS[prf.oid()];
    if (!prf.done) prf.nil(); // GnuTLS leaves it out
    prf.end();
    if (!hash) throw new Refusal(text.kdf);
  }
  params.end();
  if (iterations < 1 || iterations > ITERATIONS_MAX) throw new Refusal(text.iterations);
  return { salt, iterations, keySize, hash };
}

function readScheme(algorithm) {
  if (algorithm.oid() !== PBES2) throw new Refusal(text.cipher);
  const params = algorithm.sequence();
  algorithm.end();
  const kdf = readKdf(params.sequence());
  const cipher = params.sequence();
  params.end();
  const which = cipher.oid();
  if (which === AES192) throw new Refusal(text.aes192);
  const length = CIPHERS[which];
  if (!length) throw new Refusal(text.cipher);
  const iv = cipher.octets();
  cipher.end();
  if (iv.length !== 16 || (kdf.keySize !== null && kdf.keySize * 8 !== length)) throw new DerError('parameters');
  return { ...kdf, length, iv };
}

async function unlock(der, passphrase) {
  const outer = new DerReader(der);
  const whole = outer.sequence();
  outer.end();
  const scheme = readScheme(whole.sequence());
  const sealed = whole.octets();
  whole.end();
  if (!passphrase) throw new Refusal(text.locked);
  const key = await deriveKey(passphrase, scheme, 'decrypt');
  let opened;
  try {
    opened = new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-CBC', iv: scheme.iv }, key, sealed));
    // The padding fits one wrong passphrase in 256, too.
    if (new DerReader(opened).content(0x30).length === 0) throw new DerError('empty');
  } catch {
    throw new Refusal(text.wrongPassphrase);
  }
  return opened;
}

// ---- PKCS#8 and PKCS#1 ----------------------------------------------------------------------------------------------

// {n, e} of RSAPrivateKey (RFC 8017 §A.1.2).
function readRsa(der) {
  const outer = new DerReader(der);
  const key = outer.sequence();
  outer.end();
  if (key.small() !== 0) throw new Refusal(text.multiPrime);
  return { n: key.integer(), e: key.integer() };
}

function readPkcs8(der) {
  const outer = new DerReader(der);
  const info = outer.sequence();
  outer.end();
  if (info.small() > 1) throw new DerError('version');
  const algorithm = info.sequence();
  if (algorithm.oid() !== RSA_OID) throw new Refusal(text.notRsa);
  algorithm.nil();
  algorithm.end();
  return readRsa(info.octets());
}

// {pkcs8, n, e}: the DER of the key, unlocked, to be wiped by the caller, and its public numbers.
export async function readPrivatePem(pem, passphrase) {
  const { label, der } = readBlock(pem);
  try {
    let pkcs8;
    if (label === 'PRIVATE KEY') pkcs8 = der;
    else if (label === 'ENCRYPTED PRIVATE KEY') pkcs8 = await unlock(der, passphrase);
    else if (label === 'RSA PRIVATE KEY') pkcs8 = sequence(small(0), sequence(oid(RSA_OID), nil()), octets(der));
    else throw new Refusal(OTHER_BLOCKS[label] ?? text.noPem);
    const { n, e } = readPkcs8(pkcs8);
    checkNumbers(n, e);
    return { pkcs8, n, e };
  } catch (error) {
    if (error instanceof DerError) throw new Refusal(text.damaged);
    throw error;
  }
}

// PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC.
export async function writeLockedPem(pkcs8, passphrase) {
  const salt = random(16);
  const iv = random(16);
  const key = await deriveKey(passphrase, { salt, iterations: ITERATIONS, hash: 'SHA-256', length: 256 }, 'encrypt');
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CBC', iv }, key, pkcs8));
  const kdf = sequence(oid(PBKDF2), sequence(octets(salt), small(ITERATIONS), sequence(oid('1.2.840.113549.2.9'), nil())));
  const cipher = sequence(oid('2.16.840.1.101.3.4.1.42'), octets(iv));
  return writeBlock('ENCRYPTED PRIVATE KEY',
    sequence(sequence(oid(PBES2), sequence(kdf, cipher)), octets(sealed)));
}
