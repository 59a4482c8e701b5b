// Reads an OpenAPI 3.1 document for people: operations by tag, what they take and answer, an example for curl. Follows
// references inside the document and no others.

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'];

// What "#/components/…" stands for; undefined when it is not there. A reference beside other members adds to them.
export function resolve(doc, value) {
  const seen = new Set();
  let at = value;

  while (at && typeof at === 'object' && typeof at.$ref === 'string') {
    if (seen.has(at.$ref) || !at.$ref.startsWith('#/')) return undefined;
    seen.add(at.$ref);
    const { $ref, ...rest } = at;
    const target = $ref.slice(2).split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce((node, part) => (node && Object.hasOwn(node, part) ? node[part] : undefined), doc);
    at = target && typeof target === 'object' ? { ...target, ...rest } : target;
  }
  return at;
}

// The last word of a reference: the schema's name.
export const refName = (value) => (typeof value?.$ref === 'string' ? value.$ref.split('/').at(-1) : null);

function operation(doc, path, item, method) {
  const own = item[method];
  const shared = (item.parameters ?? []).map((parameter) => resolve(doc, parameter));
  const parameters = (own.parameters ?? []).map((parameter) => resolve(doc, parameter));
  const overridden = (p) => parameters.some((q) => q.name === p.name && q.in === p.in);
  return {
    id: own.operationId, method: method.toUpperCase(), path, tags: own.tags ?? [], summary: own.summary ?? '',
    description: own.description ?? '', security: own.security ?? doc.security ?? [],
    parameters: [...shared.filter((p) => !overridden(p)), ...parameters],
    body: own.requestBody ? resolve(doc, own.requestBody) : null,
    responses: Object.entries(own.responses ?? {}).map(([status, answer]) => ({ status, ...resolve(doc, answer) })),
  };
}

// [{name, description, operations}] in the order of the document's tags; what has none comes last, under ''.
export function groups(doc) {
  const operations = Object.entries(doc.paths ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => operation(doc, path, item, method)));
  const tags = (doc.tags ?? []).map(({ name, description = '' }) => ({ name, description }));
  const known = new Set(tags.map(({ name }) => name));
  const all = [...tags, { name: '', description: '' }];

  return all.map((tag) => ({
    ...tag, operations: operations.filter(({ tags: own }) =>
      (tag.name === '' ? !own.some((name) => known.has(name)) : own[0] === tag.name)),
  })).filter((tag) => tag.operations.length > 0);
}

// Whether each word occurs in what an operation is called, does or takes.
export function matches(op, filter) {
  const hay = [op.id, op.method, op.path, op.summary, op.description,
    ...op.parameters.map((p) => p.name)].join(' ').toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => hay.includes(word));
}

// [[{code, text}]]: paragraphs of text, in which what stood between backticks is code.
export function prose(text) {
  return text.trim().split(/\n\s*\n/).map((paragraph) => paragraph.replace(/\s*\n\s*/g, ' ').split('`')
    .map((part, i) => ({ code: i % 2 === 1, text: part })).filter((part) => part.text !== ''));
}

// ---- schemas ----

const list = (values) => values.map((value) => JSON.stringify(value)).join(', ');

// [[name, value]] of what bounds a schema, in words of JSON Schema.
const BOUNDS = ['minimum', 'maximum', 'minLength', 'maxLength', 'pattern', 'minItems', 'maxItems', 'format'];

function bounds(schema) {
  const found = BOUNDS.filter((name) => schema[name] !== undefined).map((name) => [name, String(schema[name])]);
  if (schema.default !== undefined) found.push(['default', JSON.stringify(schema.default)]);
  return found;
}

function typeText(schema) {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return list(schema.enum);
  if (Array.isArray(schema.type)) return schema.type.join(' | ');
  return schema.type ?? (schema.properties ? 'object' : 'any');
}

// {name, ref, type, bounds, description, required, children}: a schema with all that is in it. Where a schema is inside
// itself its name stands alone.
export function shape(doc, schema, name = '', required = false, within = []) {
  const ref = refName(schema);
  const whole = resolve(doc, schema) ?? {};
  const circular = ref !== null && within.includes(ref);
  const deeper = ref === null ? within : [...within, ref];
  const node = {
    name, ref, type: typeText(whole), bounds: bounds(whole), description: whole.description ?? '', required, children: [],
  };

  if (circular) return node;
  if (whole.properties) {
    const needed = new Set(whole.required ?? []);
    node.children = Object.entries(whole.properties).map(([key, value]) => shape(doc, value, key, needed.has(key), deeper));
  } else if (whole.items) {
    const item = shape(doc, whole.items, '', false, deeper);
    node.type = `array of ${item.type}`;
    node.ref ??= item.ref;
    node.bounds.push(...item.bounds);
    node.children = item.children;
  }
  for (const kind of ['oneOf', 'anyOf', 'allOf']) {
    for (const part of whole[kind] ?? []) node.children.push(shape(doc, part, kind, false, deeper));
  }
  return node;
}

// ---- an example ----

const quote = (text) => (/^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

const EXAMPLES = { 'If-Match': '"1"', 'If-None-Match': '"1"', Range: 'bytes=0-99' };

function sample(doc, schema, within = []) {
  const ref = refName(schema);
  const whole = resolve(doc, schema) ?? {};
  if (whole.const !== undefined) return whole.const;
  if (whole.enum) return whole.enum[0];
  if (ref !== null && within.includes(ref)) return null;
  const deeper = ref === null ? within : [...within, ref];
  if (whole.type === 'array') return [sample(doc, whole.items ?? {}, deeper)];
  if (whole.type === 'object') {
    const needed = whole.required ?? Object.keys(whole.properties ?? {}).slice(0, 1);
    return Object.fromEntries(needed.map((key) => [key, sample(doc, whole.properties?.[key] ?? {}, deeper)]));
  }
  return { integer: whole.minimum ?? 0, number: 0, boolean: true }[whole.type] ?? '…';
}

function bodyArguments(doc, body) {
  const [type, media] = Object.entries(body.content ?? {})[0] ?? ['*/*', {}];
  const schema = resolve(doc, media.schema ?? {}) ?? {};
  if (type === 'application/json' && schema.type === 'object') {
    return ['-H', 'Content-Type: application/json', '--data', JSON.stringify(sample(doc, media.schema))];
  }
  return ['-H', `Content-Type: ${type === '*/*' ? 'application/octet-stream' : type}`, '--data-binary', '@FILE'];
}

// A command line for this operation, for a shell. origin: of the server. `{id}` is left as ID.
export function curl(doc, op, origin) {
  const open = op.security.length === 0 || op.security.some((one) => Object.keys(one).length === 0);
  const path = op.path.replace(/\{(\w+)\}/g, (_, name) => name.toUpperCase());
  const words = ['curl', ...(open ? ['--cacert', 'coffer-data/tls/ca.pem'] : ['-K', 'coffer-data/admin.curl'])];

  if (op.method !== 'GET') words.push('-X', op.method);
  for (const parameter of op.parameters) {
    const wanted = parameter.required || (parameter.name === 'If-Match' && op.method === 'PUT');
    if (parameter.in === 'header' && wanted) words.push('-H', `${parameter.name}: ${EXAMPLES[parameter.name] ?? '…'}`);
  }
  if (op.body) words.push(...bodyArguments(doc, op.body));
  return [...words.map(quote), quote(origin + path)].join(' ');
}
