// Text in header fields is UTF-8 for coffer, while browsers take and give one character a byte.

export const toHeader = (text) => String.fromCharCode(...new TextEncoder().encode(text));

// What is not UTF-8 stays as the browser gave it.
export function fromHeader(value) {
  const bytes = Uint8Array.from(value, (c) => c.charCodeAt(0));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return value;
  }
}

const LABELS_MAX = 4096;

export function isLabels(text) {
  return !/[\u0000-\u001f\u007f]/.test(text) && new TextEncoder().encode(text).length <= LABELS_MAX;
}
