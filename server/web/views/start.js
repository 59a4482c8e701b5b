// Who you are here, and the ways to log in.
import { form, h, labelled } from '../lib/dom.js';
import { fingerprintShort } from '../lib/parts.js';
import { timeText } from '../lib/time.js';
import * as vault from '../lib/vault.js';
import { strings } from '../strings.js';

const text = strings.start;

export const { title } = text;

function keyCard(app, identity) {
  if (!identity.joined) {
    return h('section', { class: 'card' }, h('h2', null, text.unfinished(identity.name)), h('p', null, text.unfinishedText),
      h('p', null, h('a', { class: 'button primary', href: `#/join?name=${encodeURIComponent(identity.name)}` }, text.finish)));
  }
  return form({ class: 'card' }, async () => {
    await app.enter(identity);
    app.navigate('/messages');
  }, (error) => app.fail(error),
  h('h2', null, identity.name), h('p', null, text.keyHere, ' ', fingerprintShort(identity.fingerprint)),
  h('button', { type: 'submit', class: 'primary' }, text.logInAs(identity.name)));
}

function joinCard(any) {
  return h('section', { class: 'card' }, h('h2', null, text.joinTitle), h('p', null, text.joinText),
    h('p', null, h('a', { class: any ? 'button' : 'button primary', href: '#/join' }, text.join)));
}

function tokenForm(app) {
  const { field, input } = labelled(text.token, 'input',
    { type: 'password', required: true, autocomplete: 'off', spellcheck: 'false' }, { hint: text.tokenHint });
  return form({ class: 'card' }, async () => {
    await app.session.begin(input.value.trim());
    app.navigate('/');
  }, (error) => app.fail(error),
  h('h2', null, text.tokenTitle), field, h('button', { type: 'submit' }, text.logIn));
}

function greeting(app) {
  const { session } = app;
  const scopes = [...session.scopes].filter((scope) => text.scope[scope]);
  return [
    h('section', { class: 'card' }, h('p', { class: 'large' }, text.hello(session.account)), h('h2', null, text.scopes),
      scopes.length ? h('ul', null, scopes.map((scope) => h('li', null, text.scope[scope]))) : h('p', null, text.noScopes),
      session.expires && h('p', { class: 'muted' }, text.expires(timeText(session.expires)))),
    session.has('partner') && !app.post && h('section', { class: 'card' }, h('p', null, text.noKey)),
  ];
}

export async function render(root, app) {
  if (app.session.account !== null) {
    root.append(...greeting(app).filter(Boolean));
    return;
  }
  const identities = await vault.all('identities');
  root.append(h('p', { class: 'large' }, text.what), ...identities.map((identity) => keyCard(app, identity)),
    joinCard(identities.length > 0), tokenForm(app));
}
