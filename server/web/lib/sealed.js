// Messages between partners, byte for byte as in docs/formats.md: sealed ones, those that continue a session, and the
// signature beside either.
import { base64, concat, fromBase64, fromHex, fromU64, hex, random, sha256, u64, utf8 } from './bytes.js';
import { eaxJoin, eaxKey, eaxOpen, eaxSeal, eaxSplit } from './eax.js';
import { sealingKey, verifyingKey } from './publickey.js';

export const SEALED_TYPE = 'application/vnd.coffer.message';
export const SESSION_TYPE = 'application/vnd.coffer.session';
const KEY_BYTES = 16;
const SALT_BYTES = 32;
const COUNTER_BYTES = 8;

// ---- sealed ---------------------------------------------------------------------------------------------------------

// {sealed, key}: the bytes, and the AES key (of eaxKey()) that a session may go on with.
export async function seal(spki, plaintext) {
  const raw = random(KEY_BYTES);
  const key = await eaxKey(raw);
  const wrap = await crypto.subtle.encrypt('RSA-OAEP', await sealingKey(spki), raw);
  raw.fill(0);
  return { sealed: concat(new Uint8Array(wrap), eaxJoin(await eaxSeal(key, plaintext))), key };
}

// {plaintext, key}, or null when it is not for this key, or not whole. size: of the key's modulus in bytes. Throws the
// reason when it is for this key, and the browser lacks what it takes.
export async function open(openingKey, size, sealed) {
  const parts = sealed.length >= size ? eaxSplit(sealed.subarray(size)) : null;
  if (!parts) return null;
  let raw;
  try {
    raw = new Uint8Array(await crypto.subtle.decrypt('RSA-OAEP', openingKey, sealed.subarray(0, size)));
  } catch {
    return null;
  }
  const key = await eaxKey(raw);
  raw.fill(0);
  const plaintext = await eaxOpen(key, parts);
  return plaintext && { plaintext, key };
}

// ---- sessions -------------------------------------------------------------------------------------------------------

function sessionHeader({ first, sender, recipient }, counter) {
  return concat(utf8('coffer-session-v1'), fromHex(first), fromHex(sender), fromHex(recipient), u64(counter));
}

// ends: {first, sender, recipient}, in hexadecimal. counter: a BigInt that has served for nothing yet.
export async function sealSession(key, ends, counter, plaintext) {
  return concat(u64(counter), eaxJoin(await eaxSeal(key, plaintext, sessionHeader(ends, counter))));
}

// {plaintext, counter}, or null.
export async function openSession(key, ends, bytes) {
  const parts = bytes.length >= COUNTER_BYTES ? eaxSplit(bytes.subarray(COUNTER_BYTES)) : null;
  if (!parts) return null;
  const counter = fromU64(bytes);
  const plaintext = await eaxOpen(key, parts, sessionHeader(ends, counter));
  return plaintext && { plaintext, counter };
}

// ---- signatures -----------------------------------------------------------------------------------------------------

async function statement(sender, recipient, bytes) {
  return utf8(`coffer-message-v1\n${sender}\n${recipient}\n${hex(await sha256(bytes))}\n`);
}

export async function signText(signingKey, bytes) {
  return base64(new Uint8Array(await crypto.subtle.sign({ name: 'RSA-PSS', saltLength: SALT_BYTES }, signingKey, bytes)));
}

// Base64. sender, recipient: fingerprints.
export async function sign(signingKey, sender, recipient, bytes) {
  return signText(signingKey, await statement(sender, recipient, bytes));
}

// Whether the owner of this key sent these bytes to the recipient.
export async function verify(spki, sender, recipient, bytes, signature) {
  const raw = fromBase64(signature);
  return raw !== null && crypto.subtle.verify({ name: 'RSA-PSS', saltLength: SALT_BYTES }, await verifyingKey(spki), raw,
    await statement(sender, recipient, bytes));
}

// ---- the parts, for showing them --------------------------------------------------------------------------------------

// [{name, bytes}] of a message; size: of the recipient's modulus. null: it has not that form.
export function partsOf(bytes, isSession, size) {
  const first = isSession ? COUNTER_BYTES : size;
  const rest = bytes.length >= first ? eaxSplit(bytes.subarray(first)) : null;
  if (!rest) return null;
  return [{ name: isSession ? 'counter' : 'wrap', bytes: bytes.subarray(0, first) },
    ...['nonce', 'tag', 'ciphertext'].map((name) => ({ name, bytes: rest[name] }))];
}
