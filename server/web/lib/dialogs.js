// Dialogs and notices. Both are told to screen readers; dialogs hold the focus, and Escape closes them.
import { freshId, h } from './dom.js';

// Asks; true for yes. danger: the answer cannot be undone. content: nodes instead of text.
export function confirm({ title, text, content, yes, no, danger = false }) {
  return new Promise((resolve) => {
    const titleId = freshId('dialog');
    const textId = `${titleId}-text`;
    const finish = (answer) => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    const refuse = h('button', { type: 'button', onclick: () => finish(false) }, no);
    const accept = h('button', { type: 'button', class: danger ? 'danger' : 'primary', onclick: () => finish(true) }, yes);
    const dialog = h('dialog', {
      'aria-labelledby': titleId, 'aria-describedby': textId,
      oncancel: (event) => { event.preventDefault(); finish(false); },
    }, h('h2', { id: titleId }, title), h('div', { id: textId }, content ?? h('p', null, text)),
    h('div', { class: 'actions' }, accept, refuse));
    document.body.append(dialog);
    dialog.showModal();
    refuse.focus();
  });
}

const SHOWN_MS = 8000;

// Two live regions: news waits for the reader's pause, errors do not. Errors stay until they are dismissed.
export class Notices {
  constructor(dismiss) {
    this.dismiss = dismiss;
    this.news = h('div', { role: 'status', class: 'notices' });
    this.errors = h('div', { role: 'alert', class: 'notices' });
    this.element = h('div', { class: 'notice-area' }, this.errors, this.news);
  }

  // kind: 'info', 'good' or 'error'. about: what it is about, in place of what was said of that before.
  show(text, kind = 'info', about = null) {
    if (about) for (const old of this.element.querySelectorAll('.notice')) if (old.dataset.about === about) old.remove();
    const notice = h('div', { class: `notice ${kind}`, 'data-about': about }, h('span', null, text),
      h('button', { type: 'button', class: 'plain', 'aria-label': this.dismiss, onclick: () => notice.remove() }, '×'));
    (kind === 'error' ? this.errors : this.news).append(notice);
    if (kind !== 'error') setTimeout(() => notice.remove(), SHOWN_MS);
  }

  // Another view is shown: what was said of the one before goes.
  clear() {
    for (const notice of this.element.querySelectorAll('.notice:not([data-about])')) notice.remove();
  }
}
