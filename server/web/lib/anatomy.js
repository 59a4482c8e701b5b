// The bytes of a message, part by part: each under its name, with its place, in a colour of its own.
import { h } from './dom.js';
import { partsOf } from './sealed.js';
import { strings } from '../strings.js';

const SHOWN = 512;
const NARROW = 640; // pixels

function dump(bytes, offset) {
  const rows = [];
  const width = document.documentElement.clientWidth < NARROW ? 8 : 16;
  for (let at = 0; at < bytes.length; at += width) {
    const row = bytes.subarray(at, at + width);
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = Array.from(row, (byte) => (byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·')).join('');
    rows.push(`${(offset + at).toString(16).padStart(6, '0')}  ${hex.padEnd(3 * width - 1)}  ${text}`);
  }
  return rows.join('\n');
}

function part({ name, bytes }, offset, size, level) {
  const text = strings.anatomy;
  const shown = bytes.subarray(0, SHOWN);
  const label = text.parts[name](bytes.length, size);
  return h('section', { class: `part part-${name}` },
    h(level, null, label.title, ' ', h('span', { class: 'place' }, text.place(offset, bytes.length))),
    h('p', null, label.what),
    bytes.length > 0 && h('pre', { class: 'bytes', tabindex: '0', 'aria-label': text.bytesOf(label.title) }, dump(shown, offset)),
    shown.length < bytes.length && h('p', { class: 'hint' }, text.more(bytes.length - shown.length)));
}

// bytes: of the message. size: of the recipient's modulus in bytes. level: of the headings.
export function anatomy(bytes, isSession, size, level) {
  const parts = partsOf(bytes, isSession, size);
  if (!parts) return h('p', null, strings.anatomy.noForm);
  let offset = 0;
  const shown = parts.map((one) => {
    offset += one.bytes.length;
    return part(one, offset - one.bytes.length, size, level);
  });
  const total = bytes.length;
  return h('div', { class: 'anatomy' },
    h('p', null, isSession ? strings.anatomy.session(total) : strings.anatomy.sealed(total)), shown);
}
