// Text in header fields is UTF-8 for coffer, while browsers take and give one character a byte.
import { textOf, utf8 } from './bytes.js';

export const toHeader = (text) => String.fromCharCode(...utf8(text));

// What is not UTF-8 stays as the browser gave it.
export function fromHeader(value) {
  return textOf(Uint8Array.from(value, (c) => c.charCodeAt(0))) ?? value;
}

const LABELS_MAX = 4096;

export function isLabels(text) {
  return !/[\u0000-\u001f\u007f]/.test(text) && utf8(text).length <= LABELS_MAX;
}
