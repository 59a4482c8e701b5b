// Reads JSON (RFC 8259) without changing it: numbers stay the text that they are, members keep their order, and a name
// that an object has twice is there twice. JSON.parse would lose all three.
//
// parseJson(text, limits) answers a node, or throws a JsonError that says where the text is wrong.
//
// A node: {kind, start, end, key, duplicate, children}
//   kind       'object', 'array', 'string', 'number' or 'literal' (true, false, null)
//   start, end where it stands in the text, in UTF-16 units
//   key        of an object's member, decoded; else null
//   duplicate  whether an earlier member of the same object has this key
//   children   nodes, in the order of the text; null unless object or array
export const JSON_LIMITS = { depth: 512, nodes: 2_000_000 };

export class JsonError extends Error {
  // reason: a key of strings.json.errors; offset: UTF-16 units.
  constructor(reason, text, offset) {
    const { line, column } = position(text, offset);
    super(`${reason} at line ${line}, column ${column}`);
    this.reason = reason;
    this.offset = offset;
    this.line = line;
    this.column = column;
  }
}

// Line and column from 1; a column is a character, not a UTF-16 unit.
export function position(text, offset) {
  let line = 1;
  let begin = 0;

  for (let i = 0; i < offset; i++) {
    const c = text.charCodeAt(i);
    if (c === 10 || (c === 13 && text.charCodeAt(i + 1) !== 10)) {
      line++;
      begin = i + 1;
    }
  }
  let column = 1;
  for (let i = begin; i < offset; column++)
    i += text.codePointAt(i) > 0xffff ? 2 : 1;
  return { line, column };
}

// The very text of a node.
export const rawText = (text, node) => text.slice(node.start, node.end);

// What a string node says, its escapes decoded.
export function stringValue(text, node) {
  const inner = text.slice(node.start + 1, node.end - 1);
  return inner.includes('\\') ? JSON.parse(text.slice(node.start, node.end)) : inner;
}

const QUOTE = 34;
const BACKSLASH = 92;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERAL = /true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

class Reader {
  constructor(text, limits) {
    this.text = text;
    this.limits = limits;
    this.at = 0;
    this.nodes = 0;
  }

  fail(reason, offset = this.at) {
    throw new JsonError(this.at >= this.text.length && reason !== 'depth' ? 'end' : reason, this.text, offset);
  }

  // The next character that is no white space, not yet consumed; NaN at the end.
  peek() {
    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return c;
      this.at++;
    }
  }

  match(pattern) {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return false;
    this.at = pattern.lastIndex;
    return true;
  }

  // Leaves `at` behind the closing quote.
  skipString() {
    const start = this.at++;

    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (c === QUOTE) {
        this.at++;
        return start;
      }
      if (c === BACKSLASH) {
        if (!this.match(ESCAPE))
          this.fail('escape');
      } else if (c < 32) {
        this.fail('control');
      } else if (Number.isNaN(c)) {
        this.fail('end');
      } else {
        this.at++;
      }
    }
  }

  node(kind, start, key) {
    if (++this.nodes > this.limits.nodes)
      throw new JsonError('nodes', this.text, start);
    return { kind, start, end: this.at, key, duplicate: false, children: null };
  }

  // A value that is no container, or null when one begins here.
  scalar(key) {
    const c = this.peek();
    const start = this.at;

    if (c === QUOTE) {
      this.skipString();
      return this.node('string', start, key);
    }
    if (c === 45 || (c >= 48 && c <= 57)) {
      if (!this.match(NUMBER))
        this.fail('number');
      const after = this.text.charCodeAt(this.at);
      // 01, 1.e5, 1.2.3: what is left of it is no number.
      if ((after >= 48 && after <= 57) || after === 46 || after === 101 || after === 69)
        this.fail('number');
      return this.node('number', start, key);
    }
    if (this.match(LITERAL)) return this.node('literal', start, key);
    if (c !== 123 && c !== 91)
      this.fail('value');
    return null;
  }

  // The name of the next member, with its colon.
  member(open) {
    if (this.peek() !== QUOTE)
      this.fail('name');
    const start = this.skipString();
    const key = stringValue(this.text, { start, end: this.at });
    if (this.peek() !== 58)
      this.fail('colon');
    this.at++;
    const duplicate = open.keys.has(key);
    open.keys.add(key);
    return { key, duplicate };
  }

  // An object or array that begins here, without what is in it.
  container(key, depth) {
    if (depth >= this.limits.depth)
      throw new JsonError('depth', this.text, this.at);
    const node = this.node(this.text.charCodeAt(this.at) === 123 ? 'object' : 'array', this.at, key);
    node.children = [];
    this.at++;
    return node;
  }

  document() {
    const stack = [];
    let name = { key: null, duplicate: false };
    let root = null;

    for (;;) {
      const scalar = this.scalar(name.key);
      const node = scalar ?? this.container(name.key, stack.length);
      node.duplicate = name.duplicate;
      root ??= node;
      stack.at(-1)?.node.children.push(node);
      if (!scalar)
        stack.push({ node, keys: node.kind === 'object' ? new Set() : null });
      if (!this.next(stack, !scalar)) return root;
      const open = stack.at(-1);
      name = open.keys ? this.member(open) : { key: null, duplicate: false };
    }
  }

  // Closes what ends here. Whether another value comes, for the container on top of the stack.
  next(stack, first) {
    while (stack.length > 0) {
      const { node } = stack[stack.length - 1];
      const c = this.peek();
      if (c === (node.kind === 'object' ? 125 : 93)) {
        this.at++;
        node.end = this.at;
        stack.pop();
        first = false;
        continue;
      }
      if (first) return true;
      if (c !== 44)
        this.fail('comma');
      this.at++;
      return true;
    }
    return false;
  }
}

// limits: {depth, nodes}, containers in one another and values in all; see JSON_LIMITS.
export function parseJson(text, limits = JSON_LIMITS) {
  const reader = new Reader(text, limits);
  const root = reader.document();

  if (!Number.isNaN(reader.peek()))
    reader.fail('after');
  return root;
}
