// AES-EAX (Bellare, Rogaway, Wagner: The EAX Mode of Operation, 2003), a tag of 16 bytes, on WebCrypto, which has no EAX and
// no CMAC: OMAC is read off AES-CBC, and the encryption is AES-CTR under an OMAC as its counter block.
import { concat, equal, random } from './bytes.js';
import { Refusal } from './refusal.js';
import { strings } from '../strings.js';

const BLOCK = 16;
const ZEROS = new Uint8Array(BLOCK);
const NONCE = 0;
const HEADER = 1;
const CIPHERTEXT = 2;

// An AES key of 16, 24 or 32 bytes as {ctr, cbc}: CryptoKeys that cannot be read out, which may be stored. A browser
// that has no AES-192 is the reason for a refusal.
export async function eaxKey(raw) {
  if (![16, 24, 32].includes(raw.length)) throw new Refusal(strings.crypto.notAnAesKey);
  try {
    const [ctr, cbc] = await Promise.all(['AES-CTR', 'AES-CBC'].map(
      (name) => crypto.subtle.importKey('raw', raw, name, false, ['encrypt'])));
    return { ctr, cbc };
  } catch (error) {
    if (raw.length === 24) throw new Refusal(strings.crypto.noAes192);
    throw error;
  }
}

// CBC from a zero block; WebCrypto adds a block of padding, which is cut off.
async function cbc(key, blocks) {
  const bytes = await crypto.subtle.encrypt({ name: 'AES-CBC', iv: ZEROS }, key.cbc, blocks);
  return new Uint8Array(bytes, 0, blocks.length);
}

function double(block) {
  const result = new Uint8Array(BLOCK);
  for (let i = 0; i < BLOCK; i += 1) result[i] = (block[i] << 1) | ((block[i + 1] ?? 0) >> 7);
  result[BLOCK - 1] ^= (block[0] >> 7) * 0x87;
  return result;
}

// The two blocks that finish a CMAC (NIST SP 800-38B §6.1).
async function subkeys(key) {
  const whole = double(await cbc(key, ZEROS));
  return { whole, padded: double(whole) };
}

// CMAC of the block that says `which`, followed by the bytes.
async function omac(key, finish, which, bytes) {
  const size = Math.max(1, Math.ceil(bytes.length / BLOCK)) * BLOCK;
  const blocks = new Uint8Array(bytes.length === 0 ? BLOCK : BLOCK + size);
  blocks[BLOCK - 1] = which;
  blocks.set(bytes, BLOCK);
  const full = bytes.length % BLOCK === 0;
  if (!full) blocks[BLOCK + bytes.length] = 0x80;
  const last = blocks.subarray(blocks.length - BLOCK);
  const mask = full ? finish.whole : finish.padded;
  for (let i = 0; i < BLOCK; i += 1) last[i] ^= mask[i];
  return (await cbc(key, blocks)).slice(-BLOCK);
}

async function counter(key, block, bytes) {
  return new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-CTR', counter: block, length: 128 }, key.ctr, bytes));
}

async function macs(key, nonce, header) {
  const finish = await subkeys(key);
  const [ofNonce, ofHeader] = await Promise.all([omac(key, finish, NONCE, nonce), omac(key, finish, HEADER, header)]);
  const tagOf = async (ciphertext) => {
    const ofCiphertext = await omac(key, finish, CIPHERTEXT, ciphertext);
    return ofCiphertext.map((byte, i) => byte ^ ofNonce[i] ^ ofHeader[i]);
  };
  return { ofNonce, tagOf };
}

// {nonce, tag, ciphertext}; key: of eaxKey(). nonce: 16 random bytes unless it is given, which only tests do.
export async function eaxSeal(key, plaintext, header = new Uint8Array(), nonce = random(BLOCK)) {
  const { ofNonce, tagOf } = await macs(key, nonce, header);
  const ciphertext = await counter(key, ofNonce, plaintext);
  return { nonce, tag: await tagOf(ciphertext), ciphertext };
}

// The plaintext, or null when the tag does not fit.
export async function eaxOpen(key, { nonce, tag, ciphertext }, header = new Uint8Array()) {
  const { ofNonce, tagOf } = await macs(key, nonce, header);
  if (!equal(tag, await tagOf(ciphertext))) return null;
  return counter(key, ofNonce, ciphertext);
}

// nonce ‖ tag ‖ ciphertext, and back: null for what is too short.
export function eaxJoin({ nonce, tag, ciphertext }) {
  return concat(nonce, tag, ciphertext);
}

export function eaxSplit(bytes) {
  if (bytes.length < 2 * BLOCK) return null;
  return { nonce: bytes.subarray(0, BLOCK), tag: bytes.subarray(BLOCK, 2 * BLOCK), ciphertext: bytes.subarray(2 * BLOCK) };
}
