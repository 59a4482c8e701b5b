// Who did what, on a time line: by record ("who has seen it"), by account, by time.
import { byDay, find, isFiltered, loudness, tail } from '../lib/audit_log.js';
import { fill, form, h, labelled } from '../lib/dom.js';
import { badge } from '../lib/parts.js';
import { ID } from '../lib/record_api.js';
import { save } from '../lib/save.js';
import { needStyle } from '../lib/style.js';
import { clockText, dayText, time, timeText } from '../lib/time.js';
import { strings } from '../strings.js';

const text = strings.audit;
const TAIL = 100;

export const { title } = text;

const address = (filter) => {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== ''));
  return query.size > 0 ? `/audit?${query}` : '/audit';
};

// ---- an event ----

// Names of accounts, which only administrators can look up; others see ids.
async function accountNames(app) {
  const names = new Map();
  let after = null;

  if (!app.session.has('admin')) return names;
  do {
    const { body } = await app.api.get(`/v1/accounts?limit=1000${after ? `&after=${after}` : ''}`);
    for (const account of body.accounts) names.set(account.id, account.name);
    after = body.next ?? null;
  } while (after);
  return names;
}

function actor(event, names, filter) {
  if (!event.account) return h('span', { class: 'muted' }, event.peer ? text.unknown : text.nobody);
  const name = names.get(event.account) ?? event.account;
  return h('a', { href: `#${address({ ...filter, actor: name })}`, 'aria-label': text.onlyActor(name) },
    names.has(event.account) ? name : h('code', null, `${name.slice(0, 8)}…${name.slice(-4)}`));
}

function details(event) {
  const facts = Object.entries(text.facts).filter(([key]) => event[key] !== undefined);
  const element = h('details', {
    class: 'event-details',
    ontoggle: () => {
      if (element.open && element.children.length === 1) {
        element.append(h('dl', { class: 'facts' }, facts.map(([key, name]) =>
          [h('dt', null, name), h('dd', { class: 'mono' }, String(event[key]))])));
      }
    },
  }, h('summary', { 'aria-label': `${text.details} ${event.sequence}` }, String(event.sequence)));
  return element;
}

function objectLink(event, filter) {
  if (!event.object || event.object === filter.record) return null;
  return [' ', h('a', { class: 'mono', href: `#${address({ ...filter, record: event.object })}` }, event.object)];
}

function eventView(event, names, filter) {
  const loud = loudness(event);
  const mark = {
    glass: () => badge('error', text.glass),
    refused: () => event.outcome && badge('warning', text.refused(event.outcome)),
    failed: () => event.outcome && badge('error', text.failed(event.outcome)),
    '': () => null,
  }[loud]();
  const what = event.count ? text.many(event.count, timeText(event.minute)) : null;
  return h('li', { class: `event ${loud}` }, time(event.time, clockText), h('div', null,
    h('p', { class: 'event-line' }, actor(event, names, filter), ' ', what && [what, ' '], text.actions[event.action] ?? event.action,
      objectLink(event, filter), event.version && [', ', text.version(event.version)],
      event.peer && h('span', { class: 'muted' }, ' ', text.from_(event.peer)), ' ', mark), details(event)));
}

const dayView = ({ day, events }, names, filter) => h('section', { class: 'day' }, h('h3', null, day),
  h('ol', { class: 'events' }, events.map((event) => eventView(event, names, filter))));

const daysView = (events, names, filter) => byDay(events, dayText).map((day) => dayView(day, names, filter));

// ---- the two ways of reading ----

async function showLatest(app, place, names, filter) {
  const { body: head } = await app.api.get('/v1/audit/checkpoint');
  const list = h('div');
  const earlier = h('div', { class: 'actions top' });
  const events = [];
  const load = async (last) => {
    const { events: found, first } = await tail(app.api, last, TAIL);
    events.unshift(...found);
    fill(list, daysView(events, names, filter));
    fill(earlier, first > 1 && h('button', {
      type: 'button', onclick: () => load(first - 1).catch((error) => app.fail(error)),
    }, text.earlier));
  };
  fill(place, h('h2', null, text.latest), earlier, list);
  await load(head.sequence);
}

async function showFound(app, place, names, filter, signal) {
  const list = h('div');
  const progress = h('p', { role: 'status', class: 'muted' });
  const actions = h('div', { class: 'actions' });
  const events = [];
  const load = async (after) => {
    const stop = new AbortController();
    fill(actions, h('button', { type: 'button', onclick: () => stop.abort() }, text.stop));
    let reached = after;
    const looked = (sequence) => {
      reached = sequence;
      progress.textContent = text.looked(sequence);
    };
    try {
      const { events: found, next } = await find(app.api, filter, after, { looked, signal: AbortSignal.any([stop.signal, signal]) });
      events.push(...found);
      reached = next;
      if (next === null) progress.textContent = '';
    } catch (error) {
      if (error.name !== 'AbortError') throw error;
    }
    fill(list, events.length > 0 || reached !== null ? daysView(events, names, filter) : h('p', null, text.none));
    fill(actions, reached !== null && h('button', {
      type: 'button', onclick: () => load(reached).catch((error) => app.fail(error)),
    }, events.length > 0 ? text.later : text.go));
  };
  fill(place, h('h2', null, filter.record ? text.ofRecord(filter.record) : text.found), list, actions, progress);
  await load(0);
}

// ---- the filter ----

// The server takes UTC; the fields are in the reader's own time.
const toField = (at) => {
  if (at === '') return '';
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};
const fromField = (value) => (value === '' ? '' : new Date(value).toISOString());

function filterForm(app, filter) {
  const record = labelled(text.record, 'input', { value: filter.record, class: 'mono', autocomplete: 'off', spellcheck: 'false' },
    { hint: text.recordHint });
  const who = labelled(text.actor, 'input', { value: filter.actor, autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' },
    { hint: text.actorHint });
  const from = labelled(text.from, 'input', { type: 'datetime-local', value: toField(filter.from) }, { hint: text.timeHint });
  const to = labelled(text.to, 'input', { type: 'datetime-local', value: toField(filter.to) }, { hint: text.timeHint });
  const chosen = Object.values(filter).filter((value) => value !== '').join(', ');
  return h('details', { class: 'block' }, h('summary', null, chosen ? text.chosen(chosen) : text.filter), form({}, async () => {
    const id = record.input.value.trim().toLowerCase();
    if (id && !ID.test(id)) {
      app.notify(text.wrongId, 'error');
      return;
    }
    app.navigate(address({
      record: id, actor: who.input.value.trim(), from: fromField(from.input.value), to: fromField(to.input.value),
    }));
  }, (error) => app.fail(error), h('div', { class: 'pair' }, record.field, who.field),
  h('div', { class: 'pair' }, from.field, to.field),
  h('div', { class: 'actions' }, h('button', { type: 'submit', class: 'primary' }, text.show),
    isFiltered(filter) && h('a', { class: 'button', href: '#/audit' }, text.all))));
}

function checkpointSection(app) {
  return h('section', { class: 'block' }, h('h2', null, text.checkpoint), h('p', null, text.checkpointText), h('button', {
    type: 'button',
    onclick: async () => {
      try {
        const { body } = await app.api.get('/v1/audit/checkpoint', { as: 'text' });
        const name = `checkpoint-${JSON.parse(body).sequence}.json`;
        save(body, name, 'application/json');
        app.notify(text.saved(name), 'good');
      } catch (error) {
        app.fail(error);
      }
    },
  }, text.checkpointSave));
}

export async function render(root, app, params) {
  const abort = new AbortController();
  const filter = Object.fromEntries(['record', 'actor', 'from', 'to'].map((name) => [name, params.query.get(name) ?? '']));

  await needStyle('records.css');
  if (!app.session.has('audit')) {
    fill(root, h('p', { class: 'note' }, text.missing));
    return null;
  }
  const place = h('section', { class: 'block timeline' });
  fill(root, filterForm(app, filter), place, checkpointSection(app));
  try {
    const names = await accountNames(app);
    if (isFiltered(filter)) await showFound(app, place, names, filter, abort.signal);
    else await showLatest(app, place, names, filter);
  } catch (error) {
    app.fail(error);
  }
  return () => abort.abort();
}
