// The reader of JSON: strict, and exact in what JSON.parse loses.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { data, DATA, load, noData } from './modules.js';

const { JSON_LIMITS, JsonError, parseJson, rawText, stringValue } = await load('lib/json_exact.js');

const fails = (text, limits) => {
  try {
    parseJson(text, limits);
  } catch (error) {
    assert.ok(error instanceof JsonError, error);
    return { reason: error.reason, line: error.line, column: error.column };
  }
  return null;
};

test('JSONTestSuite: what must parse does, and what must be refused is', { skip: noData }, () => {
  const folder = path.join(DATA, 'json-suite/test_parsing');
  let count = 0;
  for (const name of fs.readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    let accepted = true;
    try {
      parseJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(fs.readFileSync(path.join(folder, name))));
    } catch (error) {
      assert.ok(error instanceof JsonError || error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA', `${name}: ${error.stack}`);
      accepted = false;
    }
    if (name.startsWith('y_')) assert.equal(accepted, true, name);
    if (name.startsWith('n_')) assert.equal(accepted, false, name);
    count += 1;
  }
  assert.ok(count > 200, `${count} files`);
});

test('numbers stay the text that they are', () => {
  for (const number of ['1.000000000000000000E-245', '-0', '0.10', '1e400', '12345678901234567890', '1E+2', '-0.0e-0']) {
    const text = `{"value": ${number}}`;
    assert.equal(rawText(text, parseJson(text).children[0]), number);
  }
});

test('members keep their order, and a name used twice is there twice, and told', () => {
  const text = '{"b": 1, "a": 2, "\\u0062": 3, "__proto__": 4, "2": 5, "1": 6}';
  const { children } = parseJson(text);
  assert.deepEqual(children.map(({ key }) => key), ['b', 'a', 'b', '__proto__', '2', '1']);
  assert.deepEqual(children.map(({ duplicate }) => duplicate), [false, false, true, false, false, false]);
});

test('names are told apart for each object by itself', () => {
  const inner = parseJson('{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}');
  const all = [inner];
  for (const node of all) all.push(...(node.children ?? []));
  assert.equal(all.some(({ duplicate }) => duplicate), false);
});

test('strings are decoded when asked, lone surrogates and all', () => {
  for (const [text, value] of [['"a\\n\\u00e9\\\\"', 'a\né\\'], ['"\\ud800"', '\ud800'], ['"\\ud83d\\ude00"', '😀'], ['""', '']]) {
    assert.equal(stringValue(text, parseJson(text)), value);
  }
});

test('an error says where', () => {
  const cases = [
    ['', 'end', 1, 1], ['{"a":1,\n  "b": tru}', 'value', 2, 8], ['[1 2]', 'comma', 1, 4], ['[01]', 'number', 1, 3],
    ['[1.e3]', 'number', 1, 3], ['{"a" 1}', 'colon', 1, 6], ['{a:1}', 'name', 1, 2], ['[1] x', 'after', 1, 5], ['[1,]', 'value', 1, 4],
    ['["a\tb"]', 'control', 1, 4], ['["\\x"]', 'escape', 1, 3], ['["\\u12g4"]', 'escape', 1, 3], ['["é😀", x]', 'value', 1, 8],
    ['[\r\n\r\n x]', 'value', 3, 2], ['[\r x]', 'value', 2, 2], ['["abc', 'end', 1, 6], ['[1', 'end', 1, 3], ['{"a":1,}', 'name', 1, 8],
    ['\ufeff{}', 'value', 1, 1], ['[1}', 'comma', 1, 3], ['nul', 'value', 1, 1], ['-', 'end', 1, 2],
  ];
  for (const [text, reason, line, column] of cases) {
    const found = fails(text);
    if (reason !== 'end') assert.deepEqual(found, { reason, line, column }, JSON.stringify(text));
    else assert.equal(found?.line, line, JSON.stringify(text));
  }
});

test('every prefix of a document is refused, and nothing but JsonError is thrown', () => {
  const text = '{"a": [1.5e3, -0, true, null, "x\\u00e9\\n"], "b": {"c": []}}';
  for (let size = 0; size < text.length; size++) assert.notEqual(fails(text.slice(0, size)), null, text.slice(0, size));
  assert.equal(fails(text), null);
});

test('depth and the number of values are bounded, and deep input cannot exhaust the stack', () => {
  const nested = (depth) => '['.repeat(depth) + ']'.repeat(depth);
  assert.equal(fails(nested(JSON_LIMITS.depth)), null);
  assert.equal(fails(nested(JSON_LIMITS.depth + 1)).reason, 'depth');
  assert.equal(fails('['.repeat(1_000_000)).reason, 'depth');
  assert.equal(fails('{"a":'.repeat(1_000_000)).reason, 'depth');
  assert.equal(fails('[1,2,3]', { depth: 9, nodes: 3 }).reason, 'nodes');
  assert.equal(fails('[1,2]', { depth: 9, nodes: 3 }), null);
});

test('a tree says the same as JSON.parse, where that loses nothing', { skip: noData }, () => {
  const value = (text, node) => {
    if (node.kind === 'object') return Object.fromEntries(node.children.map((child) => [child.key, value(text, child)]));
    if (node.kind === 'array') return node.children.map((child) => value(text, child));
    return node.kind === 'string' ? stringValue(text, node) : JSON.parse(rawText(text, node));
  };
  const folder = 'records/fhir/hl7-r4';
  for (const name of fs.readdirSync(path.join(DATA, folder)).filter((file) => file.endsWith('.json'))) {
    const text = new TextDecoder().decode(data(`${folder}/${name}`));
    assert.deepEqual(value(text, parseJson(text)), JSON.parse(text), name);
  }
});
