// Who else may use a record: for its owner, who gives and withdraws.
import { fill, form, h, labelled } from './dom.js';
import { recordPath } from './record_api.js';
import { time } from './time.js';

const PAGE = 100;

function table(grants, strings, take) {
  return h('div', { class: 'scroll' }, h('table', null, h('caption', { class: 'unseen' }, strings.caption),
    h('thead', null, h('tr', null, h('th', { scope: 'col' }, strings.account), h('th', { scope: 'col' }, strings.rights),
      h('th', { scope: 'col' }, strings.since), h('th', { scope: 'col' }, h('span', { class: 'unseen' }, strings.take)))),
    h('tbody', null, grants.map((grant) => h('tr', null, h('th', { scope: 'row' }, grant.account),
      h('td', null, grant.rights.map((right) => strings[right]).join(', ')), h('td', null, time(grant.changed)),
      h('td', null, take && h('button', { type: 'button', 'aria-label': strings.takeFrom(grant.account), onclick: () => take(grant) },
        strings.take)))))));
}

async function all(app, path) {
  const grants = [];
  let after = null;

  do {
    const query = new URLSearchParams({ limit: PAGE, ...(after ? { after } : {}) });
    const { body } = await app.api.get(`${path}?${query}`);
    grants.push(...body.grants);
    after = body.next ?? null;
  } while (after);
  return grants;
}

function giveForm(app, path, strings, redraw) {
  const name = labelled(strings.name, 'input', { required: true, autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' });
  const read = labelled(strings.mayRead, 'input', { type: 'checkbox', checked: true });
  const write = labelled(strings.mayWrite, 'input', { type: 'checkbox' });
  return form({}, async () => {
    const account = name.input.value.trim().toLowerCase();
    const rights = [read.input.checked && 'read', write.input.checked && 'write'].filter(Boolean);
    if (rights.length === 0) {
      app.notify(strings.nothing, 'error');
      return;
    }
    await app.api.put(`${path}/${encodeURIComponent(account)}`, { rights });
    app.notify(strings.given(account), 'good');
    await redraw();
  }, (error) => app.fail(error), name.field, read.field, write.field, h('button', { type: 'submit' }, strings.give));
}

async function draw(app, place, path, strings) {
  const redraw = () => draw(app, place, path, strings);
  const writes = app.session.has('records:write');
  const take = async ({ account }) => {
    if (!await app.confirm({ title: strings.takeAsk(account), text: strings.takeText, yes: strings.take, danger: true })) return;
    try {
      await app.api.del(`${path}/${encodeURIComponent(account)}`);
      app.notify(strings.taken(account), 'good');
      await redraw();
    } catch (error) {
      app.fail(error);
    }
  };
  let grants;
  try {
    grants = await all(app, path);
  } catch (error) {
    if (error.status !== 404) throw error;
    fill(place, h('p', null, strings.notOwner));
    return;
  }
  fill(place, h('p', null, strings.text), grants.length > 0 ? table(grants, strings, writes && take) : h('p', null, strings.none),
    writes && giveForm(app, path, strings, redraw));
}

export function grantsSection(app, record) {
  const strings = app.strings.grants;
  const place = h('div');
  const details = h('details', {
    class: 'block',
    ontoggle: () => {
      if (!details.open || details.contains(place)) return;
      details.append(place);
      draw(app, place, `${recordPath(record.id)}/grants`, strings).catch((error) => app.fail(error));
    },
  }, h('summary', null, strings.title));
  return details;
}
