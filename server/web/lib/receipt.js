// Receipts: what the server has signed of a write (docs/formats.md, Receipts), taken apart and verified in the browser.
import { concat, equal, fromBase64, fromHex, hex, sha256, utf8 } from './bytes.js';

const BARE = /^(?:"([^"\\]*)"|:([A-Za-z0-9+/]*={0,2}):|(\d{1,15}))$/;

const isId = (value) => typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
const isNumber = (value) => typeof value === 'number';
const isBytes = (size) => (value) => value instanceof Uint8Array && value.length === size;
const isPath = (value) => value instanceof Uint8Array && value.length % 32 === 0;

const MEMBERS = {
  store: isId, record: isId, version: isNumber, sha256: isBytes(32), sequence: isNumber, time: isNumber, key: isBytes(32),
  leaf: isNumber, leaves: isNumber, path: isPath, signature: isBytes(64),
};

function value(text) {
  const [, string, bytes, number] = BARE.exec(text) ?? [];
  if (string !== undefined) return string;
  if (bytes !== undefined) return fromBase64(bytes);
  return number === undefined ? null : Number(number);
}

// The members of a receipt, bytes as Uint8Array; null for what is none. Exactly those that are known, in their order.
export function parseReceipt(text) {
  const parts = text.trim().split(', ').map((part) => {
    const at = part.indexOf('=');
    return [part.slice(0, at), value(part.slice(at + 1))];
  });
  const members = Object.entries(MEMBERS);
  if (parts.length !== members.length) return null;
  return members.every(([name, fits], i) => parts[i][0] === name && fits(parts[i][1])) ? Object.fromEntries(parts) : null;
}

// ---- the signature ----

const uuidBytes = (text) => fromHex(text.replaceAll('-', ''));

function integer(number, size) {
  const bytes = new Uint8Array(size);
  for (let i = size - 1, rest = number; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  return bytes;
}

const prefixed = (text) => concat(integer(text.length, 2), utf8(text));
const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

// The root of the tree that the receipt is a leaf of; null when its path does not fit.
async function rootOf(receipt, claim) {
  let node = await sha256(concat(LEAF, claim));
  let at = 0;
  let { leaf, leaves } = receipt;

  if (leaf >= leaves) return null;
  for (; leaves > 1; leaf = Math.floor(leaf / 2), leaves = Math.ceil(leaves / 2)) {
    const sibling = leaf % 2 ? leaf - 1 : leaf + 1;
    if (sibling >= leaves) continue;
    if (at >= receipt.path.length) return null;
    const other = receipt.path.subarray(at, at + 32);
    at += 32;
    node = await sha256(leaf % 2 ? concat(NODE, other, node) : concat(NODE, node, other));
  }
  return at === receipt.path.length ? node : null;
}

// publicKeys: Uint8Arrays, the identity keys that the server publishes. 'good'; 'wrong'; or 'unable' when this browser
// has no Ed25519.
export async function verifyReceipt(receipt, publicKeys) {
  const claim = concat(prefixed('coffer-receipt-v1'), uuidBytes(receipt.store), uuidBytes(receipt.record),
    integer(receipt.version, 8), receipt.sha256, integer(0, 8), integer(receipt.sequence, 8), integer(receipt.time, 8));
  const root = await rootOf(receipt, claim);
  if (!root) return 'wrong';
  for (const publicKey of publicKeys) {
    if (!equal(await sha256(publicKey), receipt.key)) continue;
    const signed = concat(prefixed('coffer-receipt-root-v1'), uuidBytes(receipt.store), receipt.key,
      integer(receipt.leaves, 4), root);
    try {
      const key = await crypto.subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, ['verify']);
      return await crypto.subtle.verify('Ed25519', key, receipt.signature, signed) ? 'good' : 'wrong';
    } catch (error) {
      if (error.name === 'NotSupportedError') return 'unable';
      throw error;
    }
  }
  return 'wrong';
}
