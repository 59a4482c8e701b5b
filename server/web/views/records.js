// The account's records, page by page; storing files; opening a record by its id.
import { fill, form, h, labelled } from '../lib/dom.js';
import { sizeText } from '../lib/media.js';
import { ID, keptOf } from '../lib/record_api.js';
import { receiptView } from '../lib/receipt_view.js';
import { needStyle } from '../lib/style.js';
import { time } from '../lib/time.js';
import { UploadPanel } from '../lib/upload_panel.js';
import { strings } from '../strings.js';

const text = strings.records;
const PAGE = 50;

export const { title } = text;

// ---- the list ----

function row(record) {
  const address = `#/records/${record.id}`;
  // On a phone rows are laid out as blocks, in which a table's parts lose what they are unless it is said.
  return h('tr', { role: 'row' },
    h('th', { role: 'rowheader', scope: 'row' }, h('a', { href: address, class: 'mono' }, record.id)),
    h('td', { role: 'cell', class: 'number version' }, String(record.version)),
    h('td', { role: 'cell', class: 'number' }, sizeText(record.size)),
    h('td', { role: 'cell', class: 'wide' }, time(record.created)),
    h('td', { role: 'cell' }, time(record.updated)));
}

const COLUMNS = [['id'], ['version', 'number version'], ['size', 'number'], ['stored', 'wide'], ['updated']];

function table(records) {
  return h('div', { class: 'scroll' }, h('table', { class: 'records', role: 'table' },
    h('caption', { class: 'unseen' }, text.caption),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, COLUMNS.map(([name, kind]) =>
      h('th', { role: 'columnheader', scope: 'col', class: kind }, text[name])))),
    h('tbody', { role: 'rowgroup' }, records.map(row))));
}

async function drawList(place, app, after) {
  const query = new URLSearchParams({ limit: PAGE, ...(after ? { after } : {}) });
  const { body } = await app.api.get(`/v1/records?${query}`);
  fill(place,
    body.records.length > 0 ? table(body.records) : h('p', null, text.empty),
    h('div', { class: 'actions' },
      after && h('a', { class: 'button', href: '#/records' }, text.first),
      body.next && h('a', { class: 'button', href: `#/records?after=${body.next}` }, text.next),
      h('button', { type: 'button', onclick: () => drawList(place, app, after).catch((error) => app.fail(error)) }, text.refresh)));
}

// ---- storing ----

function storeSection(app, redraw) {
  const { queue } = keptOf(app);
  const panel = new UploadPanel(app, queue, {
    many: true, start: strings.upload.start,
    done: (item) => h('a', { href: `#/records/${item.answer.id}`, 'aria-label': strings.upload.of(strings.upload.open, item.file.name) },
      strings.upload.open),
  });
  const changed = ({ detail }) => { if (detail?.state === 'done') redraw(); };
  queue.addEventListener('change', changed);
  return {
    element: h('section', { class: 'block' }, h('h2', null, strings.upload.title), panel.element),
    close: () => {
      panel.close();
      queue.removeEventListener('change', changed);
    },
  };
}

// ---- by id, and receipts ----

function openSection(app) {
  const { field, input } = labelled(text.openLabel, 'input',
    { class: 'mono', required: true, autocomplete: 'off', spellcheck: 'false' }, { hint: text.openHint });
  return h('section', { class: 'block' }, h('h2', null, text.openTitle), form({}, async () => {
    const id = input.value.trim().toLowerCase();
    if (!ID.test(id)) app.notify(text.openWrong, 'error');
    else app.navigate(`/records/${id}`);
  }, (error) => app.fail(error), field, h('button', { type: 'submit' }, text.open)));
}

function receiptSection(app) {
  const { receipts } = keptOf(app);
  if (receipts.length === 0) return null;
  return h('details', { class: 'block' }, h('summary', null, text.receipts), h('p', null, text.receiptsText),
    h('ul', { class: 'plain' }, receipts.map((receipt) => h('li', null, h('details', null,
      h('summary', null, h('code', null, receipt.id), ', ', text.receiptOf[receipt.kind](receipt.version)),
      receiptView(app, receipt))))));
}

export async function render(root, app, params) {
  await needStyle('records.css');
  const list = h('div');
  const after = params.query.get('after');
  const redraw = () => drawList(list, app, after).catch((error) => app.fail(error));
  const store = app.session.has('records:write') ? storeSection(app, redraw) : null;
  root.append(...[
    store?.element,
    h('section', { class: 'block' }, h('h2', null, text.list), list),
    openSection(app),
    receiptSection(app),
  ].filter(Boolean));
  try {
    await drawList(list, app, after);
  } catch (error) {
    app.fail(error);
  }
  return () => store?.close();
}
