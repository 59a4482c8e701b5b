// Text, JSON and HL7 v2, always with the encoding by which bytes became characters.
import { decodeText, detectEncoding, ENCODINGS, isUtf8 } from './encoding.js';
import { hl7Fields, hl7Segments, hl7Separators } from './hl7.js';
import { JsonError, parseJson } from './json_exact.js';
import { JsonTree } from './json_tree.js';
import { freshId, h } from './dom.js';

const CHUNK = 256 * 1024;

// A <pre> that grows by pieces: a browser lays out megabytes of text slowly.
function growing(text, strings) {
  const pre = h('pre', { class: 'source', tabindex: '0', role: 'region', 'aria-label': strings.viewer.text });
  const more = h('button', { type: 'button', onclick: () => grow() });
  let shown = 0;

  function grow() {
    pre.append(text.slice(shown, shown + CHUNK));
    shown = Math.min(text.length, shown + CHUNK);
    more.hidden = shown >= text.length;
    more.textContent = strings.viewer.more(shown.toLocaleString('en'), text.length.toLocaleString('en'));
  }
  grow();
  return [pre, more];
}

// "utf-8" is UTF-8, "windows-1252" Windows-1252, "shift_jis" Shift_JIS.
const NAMES = { shift_jis: 'Shift_JIS', big5: 'Big5' };
const display = (name) => NAMES[name] ?? (name.startsWith('windows') ? `W${name.slice(1)}` : name.toUpperCase());

// A choice of encodings above what draw(text) makes of the bytes.
function encoded({ bytes, type, strings }, draw) {
  const found = detectEncoding(bytes, type);
  const id = freshId('encoding');
  const body = h('div');
  const show = (encoding) => body.replaceChildren(...draw(decodeText(bytes, encoding)));
  const names = ENCODINGS.includes(found.encoding) ? ENCODINGS : [found.encoding, ...ENCODINGS];
  const choice = h('select', { id, value: found.encoding, onchange: () => show(choice.value) }, names.map((name) => h('option',
    { value: name }, strings.viewer.encodingLabel(display(name),
      strings.viewer.encodings[name === found.encoding ? found.from : 'chosen']))));

  show(found.encoding);
  return [h('div', { class: 'encoding' }, h('label', { for: id }, strings.viewer.encoding), choice), body];
}

export const textView = (context) => encoded(context, (text) => growing(text, context.strings));

// ---- JSON ----

// Buttons of which one is pressed: [{label, nodes()}].
function toggle(label, choices) {
  const body = h('div');
  const buttons = choices.map((choice) => h('button', { type: 'button', onclick: () => press(choice) }, choice.label));

  function press(choice) {
    choices.forEach((other, i) => buttons[i].setAttribute('aria-pressed', String(other === choice)));
    body.replaceChildren(...choice.nodes());
  }
  press(choices[0]);
  return [h('div', { class: 'toggle', role: 'group', 'aria-label': label }, buttons), body];
}

export function jsonView(context) {
  const { bytes, strings } = context;
  const asText = (reason) => [h('p', { class: 'note warn' }, reason), ...textView(context)];

  if (!isUtf8(bytes)) return asText(strings.viewer.notUtf8);
  const text = decodeText(bytes, 'utf-8');
  try {
    const root = parseJson(text);
    const tree = new JsonTree(text, root, strings.tree, strings.tree.label).element;
    return toggle(strings.viewer.show, [
      { label: strings.viewer.tree, nodes: () => [tree] },
      { label: strings.viewer.text, nodes: () => textView(context) },
    ]);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return asText(strings.viewer.notJson(strings.json[error.reason], error.line, error.column));
  }
}

// ---- HL7 v2 ----

function segmentView(segment, separators, strings) {
  const fields = hl7Fields(segment, separators);
  const line = h('code', null, segment.text);
  if (segment.name === '' || fields.length === 0) return h('div', { class: 'segment' }, line);
  const details = h('details', {
    class: 'segment',
    ontoggle: () => {
      if (details.children.length > 1) return;
      details.append(h('dl', { class: 'facts' }, fields.map(({ number, text }) => [
        h('dt', null, strings.viewer.field(segment.name, number)), h('dd', { class: 'mono' }, text)])));
    },
  }, h('summary', null, line));
  return details;
}

export function hl7View(context) {
  const { strings } = context;
  const segments = (text) => {
    const separators = hl7Separators(text);
    return hl7Segments(text).map((segment) => h('li', null, segmentView(segment, separators, strings)));
  };
  return encoded(context, (text) => [h('ol', { class: 'segments', 'aria-label': strings.viewer.segments }, segments(text))]);
}
