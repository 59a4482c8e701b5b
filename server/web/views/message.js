// One message: who wrote it, as far as that can be told, and what is in it.
import { textOf } from '../lib/bytes.js';
import { fill, h } from '../lib/dom.js';
import { DoesNotFit } from '../lib/letters.js';
import { sizeText } from '../lib/media.js';
import { KeyChanged } from '../lib/partners.js';
import { badge, verbatim, wall } from '../lib/parts.js';
import { save } from '../lib/save.js';
import { strings } from '../strings.js';

const text = strings.message;
const SHOWN_MAX = 1 << 20;
// What could hide or turn around what is shown: controls, but for tabs and ends of lines.
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

export const { title } = text;

// Who wrote it: the words are those of `coffer read`.
function standing(letter, { verified, pin }) {
  const lines = [];
  if (letter.first) lines.push(badge('info', text.continues(letter.from)));
  if (verified) {
    lines.push(badge('good', text.signedBy(letter.from)), badge(pin.verified ? 'good' : 'warning', pin.verified ? text.keyVerified : text.keyKnown));
  } else if (letter.signature) lines.push(badge('error', text.doesNotFit));
  else if (!letter.first) lines.push(badge('warning', text.unsigned(letter.from)));
  if (letter.before === letter.id) lines.push(badge('info', text.readBefore));
  else if (letter.before) lines.push(badge('error', text.repeat(letter.before)));
  return h('ul', { class: 'badges', 'aria-label': text.standing }, lines.map((line) => h('li', null, line)));
}

function contents(plaintext, id) {
  const read = plaintext.length <= SHOWN_MAX ? textOf(plaintext) : null;
  const shows = read !== null && !CONTROLS.test(read);
  return [h('h2', null, text.contents), shows ? verbatim(read) : h('p', null, text.notText(sizeText(plaintext.length))),
    h('button', { type: 'button', onclick: () => save(plaintext, `message-${id}`) }, text.save)];
}

export async function render(root, app, { id }) {
  if (!app.post) {
    root.append(h('p', null, strings.start.noKey));
    return;
  }
  const { letters, mailbox } = app.post;
  const back = h('p', null, h('a', { href: '#/messages' }, text.back));

  const acknowledge = async () => {
    if (!await app.confirm({ title: text.ackTitle, text: text.ackText, yes: text.ack, danger: true })) return;
    try {
      await letters.acknowledge(id);
      mailbox.drop(id);
      app.navigate('/messages', text.acked, 'good');
    } catch (error) {
      app.fail(error);
    }
  };
  const actions = (letter) => h('div', { class: 'actions' },
    h('a', { class: 'button primary', href: `#/compose?to=${encodeURIComponent(letter.from)}` }, text.reply),
    h('a', { class: 'button', href: `#/messages/${encodeURIComponent(id)}/bytes` }, text.bytes),
    h('button', { type: 'button', class: 'danger', onclick: acknowledge }, text.ack));

  const show = async (letter, insist) => {
    try {
      const opened = await letters.read(letter, { insist });
      fill(root, back, h('p', { class: 'large' }, text.from(letter.from)), standing(letter, opened),
        contents(opened.plaintext, id), actions(letter));
    } catch (error) {
      if (error instanceof KeyChanged) {
        fill(root, back, wall(error, h('a', { class: 'button', href: `#/partners/${encodeURIComponent(letter.from)}` }, strings.wall.toPartner)));
      } else if (error instanceof DoesNotFit) {
        const open = h('button', { type: 'button', class: 'danger', onclick: () => show(letter, true) }, text.openAnyway);
        fill(root, back, h('section', { class: 'wall', role: 'alert' }, h('h2', null, text.doesNotFit), h('p', null, error.message),
          h('div', { class: 'actions' }, open)), actions(letter));
      } else if (error.forPeople) {
        fill(root, back, h('section', { class: 'wall', role: 'alert' }, h('h2', null, text.notOpened), h('p', null, error.message)),
          actions(letter));
      } else throw error;
    }
  };
  fill(root, back);
  await show(await letters.fetch(id), false);
}
