// One partner: the fingerprint, to be compared over another channel, and the wall when it has changed.
import { fill, form, h, labelled } from '../lib/dom.js';
import { badge, fingerprintBlock, wall } from '../lib/parts.js';
import { readFingerprint } from '../lib/publickey.js';
import { Refusal } from '../lib/refusal.js';
import { time } from '../lib/time.js';
import { strings } from '../strings.js';
import { KINDS } from './partners.js';

const text = strings.partner;

export const title = ({ name }) => name;

// Comparing by typing or pasting what the partner says: the page compares, not the eye.
function compareForm(app, name, now, redraw) {
  const { field, input } = labelled(text.compare, 'textarea', { rows: '3', required: true, autocomplete: 'off', spellcheck: 'false', class: 'mono' },
    { hint: text.compareHint(name) });
  return form({ class: 'card' }, async () => {
    const given = readFingerprint(input.value);
    if (!given) throw new Refusal(text.noFingerprint);
    if (given !== now) throw new Refusal(text.different(name));
    await app.post.partners.accept(name, given);
    await redraw();
    app.notify(text.verified(name), 'good');
  }, (error) => app.fail(error),
  h('h2', null, text.compareTitle), h('p', null, text.compareText(name)), field,
  h('button', { type: 'submit', class: 'primary' }, text.accept));
}

// Comparing by eye; not offered behind a wall.
function sameButton(app, name, now, redraw) {
  return h('button', { type: 'button', onclick: async () => {
    const sure = await app.confirm({ title: text.sameTitle(name), yes: text.sameYes,
      content: [h('p', null, text.sameText(name)), fingerprintBlock(now)] });
    if (!sure) return;
    try {
      await app.post.partners.accept(name, now);
      await redraw();
      app.notify(text.verified(name), 'good');
    } catch (error) {
      app.fail(error);
    }
  } }, text.same);
}

export async function render(root, app, { name }) {
  if (!app.post) {
    root.append(h('p', null, strings.start.noKey));
    return;
  }
  const { partners } = app.post;
  const redraw = async () => {
    const key = await partners.ask(name);
    const pin = await partners.pin(name);
    const standing = partners.standing(name, key.fingerprint, pin);
    const compare = compareForm(app, name, key.fingerprint, redraw);
    if (standing === 'changed') {
      const error = partners.changed(name, pin, key.fingerprint);
      fill(root, wall(error, null), !error.own && compare);
      return;
    }
    fill(root, h('ul', { class: 'badges' }, h('li', null, badge(KINDS[standing], strings.partners.standing[standing]))),
      pin && h('p', { class: 'muted' }, pin.verified ? text.verifiedSince : text.since, ' ', time(pin.since)),
      h('section', { class: 'card' }, h('h2', null, text.fingerprint), fingerprintBlock(key.fingerprint),
        h('p', { class: 'muted' }, strings.partners.bits(key.bits))),
      standing !== 'oneself' && [
        h('div', { class: 'actions' },
          h('a', { class: 'button primary', href: `#/compose?to=${encodeURIComponent(name)}` }, text.write),
          standing !== 'verified' && sameButton(app, name, key.fingerprint, redraw)),
        standing !== 'verified' && compare]);
  };
  await redraw();
}
