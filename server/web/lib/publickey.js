// Public RSA keys: what is accepted, their one encoding, and their fingerprints (docs/formats.md).
import { base64, fromBase64url, hex, sha256 } from './bytes.js';
import { bits, integer, nil, oid, sequence } from './der.js';
import { Refusal } from './refusal.js';
import { strings } from '../strings.js';

export const RSA_OID = '1.2.840.113549.1.1.1';
const MIN_BITS = 2048;
const MAX_BITS = 8192;

function bitLength(bytes) {
  const skip = bytes.findIndex((byte) => byte !== 0);
  return skip < 0 ? 0 : (bytes.length - skip) * 8 - Math.clz32(bytes[skip]) + 24;
}

// Throws the reason why modulus and exponent (big-endian bytes) make no key that is accepted; answers the modulus' bits.
export function checkNumbers(n, e) {
  const size = bitLength(n);
  if (size < MIN_BITS) throw new Refusal(strings.keys.short(size));
  if (size > MAX_BITS) throw new Refusal(strings.keys.long(size));
  const exponent = bitLength(e) <= 32 ? e.reduce((value, byte) => value * 256 + byte, 0) : Infinity;
  if (exponent % 2 === 0 || exponent < 65537 || exponent === Infinity) throw new Refusal(strings.keys.exponent);
  return size;
}

// DER SubjectPublicKeyInfo, rsaEncryption with NULL parameters: the one encoding that fingerprints are of.
export function spkiOf(n, e) {
  return sequence(sequence(oid(RSA_OID), nil()), bits(sequence(integer(n), integer(e))));
}

export async function fingerprintOf(spki) {
  return hex(await sha256(spki));
}

// What a server hands out as application/jwk+json: {spki, bits, size, fingerprint}. size: of the modulus in bytes.
export async function fromJwk(jwk) {
  const n = jwk?.kty === 'RSA' && typeof jwk.n === 'string' ? fromBase64url(jwk.n) : null;
  const e = n && typeof jwk.e === 'string' ? fromBase64url(jwk.e) : null;
  if (!e) throw new Refusal(strings.keys.notRsa);
  return fromNumbers(n, e);
}

export async function fromNumbers(n, e) {
  const count = checkNumbers(n, e);
  const spki = spkiOf(n, e);
  return { spki, bits: count, size: Math.ceil(count / 8), fingerprint: await fingerprintOf(spki) };
}

// CryptoKeys for sealing to a key and for verifying by it.
export function sealingKey(spki) {
  return crypto.subtle.importKey('spki', spki, { name: 'RSA-OAEP', hash: 'SHA-1' }, false, ['encrypt']);
}

export function verifyingKey(spki) {
  return crypto.subtle.importKey('spki', spki, { name: 'RSA-PSS', hash: 'SHA-256' }, false, ['verify']);
}

export function pemOf(spki) {
  return `-----BEGIN PUBLIC KEY-----\n${base64(spki).match(/.{1,64}/g).join('\n')}\n-----END PUBLIC KEY-----\n`;
}

// As it is read aloud: each two bytes, big-endian, as five decimal digits; 16 groups.
export function digitsOf(fingerprint) {
  return fingerprint.match(/.{4}/g).map((word) => String(parseInt(word, 16)).padStart(5, '0'));
}

// What somebody typed or pasted, hexadecimal or digits, spaced as they like: a fingerprint, or null.
export function readFingerprint(text) {
  const dense = text.replace(/[\s:.-]/g, '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(dense)) return dense;
  if (!/^[0-9]{80}$/.test(dense)) return null;
  const words = dense.match(/.{5}/g).map(Number);
  return words.every((word) => word <= 0xffff) ? words.map((word) => word.toString(16).padStart(4, '0')).join('') : null;
}
