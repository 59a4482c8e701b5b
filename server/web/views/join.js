// Joining: a name from an invite, a key that is made or brought, and its one copy.
import { fill, form, h, labelled } from '../lib/dom.js';
import { bringKey, enroll, keep, makeKey, noteCopy, readInvite, readName } from '../lib/identity.js';
import { fingerprintBlock } from '../lib/parts.js';
import { Refusal } from '../lib/refusal.js';
import { save } from '../lib/save.js';
import * as vault from '../lib/vault.js';
import { strings } from '../strings.js';

const text = strings.join;
const PASSPHRASE_MIN = 8;

export const { title } = text;

// ---- the form ---------------------------------------------------------------------------------------------------------

function invitePart(named) {
  const invite = labelled(text.invite, 'textarea', { rows: '4', autocomplete: 'off', spellcheck: 'false', class: 'mono' },
    { hint: text.inviteHint });
  const name = labelled(text.name, 'input',
    { type: 'text', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none', maxlength: '64', value: named },
    { hint: text.nameHint });
  const fields = h('fieldset', null, h('legend', null, text.who), invite.field, name.field);
  invite.input.addEventListener('input', () => {
    try {
      name.input.value = readInvite(invite.input.value).name;
      name.input.readOnly = true;
    } catch {
      name.input.readOnly = false;
    }
  });
  // {name, secret}; secret null: without an invite.
  const read = () => {
    if (invite.input.value.trim()) return readInvite(invite.input.value);
    const own = readName(name.input.value);
    if (!own) throw new Refusal(text.noName);
    return { name: own, secret: null };
  };
  return { fields, read };
}

function madePart() {
  const bits = labelled(text.bits, 'select', {}, {
    hint: text.bitsHint,
    children: [2048, 3072, 4096].map((size) => h('option', { value: size, selected: size === 3072 }, text.bitsOption(size))),
  });
  const first = labelled(text.passphrase, 'input', { type: 'password', autocomplete: 'new-password' }, { hint: text.passphraseHint });
  const second = labelled(text.again, 'input', { type: 'password', autocomplete: 'new-password' });
  const none = labelled(text.noCopy, 'input', { type: 'checkbox' }, { hint: text.noCopyHint });
  none.input.addEventListener('change', () => {
    first.input.disabled = none.input.checked;
    second.input.disabled = none.input.checked;
  });
  const get = () => {
    if (none.input.checked) return makeKey(Number(bits.input.value), null);
    if (first.input.value.length < PASSPHRASE_MIN) throw new Refusal(text.shortPassphrase(PASSPHRASE_MIN));
    if (first.input.value !== second.input.value) throw new Refusal(text.different);
    return makeKey(Number(bits.input.value), first.input.value);
  };
  return { fields: [bits.field, first.field, second.field, none.field], get };
}

function broughtPart() {
  const file = labelled(text.file, 'input', { type: 'file', accept: '.pem,.key' }, { hint: text.fileHint });
  const passphrase = labelled(text.filePassphrase, 'input', { type: 'password', autocomplete: 'off' }, { hint: text.filePassphraseHint });
  const get = async () => {
    const [chosen] = file.input.files;
    if (!chosen) throw new Refusal(text.noFile);
    if (chosen.size > 65536) throw new Refusal(strings.pem.noPem);
    return bringKey(await chosen.text(), passphrase.input.value);
  };
  return { fields: [file.field, passphrase.field], get };
}

function keyPart() {
  const parts = { made: madePart(), brought: broughtPart() };
  const choice = {};
  const panel = h('div');
  let kind = 'made';
  for (const one of ['made', 'brought']) {
    choice[one] = labelled(text.choice[one], 'input', { type: 'radio', name: 'kind', checked: one === kind,
      onchange: () => { kind = one; fill(panel, parts[one].fields); } });
  }
  fill(panel, parts[kind].fields);
  return {
    fields: h('fieldset', null, h('legend', null, text.key), choice.made.field, choice.brought.field, panel),
    get: () => parts[kind].get(),
  };
}

// ---- what follows -----------------------------------------------------------------------------------------------------

// The copy is there once, now. Resolves when it has been saved, as far as a page can know.
function offerCopy(root, identity, copy) {
  return new Promise((resolve) => {
    const next = h('button', { type: 'button', class: 'primary', disabled: true, onclick: resolve }, text.goOn);
    const saved = labelled(text.saved, 'input', { type: 'checkbox', onchange: () => { next.disabled = !saved.input.checked; } });
    const button = h('button', { type: 'button', onclick: () => save(copy, `coffer-${identity.name}.pem`, 'application/x-pem-file') }, text.save);
    const heading = h('h2', { tabindex: '-1' }, text.copyTitle);
    fill(root, h('section', { class: 'card' }, heading, h('p', null, text.copyText), h('p', null, button), saved.field,
      h('div', { class: 'actions' }, next)));
    heading.focus();
  });
}

async function register(root, app, identity, secret) {
  const token = await enroll(app.api, identity, secret);
  await app.enter({ ...identity, joined: true }, token);
  const heading = h('h2', { tabindex: '-1' }, text.joined(identity.name));
  fill(root, h('section', { class: 'card' }, heading, h('p', null, text.tellPartners), fingerprintBlock(identity.fingerprint),
    h('p', null, h('a', { class: 'button primary', href: '#/partners' }, text.toPartners))));
  heading.focus();
}

// The key that an attempt left here goes on; else the one of the form.
async function settle(root, name, key) {
  const begun = await vault.get('identities', name);
  if (!begun && !key) throw new Refusal(text.otherName);
  if (begun?.joined) throw new Refusal(text.already(name));
  if (begun) return begun;
  const { identity, copy } = await key.get();
  const kept = await keep(name, identity);
  if (!copy) return kept;
  await offerCopy(root, kept, copy);
  return noteCopy(name);
}

export async function render(root, app, params) {
  await draw(root, app, readName(params.query.get('name') ?? '') ?? '');
}

// named: whose key may be here from an attempt before, or ''.
async function draw(root, app, named) {
  const begun = named && await vault.get('identities', named);
  const invite = invitePart(named);
  const key = begun && !begun.joined ? null : keyPart();
  fill(root, form({ class: 'card' }, async () => {
    const { name, secret } = invite.read();
    const identity = await settle(root, name, key);
    try {
      await register(root, app, identity, secret);
    } catch (error) {
      // The key is kept: another invite may go with it.
      await draw(root, app, name);
      app.fail(error);
    }
  }, (error) => app.fail(error),
  h('p', null, key ? text.how : text.goesOn(named)), invite.fields, key?.fields,
  h('button', { type: 'submit', class: 'primary' }, text.submit), h('p', { class: 'hint' }, text.busy)));
}
