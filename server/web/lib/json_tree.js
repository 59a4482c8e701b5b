// Shows what json_exact.js has read as a tree (WAI-ARIA tree view): rows are made when their container is opened, a
// hundred at a time, so that a large record costs no more than what is looked at.
//
// Rows are siblings with aria-level, not nested groups: that keeps a row's name to its own text.
import { rawText, stringValue } from './json_exact.js';
import { h } from './dom.js';
import { badge } from './parts.js';

const BATCH = 100;
const OPEN_AT_FIRST = 60;
const OPEN_AT_MOST = 3000;
const SHOWN_STRING = 300;
const SHOWN_WHOLE = 200_000;
const PREVIEW = 90;

const clip = (text, size) => (text.length > size ? `${text.slice(0, size)}…` : text);

// A few members or items, as they stand in the text.
function preview(text, node) {
  const parts = [];
  let length = 0;

  for (const child of node.children) {
    const value = child.children ? (child.kind === 'object' ? '{…}' : '[…]') : clip(rawText(text, child), 40);
    const part = child.key === null ? value : `${clip(child.key, 40)}: ${value}`;
    length += part.length + 2;
    if (length > PREVIEW) {
      parts.push('…');
      break;
    }
    parts.push(part);
  }
  const inside = parts.join(', ');
  return node.kind === 'object' ? `{ ${inside} }` : `[ ${inside} ]`;
}

// ".name", or '["odd name"]', or "[3]".
function step(node, index) {
  if (node.key === null) return `[${index}]`;
  return /^[A-Za-z_$][\w$]*$/.test(node.key) ? `.${node.key}` : `[${JSON.stringify(node.key)}]`;
}

export class JsonTree {
  // text, root: of parseJson; strings: strings.tree; label: the tree's accessible name.
  constructor(text, root, strings, label) {
    this.text = text;
    this.strings = strings;
    this.rows = new WeakMap();
    this.path = h('p', { class: 'tree-path mono' }, '$');
    this.tree = h('div', {
      role: 'tree', class: 'tree', 'aria-label': label,
      onkeydown: (event) => this.key(event),
      onclick: (event) => this.click(event),
      onfocusin: (event) => this.focused(event.target.closest('[role=treeitem]')),
    });
    this.tree.append(this.row(root, { level: 1, index: 0, size: 1, path: '$' }));
    this.current = this.tree.firstChild;
    this.current.tabIndex = 0;
    this.openWithin(OPEN_AT_FIRST);
    this.element = h('div', { class: 'tree-box' }, this.tree, h('div', { class: 'row' }, this.path,
      h('button', { type: 'button', onclick: () => this.openWithin(OPEN_AT_MOST) }, strings.openAll),
      h('button', { type: 'button', onclick: () => this.closeAll() }, strings.closeAll)));
  }

  // ---- rows ----

  frame(content, { level, index, size }, expandable) {
    const row = h('div', {
      role: 'treeitem', tabindex: '-1', 'aria-level': level, 'aria-posinset': index + 1, 'aria-setsize': size,
      'aria-expanded': expandable ? 'false' : null, 'aria-selected': 'false',
    }, h('span', { class: 'tree-mark', 'aria-hidden': 'true' }), content);
    row.style.setProperty('--level', Math.min(level, 24));
    return row;
  }

  row(node, place) {
    const long = node.kind === 'string' && node.end - node.start > SHOWN_STRING;
    const row = this.frame([
      node.key !== null && [h('span', { class: 'tree-key' }, clip(node.key, SHOWN_STRING)), ': '],
      node.key === null && place.level > 1 && h('span', { class: 'tree-index' }, `${place.index} `),
      this.value(node),
      node.duplicate && badge('warning', this.strings.duplicate),
    ], place, long || node.children?.length > 0);
    this.rows.set(row, { node, ...place });
    return row;
  }

  value(node) {
    if (node.children) {
      const count = this.strings[node.kind](node.children.length);
      return [h('span', { class: 'tree-count' }, count), ' ', h('span', { class: 'tree-preview' }, preview(this.text, node))];
    }
    const raw = rawText(this.text, node);
    const shown = raw.length > SHOWN_STRING ? `${raw.slice(0, SHOWN_STRING)}… ${this.strings.characters(raw.length - 2)}` : raw;
    return h('span', { class: `tree-${node.kind}` }, shown);
  }

  // The rows of children from..from+BATCH, and one that shows more.
  batch(row, from) {
    const { node, level, path } = this.rows.get(row);
    const children = node.children.slice(from, from + BATCH);
    const size = node.children.length;
    const made = children.map((child, i) => this.row(child, {
      level: level + 1, index: from + i, size, path: path + step(child, from + i),
    }));
    const rest = size - from - children.length;
    if (rest > 0) {
      const more = this.frame(h('span', { class: 'tree-more' }, this.strings.more(Math.min(rest, BATCH), rest)),
        { level: level + 1, index: from + BATCH, size }, false);
      this.rows.set(more, { parent: row, from: from + BATCH, level: level + 1, path });
      made.push(more);
    }
    return made;
  }

  whole(row) {
    const { node, level, path } = this.rows.get(row);
    const full = stringValue(this.text, node);
    const cut = full.length > SHOWN_WHOLE ? `${full.slice(0, SHOWN_WHOLE)}\n${this.strings.cut(full.length)}` : full;
    const leaf = this.frame(h('span', { class: 'tree-whole' }, cut), { level: level + 1, index: 0, size: 1 }, false);
    this.rows.set(leaf, { level: level + 1, path });
    return [leaf];
  }

  // ---- opening and closing ----

  isOpen(row) { return row.getAttribute('aria-expanded') === 'true'; }
  isClosed(row) { return row.getAttribute('aria-expanded') === 'false'; }

  // Answers the rows that are new.
  open(row) {
    if (!this.isClosed(row)) return [];
    const made = this.rows.get(row).node.children ? this.batch(row, 0) : this.whole(row);
    row.setAttribute('aria-expanded', 'true');
    row.after(...made);
    return made;
  }

  close(row) {
    const { level } = this.rows.get(row);
    let held = false;

    while (row.nextSibling && this.rows.get(row.nextSibling).level > level) {
      held ||= row.nextSibling === this.current;
      row.nextSibling.remove();
    }
    row.setAttribute('aria-expanded', 'false');
    if (held) this.select(row);
  }

  more(row) {
    const { parent, from } = this.rows.get(row);
    const made = this.batch(parent, from);
    row.after(...made);
    this.select(made[0], row.contains(document.activeElement));
    row.remove();
  }

  // Opens containers, the outer ones first, while no more than so many rows are there.
  openWithin(limit) {
    let rows = [...this.tree.children];
    let count = rows.length;

    while (rows.length > 0) {
      const next = [];
      for (const row of rows) {
        const { node } = this.rows.get(row);
        if (!node?.children) continue;
        if (this.isOpen(row)) continue;
        count += Math.min(node.children.length, BATCH);
        if (count > limit) return;
        next.push(...this.open(row));
      }
      rows = next;
    }
  }

  closeAll() {
    this.close(this.tree.firstChild);
    this.select(this.tree.firstChild);
  }

  // ---- where the reader is ----

  select(row, focus = false) {
    this.current.tabIndex = -1;
    this.current.setAttribute('aria-selected', 'false');
    this.current = row;
    row.tabIndex = 0;
    if (focus) row.focus();
    else this.focused(row);
  }

  focused(row) {
    if (!row) return;
    if (row !== this.current) this.select(row);
    row.setAttribute('aria-selected', 'true');
    this.path.textContent = this.rows.get(row).path;
  }

  parent(row) {
    const { level } = this.rows.get(row);
    let at = row.previousSibling;
    while (at && this.rows.get(at).level >= level) at = at.previousSibling;
    return at;
  }

  activate(row) {
    if (this.rows.get(row).parent) this.more(row);
    else if (this.isOpen(row)) this.close(row);
    else this.open(row);
  }

  click(event) {
    const row = event.target.closest('[role=treeitem]');
    // Whoever marks text wants to copy it.
    if (!row || String(getSelection())) return;
    row.focus();
    this.activate(row);
  }

  key(event) {
    const row = event.target.closest('[role=treeitem]');
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const go = (to) => { if (to) this.select(to, true); };
    const keys = {
      ArrowDown: () => go(row.nextSibling),
      ArrowUp: () => go(row.previousSibling),
      ArrowRight: () => (this.isOpen(row) ? go(row.nextSibling) : this.open(row)),
      ArrowLeft: () => (this.isOpen(row) ? this.close(row) : go(this.parent(row))),
      Home: () => go(this.tree.firstChild),
      End: () => go(this.tree.lastChild),
      Enter: () => this.activate(row),
      ' ': () => this.activate(row),
      '*': () => this.openSiblings(row),
    };
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  }

  openSiblings(row) {
    const { level } = this.rows.get(row);
    const above = this.parent(row);
    const siblings = [...this.tree.children].filter((other) =>
      this.rows.get(other).level === level && this.parent(other) === above);
    for (const other of siblings) if (this.rows.get(other).node?.children) this.open(other);
  }
}
