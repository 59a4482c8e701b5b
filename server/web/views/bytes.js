// For learners: the bytes of a message as the server has them, part by part.
import { anatomy } from '../lib/anatomy.js';
import { h } from '../lib/dom.js';
import { strings } from '../strings.js';

export const { title } = strings.anatomy;

export async function render(root, app, { id }) {
  if (!app.post) {
    root.append(h('p', null, strings.start.noKey));
    return;
  }
  const letter = await app.post.letters.fetch(id);
  root.append(h('p', null, h('a', { href: `#/messages/${encodeURIComponent(id)}` }, strings.anatomy.back)),
    anatomy(letter.bytes, Boolean(letter.first), app.post.identity.size, 'h2'));
}
