// What stands around an upload queue: a place to drop files, the list with types and labels, progress, and buttons.
import { fill, freshId, h, labelled } from './dom.js';
import { isLabels } from './header_text.js';
import { COMMON_TYPES, guessType, isMediaType, sizeText } from './media.js';

const HEAD = 4096;

// What a file seems to be, by its name and first bytes.
export async function typeOf(file) {
  const bytes = new Uint8Array(await file.slice(0, HEAD).arrayBuffer());
  return guessType(file.name, file.type, new TextDecoder('windows-1252').decode(bytes));
}

// The files of a drop, and the names of what are folders.
function dropped(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === 'file')
    .map((item) => ({ file: item.getAsFile(), folder: item.webkitGetAsEntry?.()?.isDirectory ?? false }));
  return {
    files: entries.filter(({ folder, file }) => !folder && file).map(({ file }) => file),
    folders: entries.filter(({ folder }) => folder).map(({ file }) => file?.name ?? ''),
  };
}

export class UploadPanel {
  // queue: UploadQueue. many: whether several files go. start: the words of the button, for a number of files.
  // done(item): nodes to show behind an item that was stored.
  constructor(app, queue, { many, start, done }) {
    this.app = app;
    this.queue = queue;
    this.many = many;
    this.startText = start;
    this.done = done;
    this.strings = app.strings.upload;
    this.rows = new Map();
    this.types = freshId('types');
    this.list = h('ul', { class: 'uploads', 'aria-label': this.strings.list });
    this.summary = h('p', { role: 'status', class: 'muted' });
    this.go = h('button', { type: 'button', class: 'primary', onclick: () => this.start() });
    this.stop = h('button', { type: 'button', onclick: () => queue.cancelAll() }, this.strings.cancelAll);
    this.clear = h('button', { type: 'button', onclick: () => this.clearDone() }, this.strings.clear);
    this.element = h('div', { class: 'upload' }, this.dropZone(),
      h('datalist', { id: this.types }, COMMON_TYPES.map((type) => h('option', { value: type }))),
      this.list, h('div', { class: 'actions' }, this.go, this.stop, this.clear), this.summary);
    this.listen();
  }

  dropZone() {
    const id = freshId('files');
    this.picker = h('input', {
      type: 'file', id, class: 'hidden-input', multiple: this.many,
      onchange: () => {
        this.take([...this.picker.files]);
        this.picker.value = '';
      },
    });
    this.zone = h('div', { class: 'drop' },
      h('p', null, this.many ? this.strings.drop : this.strings.dropOne), this.picker,
      h('label', { for: id, class: 'button' }, this.many ? this.strings.choose : this.strings.chooseOne));
    return this.zone;
  }

  // A file that misses the zone would otherwise take the place of the page.
  listen() {
    const over = (event) => {
      if (![...event.dataTransfer.types].includes('Files')) return;
      event.preventDefault();
      this.zone.classList.add('over');
    };
    const leave = (event) => {
      if (event.relatedTarget === null) this.zone.classList.remove('over');
    };
    const drop = (event) => {
      event.preventDefault();
      this.zone.classList.remove('over');
      const { files, folders } = dropped(event.dataTransfer);
      for (const name of folders) this.app.notify(this.strings.folder(name), 'error');
      this.take(files).catch((error) => this.app.fail(error));
    };
    const change = ({ detail }) => this.changed(detail);
    addEventListener('dragover', over);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    this.queue.addEventListener('change', change);
    this.close = () => {
      removeEventListener('dragover', over);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
      this.queue.removeEventListener('change', change);
    };
    this.changed(null);
  }

  async take(files) {
    if (!this.many && files.length > 1) this.app.notify(this.strings.onlyOne, 'info');
    if (!this.many && files.length > 0) for (const item of this.queue.items) this.queue.remove(item);
    for (const file of this.many ? files : files.slice(0, 1)) this.queue.add(file, await typeOf(file));
  }

  // ---- the list ----

  start() {
    for (const item of this.queue.items.filter(({ state }) => state === 'waiting')) {
      const type = item.type.trim();
      const wrong = !isMediaType(type) ? this.strings.typeWrong : !isLabels(item.labels) ? this.strings.labelsWrong : null;
      if (wrong) {
        this.app.notify(wrong(item.file.name), 'error');
        this.rows.get(item)?.element.querySelector('input').focus();
        return;
      }
      item.type = type;
    }
    this.queue.start();
  }

  clearDone() {
    for (const item of this.queue.items) if (item.state === 'done') this.queue.remove(item);
  }

  changed(item) {
    const { queue, strings } = this;
    const listed = new Set(queue.items);

    for (const [other, row] of this.rows) {
      if (listed.has(other)) continue;
      row.element.remove();
      this.rows.delete(other);
    }
    for (const other of item && listed.has(item) ? [item] : queue.items) this.draw(other);
    const waiting = queue.count('waiting');
    const running = queue.count('queued', 'sending');
    const all = queue.items.length - waiting;
    this.go.textContent = this.startText(waiting);
    this.go.hidden = waiting === 0;
    this.stop.hidden = running < 2;
    this.clear.hidden = queue.count('done') === 0 || !this.many;
    const text = all > 0 ? strings.summary(queue.count('done'), all, queue.count('failed')) : '';
    if (this.summary.textContent !== text) this.summary.textContent = text;
  }

  draw(item) {
    let row = this.rows.get(item);
    if (!row) {
      row = this.makeRow(item);
      this.rows.set(item, row);
      this.list.append(row.element);
    }
    if (row.state !== item.state) this.drawState(item, row);
    if (item.state === 'sending') this.drawProgress(item, row);
  }

  makeRow(item) {
    const name = h('strong', { class: 'name' }, item.file.name);
    const body = h('div', { class: 'upload-body' });
    return { element: h('li', null, h('div', { class: 'upload-head' }, name, ' ', h('span', { class: 'muted' },
      sizeText(item.file.size))), body), body, state: null };
  }

  button(item, words, action) {
    return h('button', { type: 'button', 'aria-label': this.strings.of(words, item.file.name), onclick: action }, words);
  }

  fields(item) {
    const { strings } = this;
    const type = labelled(strings.type, 'input', {
      value: item.type, list: this.types, autocomplete: 'off', spellcheck: 'false', oninput: () => { item.type = type.input.value; },
    }, { hint: strings.typeHint });
    const labels = labelled(strings.labels, 'input', {
      value: item.labels, autocomplete: 'off', oninput: () => { item.labels = labels.input.value; },
    }, { hint: strings.labelsHint });
    return h('div', { class: 'pair' }, type.field, labels.field);
  }

  drawState(item, row) {
    const { strings, queue } = this;
    const held = row.element.contains(document.activeElement);
    const said = h('span', { class: `state ${item.state}` }, strings.states[item.state]);
    const remove = () => this.button(item, strings.remove, () => queue.remove(item));
    const again = () => this.button(item, strings.again, () => queue.retry(item));
    const cancel = () => this.button(item, strings.cancel, () => queue.cancel(item));
    row.state = item.state;
    row.bar = h('progress', { 'aria-label': strings.of(strings.states.sending, item.file.name), max: Math.max(1, item.file.size), value: 0 });
    row.progress = h('span', { class: 'muted' });
    const parts = {
      waiting: () => [this.fields(item), h('div', { class: 'row' }, said, remove())],
      queued: () => [h('div', { class: 'row' }, said, cancel())],
      sending: () => [h('div', { class: 'row' }, said, row.bar, row.progress, cancel())],
      done: () => [h('div', { class: 'row' }, said, this.done(item))],
      failed: () => [h('p', { class: 'note error' }, this.why(item.error)), h('div', { class: 'row' }, said, again(), remove())],
      cancelled: () => [h('div', { class: 'row' }, said, again(), remove())],
    };
    fill(row.body, parts[item.state]());
    // Whoever pressed a button that went finds the next one.
    if (held) row.body.querySelector('button, a')?.focus();
  }

  why(error) {
    const { strings } = this;
    const unknown = error.status === 0 || error.slug === 'outcome-unknown';
    const words = this.app.strings.problems[error.slug] ?? error.message;
    return unknown && this.many ? `${words} ${strings.unknown}` : words;
  }

  drawProgress(item, row) {
    const total = item.file.size;
    row.bar.value = total === 0 ? 1 : item.sent;
    row.progress.textContent = total > 0 && item.sent >= total ? this.strings.settling
      : this.strings.progress(sizeText(item.sent), sizeText(total));
  }
}
