// Writing: sealed, signed and deposited by this page.
import { anatomy } from '../lib/anatomy.js';
import { utf8 } from '../lib/bytes.js';
import { fill, form, freshId, h, labelled } from '../lib/dom.js';
import { readName } from '../lib/identity.js';
import { KeyChanged } from '../lib/partners.js';
import { wall } from '../lib/parts.js';
import { Refusal } from '../lib/refusal.js';
import { strings } from '../strings.js';

const text = strings.compose;
const FILE_MAX = 64 << 20;

export const { title } = text;

// The names on the server, to choose from; another may be typed.
async function recipientField(app, to) {
  const keys = await app.post.partners.list();
  const id = freshId('names');
  const { field, input } = labelled(text.to, 'input',
    { type: 'text', required: true, list: id, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', value: to });
  field.append(h('datalist', { id }, keys.filter((key) => key.name !== app.session.account).map((key) => h('option', { value: key.name }))));
  return { field, input };
}

async function plaintextOf(message, file) {
  const [chosen] = file.files;
  if (chosen && message.value) throw new Refusal(text.both);
  if (!chosen) return utf8(message.value);
  if (chosen.size > FILE_MAX) throw new Refusal(text.large);
  return new Uint8Array(await chosen.arrayBuffer());
}

// Nobody knows whether it arrived: the very same letter may be sent again.
function mayHaveArrived(error) {
  return error.status === 0 || error.status >= 500;
}

export async function render(root, app, params) {
  if (!app.post) {
    root.append(h('p', null, strings.start.noKey));
    return undefined;
  }
  const { letters } = app.post;
  const to = await recipientField(app, params.query.get('to') ?? '');
  const message = labelled(text.message, 'textarea', { rows: '8', dir: 'auto' });
  const file = labelled(text.file, 'input', { type: 'file' });
  const session = labelled(text.session, 'input', { type: 'checkbox', disabled: true }, { hint: text.sessionHint });
  const progress = h('progress', { max: '1', value: 0, hidden: true, 'aria-label': text.sending });
  const after = h('div');
  const gone = new AbortController();
  let pending = null;

  const look = async () => {
    const name = readName(to.input.value);
    const thread = name ? await letters.session(name) : undefined;
    session.input.disabled = !thread;
    if (!thread) session.input.checked = false;
  };
  const changed = () => { pending = null; };
  for (const input of [to.input, message.input, file.input, session.input]) input.addEventListener('input', changed);
  to.input.addEventListener('input', () => look().catch((error) => app.fail(error)));

  const sent = (letter) => {
    message.input.value = '';
    file.input.value = '';
    pending = null;
    const heading = h('h2', { tabindex: '-1' }, text.sent(letter.to));
    fill(after, h('section', { class: 'card' }, heading,
      h('details', null, h('summary', null, text.seeBytes), anatomy(letter.bytes, letter.isSession, letter.size, 'h3'))));
    heading.focus();
  };
  const send = async () => {
    fill(after);
    const name = readName(to.input.value);
    if (!name) throw new Refusal(text.noName);
    pending ??= await letters.write(name, await plaintextOf(message.input, file.input), { session: session.input.checked });
    progress.hidden = false;
    try {
      await letters.deposit(pending, (done, total) => { progress.value = total ? done / total : 0; }, gone.signal);
    } catch (error) {
      if (!mayHaveArrived(error)) pending = null;
      throw error;
    } finally {
      progress.hidden = true;
    }
    sent(pending);
    await look();
  };
  const failed = (error) => {
    if (!(error instanceof KeyChanged)) {
      app.fail(error);
      return;
    }
    // What was written stays; nothing goes out until the wall is down.
    const link = h('a', { class: 'button', href: `#/partners/${encodeURIComponent(error.partner)}` }, strings.wall.toPartner);
    const close = h('button', { type: 'button', onclick: () => { fill(after); letter.hidden = false; } }, text.toLetter);
    letter.hidden = true;
    fill(after, wall(error, [link, close]));
  };
  const letter = form({ class: 'card' }, send, failed, to.field, message.field, file.field, session.field, progress,
    h('button', { type: 'submit', class: 'primary' }, text.send), h('p', { class: 'hint' }, text.how));
  fill(root, letter, after);
  await look();
  return () => gone.abort();
}
