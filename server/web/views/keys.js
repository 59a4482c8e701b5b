// The keys that this browser holds, with their fingerprints for partners to compare.
import { fill, h } from '../lib/dom.js';
import { fingerprintBlock } from '../lib/parts.js';
import { pemOf } from '../lib/publickey.js';
import { save } from '../lib/save.js';
import { time } from '../lib/time.js';
import * as vault from '../lib/vault.js';
import { strings } from '../strings.js';

const text = strings.keysView;

export const { title } = text;

function card(app, identity, redraw) {
  const keep = () => save(pemOf(identity.spki), `coffer-${identity.name}.pub.pem`, 'application/x-pem-file');
  const forget = async () => {
    const sure = await app.confirm({ title: text.forgetTitle(identity.name), yes: text.forget, danger: true,
      text: identity.copied ? text.forgetCopied(identity.name) : text.forgetOnly(identity.name) });
    if (!sure) return;
    try {
      if (app.session.account === identity.name) await app.session.end();
      await vault.remove('identities', identity.name);
      app.notify(text.forgotten(identity.name), 'good');
    } catch (error) {
      app.fail(error);
    }
    await redraw();
  };
  return h('section', { class: 'card' }, h('h2', null, identity.name),
    h('ul', null, h('li', null, text.size(identity.bits)),
      h('li', null, text.made[identity.made], ' ', time(identity.created)),
      h('li', null, identity.joined ? text.joined : text.notJoined),
      h('li', null, identity.copied ? text.copied : text.noCopy)),
    fingerprintBlock(identity.fingerprint),
    h('div', { class: 'actions' }, h('button', { type: 'button', onclick: keep }, text.savePublic),
      h('button', { type: 'button', class: 'danger', onclick: forget }, text.forgetHere)));
}

export async function render(root, app) {
  const redraw = async () => {
    const identities = await vault.all('identities');
    fill(root, h('p', null, text.where),
      identities.length === 0 && h('p', null, text.none, ' ', h('a', { href: '#/join' }, text.join)),
      identities.map((identity) => card(app, identity, redraw)));
  };
  await redraw();
}
