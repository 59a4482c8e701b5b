// Receipts, against a signer that is written here from docs/formats.md: batches of every size, every leaf, every member.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { test } from 'node:test';
import { load } from './modules.js';

const { parseReceipt, verifyReceipt } = await load('lib/receipt.js');

const sha256 = (...parts) => crypto.createHash('sha256').update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();
const u16 = (n) => [n >> 8, n & 255];
const u32 = (n) => { const bytes = Buffer.alloc(4); bytes.writeUInt32BE(n); return bytes; };
const u64 = (n) => { const bytes = Buffer.alloc(8); bytes.writeBigUInt64BE(BigInt(n)); return bytes; };
const lp = (text) => Buffer.from([...u16(text.length), ...Buffer.from(text)]);
const id = (uuid) => Buffer.from(uuid.replaceAll('-', ''), 'hex');

const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519');
const identity = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
const STORE = crypto.randomUUID();

const claimOf = (write) => Buffer.concat([lp('coffer-receipt-v1'), id(STORE), id(write.record), u64(write.version), write.sha256,
  u64(0), u64(write.sequence), u64(write.time)]);

// The levels of the tree, from the leaves to the root.
function treeOf(leaves) {
  const levels = [leaves];
  while (levels.at(-1).length > 1) {
    const below = levels.at(-1);
    const level = [];
    for (let i = 0; i < below.length; i += 2) level.push(i + 1 < below.length ? sha256([1], below[i], below[i + 1]) : below[i]);
    levels.push(level);
  }
  return levels;
}

function pathOf(levels, leaf) {
  const path = [];
  for (let i = leaf, level = 0; level < levels.length - 1; i >>= 1, level++) if (levels[level][i ^ 1]) path.push(levels[level][i ^ 1]);
  return Buffer.concat(path);
}

// Receipts of writes that were committed together, as the header has them.
function receiptsOf(count) {
  const writes = Array.from({ length: count }, (_, i) => ({
    record: crypto.randomUUID(), version: i + 1, sha256: crypto.randomBytes(32), sequence: 1000 + i, time: 1764000000000 + i,
  }));
  const levels = treeOf(writes.map((write) => sha256([0], claimOf(write))));
  const key = sha256(identity);
  const signature = crypto.sign(null, Buffer.concat([lp('coffer-receipt-root-v1'), id(STORE), key, u32(count), levels.at(-1)[0]]), privateKey);
  const base64 = (bytes) => `:${bytes.toString('base64')}:`;
  return writes.map((write, leaf) => `store="${STORE}", record="${write.record}", version=${write.version}, sha256=${base64(write.sha256)}, `
    + `sequence=${write.sequence}, time=${write.time}, key=${base64(key)}, leaf=${leaf}, leaves=${count}, path=${base64(pathOf(levels, leaf))}, `
    + `signature=${base64(signature)}`);
}

test('every receipt of a batch of any size is good', async () => {
  for (let count = 1; count <= 17; count++) {
    for (const text of receiptsOf(count)) assert.equal(await verifyReceipt(parseReceipt(text), [identity]), 'good', text);
  }
});

test('with any member altered it is wrong, and by another key too', async () => {
  const [, text] = receiptsOf(5);
  const receipt = parseReceipt(text);
  const [other] = receiptsOf(1);
  // Of another write: of the members that both have, each by itself.
  for (const [name, value] of Object.entries(parseReceipt(other))) {
    if (name === 'store' || name === 'key') continue;
    assert.equal(await verifyReceipt({ ...receipt, [name]: value }, [identity]), 'wrong', name);
  }
  for (const name of ['sha256', 'signature', 'path', 'key']) {
    const bytes = receipt[name].slice();
    bytes[7] ^= 1;
    assert.equal(await verifyReceipt({ ...receipt, [name]: bytes }, [identity]), 'wrong', name);
  }
  assert.equal(await verifyReceipt({ ...receipt, store: crypto.randomUUID() }, [identity]), 'wrong');
  assert.equal(await verifyReceipt({ ...receipt, path: new Uint8Array([...receipt.path, ...receipt.path]) }, [identity]), 'wrong');
  assert.equal(await verifyReceipt(receipt, [new Uint8Array(32)]), 'wrong');
  assert.equal(await verifyReceipt(receipt, []), 'wrong');
});

test('what is no receipt is none', () => {
  const [text] = receiptsOf(2);
  assert.notEqual(parseReceipt(text), null);
  const wrong = ['', 'store', text.replace('version', 'vision'), text.replace(', leaf', ',leaf'), `${text}, more=1`, text.replace(/version=\d+/, 'version="1"'),
    text.replace(/sha256=:..../, 'sha256=:'), text.replace(/store="[^"]*"/, 'store="../.."'), text.split(', ').reverse().join(', '),
    text.replace(/sequence=\d+/, 'sequence=99999999999999999999'), text.replace(/path=:[^:]*:/, 'path=:AAAA:')];
  for (const one of wrong) assert.equal(parseReceipt(one), null, one);
});
