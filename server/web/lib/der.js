// As much of DER (X.690) as RSA keys need. Reading is strict, and throws DerError.
import { concat } from './bytes.js';

export class DerError extends Error {}

export const TAGS = { integer: 0x02, octets: 0x04, bits: 0x03, nil: 0x05, oid: 0x06, sequence: 0x30 };

// ---- reading --------------------------------------------------------------------------------------------------------

export class DerReader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get done() { return this.at === this.bytes.length; }

  end() {
    if (!this.done) throw new DerError('trailing bytes');
  }

  peek() { return this.done ? -1 : this.bytes[this.at]; }

  byte() {
    if (this.done) throw new DerError('cut short');
    this.at += 1;
    return this.bytes[this.at - 1];
  }

  size() {
    const first = this.byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 3) throw new DerError('a length');
    let size = 0;
    for (let i = 0; i < count; i += 1) size = size * 256 + this.byte();
    if (size < 0x80 || size < 256 ** (count - 1)) throw new DerError('a length that is not the shortest');
    return size;
  }

  // The content of an element of this tag.
  content(tag) {
    if (this.byte() !== tag) throw new DerError('another element');
    const size = this.size();
    if (this.bytes.length - this.at < size) throw new DerError('cut short');
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }

  sequence() { return new DerReader(this.content(TAGS.sequence)); }

  octets() { return this.content(TAGS.octets); }

  // A positive integer: its bytes, big-endian, without a leading zero; zero is no byte.
  integer() {
    const bytes = this.content(TAGS.integer);
    if (bytes.length === 0 || bytes[0] >= 0x80) throw new DerError('an integer');
    if (bytes[0] !== 0) return bytes;
    if (bytes.length > 1 && bytes[1] < 0x80) throw new DerError('an integer that is not the shortest');
    return bytes.subarray(1);
  }

  // One of at most 2^31 - 1.
  small() {
    const bytes = this.integer();
    if (bytes.length > 4 || (bytes.length === 4 && bytes[0] >= 0x80)) throw new DerError('a large integer');
    return bytes.reduce((value, byte) => value * 256 + byte, 0);
  }

  // Dotted decimal.
  oid() {
    const bytes = this.content(TAGS.oid);
    const numbers = [];
    let value = 0;
    for (const byte of bytes) {
      if (value > 0xffffff) throw new DerError('an object identifier');
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) {
        numbers.push(value);
        value = 0;
      }
    }
    if (numbers.length === 0 || bytes[bytes.length - 1] >= 0x80) throw new DerError('an object identifier');
    const first = Math.min(2, Math.floor(numbers[0] / 40));
    return [first, numbers[0] - 40 * first, ...numbers.slice(1)].join('.');
  }

  nil() {
    if (this.content(TAGS.nil).length !== 0) throw new DerError('a NULL');
  }
}

// ---- writing --------------------------------------------------------------------------------------------------------

function sizeBytes(size) {
  if (size < 0x80) return Uint8Array.of(size);
  const bytes = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

export function element(tag, ...parts) {
  const content = concat(...parts);
  return concat(Uint8Array.of(tag), sizeBytes(content.length), content);
}

export const sequence = (...parts) => element(TAGS.sequence, ...parts);
export const octets = (bytes) => element(TAGS.octets, bytes);
export const nil = () => element(TAGS.nil);
export const bits = (bytes) => element(TAGS.bits, Uint8Array.of(0), bytes);

// bytes: big-endian, positive.
export function integer(bytes) {
  let skip = 0;
  while (skip < bytes.length - 1 && bytes[skip] === 0) skip += 1;
  const value = bytes.subarray(skip);
  return element(TAGS.integer, value.length === 0 || value[0] >= 0x80 ? Uint8Array.of(0) : new Uint8Array(), value);
}

export function small(number) {
  return integer(Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number));
}

export function oid(text) {
  const [first, second, ...rest] = text.split('.').map(Number);
  const bytes = [];
  for (const number of [40 * first + second, ...rest]) {
    const group = [number % 128];
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128)) group.unshift(0x80 | (left % 128));
    bytes.push(...group);
  }
  return element(TAGS.oid, Uint8Array.from(bytes));
}

