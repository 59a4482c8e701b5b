// The contract of the API for people, from the server's own /openapi.json.
import { fill, h, labelled } from '../lib/dom.js';
import { curl, groups, matches, prose, resolve, shape } from '../lib/openapi.js';
import { badge } from '../lib/parts.js';
import { needStyle } from '../lib/style.js';
import { strings } from '../strings.js';

const text = strings.docs;

export const { title } = text;

const inline = (parts) => parts.map((part) => (part.code ? h('code', null, part.text) : part.text));
const paragraphs = (words) => (words ? prose(words).map((parts) => h('p', null, inline(parts))) : null);
const phrase = (words) => (words ? prose(words).flatMap((parts) => [' ', ...inline(parts)]) : null);

// ---- schemas ----

const bound = ([name, value]) => [' ', h('span', { class: 'bound' }, `${name} `, h('code', null, value))];

function line(node) {
  return [
    node.name && [h('code', { class: 'member' }, node.name), ' '],
    h('span', { class: 'type' }, node.type), node.ref && [' ', h('span', { class: 'muted' }, text.schema(node.ref))],
    node.name && [' ', h('span', { class: node.required ? 'badge info' : 'muted' }, node.required ? text.required : text.optional)],
    node.bounds.map(bound), phrase(node.description),
  ];
}

const tree = (node) => h('li', null, line(node), node.children.length > 0 && h('ul', { class: 'schema' }, node.children.map(tree)));

function schemaView(doc, schema) {
  if (!schema || Object.keys(schema).length === 0) return h('p', null, text.anyBytes);
  return h('ul', { class: 'schema' }, tree(shape(doc, schema)));
}

// Media types, each with what it holds.
function contentView(doc, content) {
  return Object.entries(content ?? {}).map(([type, media]) => h('details', { class: 'media' },
    h('summary', null, h('code', null, type)), schemaView(doc, media.schema)));
}

// ---- an operation ----

function parametersView(doc, op) {
  if (op.parameters.length === 0) return null;
  return [h('h3', null, text.parameters), h('ul', { class: 'plain' }, op.parameters.map((parameter) => {
    const node = shape(doc, parameter.schema ?? {}, parameter.name, parameter.required === true);
    return h('li', null, h('code', { class: 'member' }, parameter.name), ' ', h('span', { class: 'muted' }, text.inPlace[parameter.in]), ' ',
      h('span', { class: node.required ? 'badge info' : 'muted' }, node.required ? text.required : text.optional), ' ',
      h('span', { class: 'type' }, node.type), node.bounds.map(bound), phrase(parameter.description));
  }))];
}

function bodyView(doc, op) {
  if (!op.body) return null;
  return [h('h3', null, text.body, ' ', op.body.required && badge('info', text.bodyRequired)),
    paragraphs(op.body.description), contentView(doc, op.body.content)];
}

function headersView(doc, answer) {
  const headers = Object.entries(answer.headers ?? {});
  if (headers.length === 0) return null;
  return h('details', { class: 'media' }, h('summary', null, text.headers), h('ul', { class: 'plain' }, headers.map(([name, value]) => {
    const header = resolve(doc, value) ?? {};
    return h('li', null, h('code', { class: 'member' }, name), phrase(header.description));
  })));
}

const isError = (answer) => answer.status >= '400';

// What every refusal holds is told once.
function answersView(doc, op) {
  const refusal = op.responses.find((answer) => isError(answer) && answer.content);
  return [h('h3', null, text.answers), h('dl', { class: 'answers' }, op.responses.map((answer) => [
    h('dt', null, h('code', { class: `status s${answer.status[0]}` }, answer.status)),
    h('dd', null, phrase(answer.description), !isError(answer) && [contentView(doc, answer.content), headersView(doc, answer)])])),
  refusal && [h('p', null, text.refusals), contentView(doc, refusal.content)]];
}

function exampleView(app, doc, op) {
  const words = curl(doc, op, location.origin);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(words);
      app.notify(text.copied, 'good');
    } catch {
      app.notify(text.copyFailed, 'error');
    }
  };
  return [h('h3', null, text.example), h('pre', { class: 'example' }, words),
    h('p', null, h('button', { type: 'button', onclick: copy }, text.copy))];
}

function securityText(op) {
  if (op.security.length === 0) return text.open;
  return op.security.some((one) => Object.keys(one).length === 0) ? text.either : text.token;
}

function operationView(app, doc, op) {
  const element = h('details', {
    class: 'operation', id: `op-${op.id}`,
    ontoggle: () => {
      if (!element.open || element.children.length > 1) return;
      element.append(h('div', { class: 'operation-body' },
        h('p', { class: 'muted' }, h('code', null, op.id), ' · ', securityText(op), ' · ',
          h('a', { href: `#/docs/${op.id}` }, text.link(op.id))),
        paragraphs(op.description), parametersView(doc, op), bodyView(doc, op), answersView(doc, op), exampleView(app, doc, op)));
    },
  }, h('summary', null, h('code', { class: `method ${op.method.toLowerCase()}` }, op.method), ' ', h('code', { class: 'route' }, op.path),
    ' ', h('span', { class: 'does' }, op.summary)));
  return { op, element };
}

// ---- all of it ----

function groupView(app, doc, group) {
  const views = group.operations.map((op) => operationView(app, doc, op));
  const element = h('section', { class: 'group' }, h('h2', null, group.name || text.other), paragraphs(group.description),
    views.map((view) => view.element));
  return { element, views };
}

function filterField(shown) {
  const count = h('p', { role: 'status', class: 'muted' });
  const { field, input } = labelled(text.filter, 'input', { type: 'search', autocomplete: 'off', oninput: () => apply() },
    { hint: text.filterHint });
  function apply() {
    let found = 0;
    for (const { element, views } of shown) {
      let here = 0;
      for (const view of views) {
        const good = matches(view.op, input.value.trim());
        view.element.hidden = !good;
        here += good;
      }
      element.hidden = here === 0;
      found += here;
    }
    count.textContent = found > 0 ? text.found(found) : text.none;
  }
  apply();
  return [field, count];
}

export async function render(root, app, params) {
  await needStyle('records.css');
  const { body: doc } = await app.api.get('/openapi.json', { token: null });
  const shown = groups(doc).map((group) => groupView(app, doc, group));
  const views = shown.flatMap((group) => group.views);
  const openAll = (open) => { for (const { element } of views) if (!element.hidden) element.open = open; };
  fill(root, h('div', { class: 'docs' },
    h('p', null, `${doc.info.title} ${doc.info.version}`), paragraphs(doc.info.description),
    h('p', null, h('a', { href: '/openapi.json' }, text.raw)), filterField(shown),
    h('div', { class: 'actions top' }, h('button', { type: 'button', onclick: () => openAll(true) }, text.openAll),
      h('button', { type: 'button', onclick: () => openAll(false) }, text.closeAll)),
    shown.map((group) => group.element)));
  const wanted = views.find(({ op }) => op.id === params.op);
  if (wanted) {
    wanted.element.open = true;
    // The frame moves the focus to the heading; whoever followed a link to an operation is taken there instead.
    requestAnimationFrame(() => wanted.element.querySelector('summary').focus());
  }
}
