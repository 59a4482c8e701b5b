// Receipts: what the server has signed of a write (docs/formats.md, Receipts), taken apart and verified in the browser.

const BARE = /^(?:"([^"\\]*)"|:([A-Za-z0-9+/]*={0,2}):|(\d{1,15}))$/;
const MEMBERS = ['store', 'record', 'version', 'sha256', 'sequence', 'time', 'key', 'leaf', 'leaves', 'path', 'signature'];

export const hex = (bytes) => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');

export function fromHex(text) {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new TypeError('not hexadecimal');
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

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
  if (parts.length !== MEMBERS.length) return null;
  if (!parts.every(([name, said], i) => name === MEMBERS[i] && said !== null)) return null;
  return Object.fromEntries(parts);
}

// ---- the signature ----

const utf8 = (text) => new TextEncoder().encode(text);
const uuidBytes = (text) => fromHex(text.replaceAll('-', ''));

function join(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function integer(number, size) {
  const bytes = new Uint8Array(size);
  for (let i = size - 1, rest = number; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  return bytes;
}

const prefixed = (text) => join(integer(text.length, 2), utf8(text));
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest('SHA-256', join(...parts)));
const same = (a, b) => hex(a) === hex(b);

// The root of the tree that the receipt is a leaf of; null when its path does not fit.
async function rootOf(receipt, claim) {
  let node = await sha256(new Uint8Array([0]), claim);
  let at = 0;
  let { leaf, leaves } = receipt;

  if (leaf >= leaves || receipt.path.length % 32 !== 0) return null;
  for (; leaves > 1; leaf = Math.floor(leaf / 2), leaves = Math.ceil(leaves / 2)) {
    const sibling = leaf % 2 ? leaf - 1 : leaf + 1;
    if (sibling >= leaves) continue;
    if (at >= receipt.path.length) return null;
    const other = receipt.path.subarray(at, at + 32);
    at += 32;
    node = leaf % 2 ? await sha256(new Uint8Array([1]), other, node) : await sha256(new Uint8Array([1]), node, other);
  }
  return at === receipt.path.length ? node : null;
}

// publicKeys: Uint8Arrays, the identity keys that the server publishes. 'good'; 'wrong'; or 'unable' when this browser
// has no Ed25519.
export async function verifyReceipt(receipt, publicKeys) {
  const claim = join(prefixed('coffer-receipt-v1'), uuidBytes(receipt.store), uuidBytes(receipt.record),
    integer(receipt.version, 8), receipt.sha256, integer(0, 8), integer(receipt.sequence, 8), integer(receipt.time, 8));
  const root = await rootOf(receipt, claim);
  if (!root) return 'wrong';
  for (const publicKey of publicKeys) {
    if (!same(await sha256(publicKey), receipt.key)) continue;
    const signed = join(prefixed('coffer-receipt-root-v1'), uuidBytes(receipt.store), receipt.key,
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
