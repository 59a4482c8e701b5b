// Which characters bytes stand for. A record is bytes of any age: what it says of itself counts first (a byte order
// mark, the charset of its media type, an XML declaration, MSH-18 of HL7 v2), then UTF-8 if it is that, and else
// Windows-1252, in which every byte is some character. What was chosen is always shown, and can be changed.
import { textOf } from './bytes.js';

export const ENCODINGS = [
  'utf-8', 'windows-1252', 'iso-8859-2', 'iso-8859-5', 'iso-8859-7', 'iso-8859-15', 'windows-1251', 'koi8-r',
  'utf-16le', 'utf-16be', 'shift_jis', 'euc-jp', 'gb18030', 'big5', 'euc-kr',
];

const MARKS = [
  { bytes: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
];

// HL7 table 0211, as far as a browser knows the encodings. ASCII is read as UTF-8, which contains it.
const HL7_SETS = {
  ASCII: 'utf-8', '8859/1': 'windows-1252', '8859/2': 'iso-8859-2', '8859/5': 'iso-8859-5', '8859/7': 'iso-8859-7',
  '8859/15': 'iso-8859-15', 'UNICODE UTF-8': 'utf-8', 'UNICODE': 'utf-8', 'GB 18030-2000': 'gb18030',
  'BIG-5': 'big5', 'KS X 1001': 'euc-kr', 'ISO IR87': 'shift_jis',
};

// The browser's name of an encoding, or null when it knows none.
export function encodingName(label) {
  try {
    return new TextDecoder(label.trim()).encoding;
  } catch {
    return null;
  }
}

const ascii = (bytes, size) => String.fromCharCode(...bytes.subarray(0, size));

function byMark(bytes) {
  const mark = MARKS.find((m) => m.bytes.every((b, i) => bytes[i] === b));
  return mark ? mark.encoding : null;
}

function byCharset(mediaType) {
  const found = /;\s*charset="?([^";\s]+)/i.exec(mediaType ?? '');
  return found ? encodingName(found[1]) : null;
}

function byXml(bytes) {
  const found = /^<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']/.exec(ascii(bytes, 200));
  const name = found ? encodingName(found[1]) : null;
  // A declaration that could be read as ASCII is not of UTF-16, whatever it says.
  return name && !name.startsWith('utf-16') ? name : null;
}

// MSH-18: the separator is the fourth character of the segment, and is itself counted as MSH-1.
function byHl7(bytes) {
  const head = ascii(bytes, 600);
  if (!head.startsWith('MSH')) return null;
  const segment = head.split(/[\r\n]/, 1)[0];
  const set = (segment.split(segment[3])[17] ?? '').split(/[~^]/, 1)[0];
  return HL7_SETS[set.trim()] ?? null;
}

export const isUtf8 = (bytes) => textOf(bytes) !== null;

// {encoding, from}: from is 'mark', 'charset', 'declared', 'valid' (it is UTF-8) or 'guess'. A charset that the bytes
// contradict, UTF-8 that is none, does not count.
export function detectEncoding(bytes, mediaType) {
  const utf8 = isUtf8(bytes);
  const said = [
    { encoding: byMark(bytes), from: 'mark' },
    { encoding: byCharset(mediaType), from: 'charset' },
    { encoding: byXml(bytes) ?? byHl7(bytes), from: 'declared' },
  ].find(({ encoding }) => encoding && (encoding !== 'utf-8' || utf8));

  return said ?? (utf8 ? { encoding: 'utf-8', from: 'valid' } : { encoding: 'windows-1252', from: 'guess' });
}

// A byte order mark is not part of the text.
export const decodeText = (bytes, encoding) => new TextDecoder(encoding).decode(bytes);

// Whether these are more likely bytes than characters: controls that no text has.
export function looksBinary(bytes) {
  const head = bytes.subarray(0, 4096);
  if (byMark(head)) return false;
  // FF, VT and ESC occur in old texts, and VT and FS frame HL7 messages.
  const odd = head.reduce((sum, b) => sum + (b < 32 && ![9, 10, 11, 12, 13, 27, 28].includes(b)), 0);
  return odd > 0;
}
