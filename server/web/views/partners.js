// The names on the server, and how one knows them.
import { h } from '../lib/dom.js';
import { badge, fingerprintShort } from '../lib/parts.js';
import { strings } from '../strings.js';

const text = strings.partners;

export const { title } = text;

export const KINDS = { oneself: 'info', new: 'info', known: 'warning', verified: 'good', changed: 'error' };

export async function render(root, app) {
  if (!app.post) {
    root.append(h('p', null, strings.start.noKey));
    return;
  }
  const { partners } = app.post;
  const [keys, known] = await Promise.all([partners.list(), partners.pins()]);
  const rows = keys.map((key) => ({ ...key, standing: partners.standing(key.name, key.fingerprint, known.get(key.name)) }));
  const changed = rows.filter((row) => row.standing === 'changed');
  if (changed.length > 0) {
    root.append(h('section', { class: 'wall', role: 'alert' }, h('h2', null, strings.wall.several),
      h('ul', null, changed.map(({ name, fingerprint }) => h('li', null, h('a', { href: `#/partners/${encodeURIComponent(name)}` },
        partners.changed(name, known.get(name), fingerprint).message))))));
  }
  root.append(h('p', null, text.how), h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
    h('table', { class: 'stack' },
      h('thead', null, h('tr', null, text.columns.map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', null, rows.map((row) => h('tr', null,
        h('td', null, h('a', { href: `#/partners/${encodeURIComponent(row.name)}` }, row.name)),
        h('td', null, badge(KINDS[row.standing], text.standing[row.standing])),
        h('td', null, fingerprintShort(row.fingerprint)),
        h('td', null, text.bits(row.bits))))))));
}
