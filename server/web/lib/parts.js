// Pieces that several views are made of.
import { h } from './dom.js';
import { digitsOf } from './publickey.js';
import { strings } from '../strings.js';

// A fingerprint in full: groups of digits for reading aloud, and hexadecimal.
export function fingerprintBlock(fingerprint) {
  return h('div', { class: 'fingerprint' },
    h('p', { class: 'hint' }, strings.keys.aloud),
    h('ol', { class: 'digits', 'aria-label': strings.keys.aloudLabel }, digitsOf(fingerprint).map((group) => h('li', null, group))),
    h('p', { class: 'hint' }, strings.keys.inHex),
    h('p', { class: 'mono hex' }, fingerprint.match(/.{8}/g).join(' ')));
}

// Its beginning, for lists, where it tells keys apart and proves nothing.
export function fingerprintShort(fingerprint) {
  return h('span', { class: 'mono' }, `${fingerprint.slice(0, 4)} ${fingerprint.slice(4, 8)}…`);
}

// A word about the state of something; its kind gives the colour: good, info, warning, error.
export function badge(kind, text) {
  return h('span', { class: `badge ${kind}` }, text);
}

// What stands in place of everything else when a partner's key is another one than before: it is not passed by.
export function wall(error, actions) {
  const text = error.own ? strings.wall.own : strings.wall;
  return h('section', { class: 'wall', role: 'alert' }, h('h2', null, text.title(error.partner)),
    h('p', null, text.what(error.partner)),
    h('h3', null, text.known), fingerprintBlock(error.known),
    h('h3', null, text.now), fingerprintBlock(error.now),
    h('p', null, text.advice(error.partner)), h('div', { class: 'actions' }, actions));
}

// Text as it came, whatever is in it.
export function verbatim(text) {
  return h('pre', { class: 'verbatim', dir: 'auto', tabindex: '0' }, text);
}
