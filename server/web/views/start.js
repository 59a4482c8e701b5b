// Who you are here, and how to log in.
import { form, h, labelled } from '../lib/dom.js';
import { strings } from '../strings.js';

const text = strings.start;

export const { title } = text;

function tokenForm(app) {
  const { field, input } = labelled(text.token, 'input',
    { type: 'password', required: true, autocomplete: 'off', spellcheck: 'false' }, { hint: text.tokenHint });
  return form({ class: 'card' }, async () => {
    await app.session.begin(input.value.trim());
    app.navigate('/');
  }, (error) => app.fail(error),
  h('h2', null, text.tokenTitle), field, h('button', { type: 'submit', class: 'primary' }, text.logIn));
}

function greeting(app) {
  const { session } = app;
  return h('section', { class: 'card' }, h('p', null, text.hello(session.account)), h('h2', null, text.scopes),
    session.scopes.size ? h('ul', null, [...session.scopes].map((scope) => h('li', null, h('code', null, scope))))
      : h('p', null, text.noScopes),
    session.expires && h('p', null, text.expires(session.expires.toLocaleString('en'))));
}

export function render(root, app) {
  root.append(app.session.account === null ? tokenForm(app) : greeting(app));
}
