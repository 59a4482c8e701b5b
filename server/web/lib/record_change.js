// Replacing and deleting a record. Both name the version that the reader sees, so that nobody undoes unseen what
// somebody else has stored meanwhile.
import { fill, h } from './dom.js';
import { sizeText } from './media.js';
import { remove, replace, sending } from './record_api.js';
import { UploadPanel } from './upload_panel.js';
import { UploadQueue } from './upload_queue.js';

// redraw(): shows the record anew, with a notice as for notify() if there is one. What stays until the view goes is put into cleanups.
export function replaceSection(app, record, redraw, cleanups) {
  const strings = app.strings.record;
  const conflict = h('div', { role: 'alert' });
  const send = async (item, options) => {
    try {
      const made = await replace(app, record.id, record.version, item, options);
      redraw(strings.replaced(made.version), 'good');
      return made;
    } catch (error) {
      if (error.status === 412) {
        fill(conflict, h('div', { class: 'note warn' }, h('p', null, h('strong', null, strings.conflict)),
          h('p', null, strings.conflictText(record.version)),
          h('button', { type: 'button', onclick: () => redraw() }, strings.conflictShow)));
      }
      throw error;
    }
  };
  const queue = new UploadQueue(sending(app, send));
  const panel = new UploadPanel(app, queue, { many: false, start: () => app.strings.upload.startOne, done: () => null });
  cleanups.push(() => {
    queue.cancelAll();
    panel.close();
  });
  return h('section', { class: 'block' }, h('h2', null, strings.replaceTitle), h('p', null, strings.replaceText(record.version)),
    conflict, panel.element);
}

async function ask(app, record) {
  const strings = app.strings.record;
  return app.confirm({
    title: strings.deleteAsk, danger: true, yes: strings.deleteYes,
    content: [h('p', null, strings.deleteWhat(record.id, record.essence, sizeText(record.size), record.version)),
      record.labels && h('p', null, `${strings.labels}: ${record.labels}`), h('p', null, strings.deleteFinal)],
  });
}

export function deleteSection(app, record) {
  const strings = app.strings.record;
  const button = h('button', {
    type: 'button', class: 'danger',
    onclick: async () => {
      if (!await ask(app, record)) return;
      button.disabled = true;
      try {
        await remove(app, record.id, record.version);
        app.navigate('/records', strings.deleted(record.id), 'good');
      } catch (error) {
        button.disabled = false;
        if (error.status === 412) app.notify(strings.deleteChanged, 'error');
        else if (error.status === 404) app.notify(strings.deleteNotOwner, 'error');
        else app.fail(error);
      }
    },
  }, strings.delete);
  return h('section', { class: 'block' }, h('h2', null, strings.deleteTitle), h('p', null, strings.deleteText), button);
}
