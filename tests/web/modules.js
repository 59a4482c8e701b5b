// The page's own modules, in node: what needs no browser is tested without one.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { webcrypto } from 'node:crypto';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const DATA = process.env.COFFER_TEST_DATA ?? path.join(ROOT, '../shared/data');

// Node 18 has the first under another name, and not the second.
globalThis.crypto ??= webcrypto;
globalThis.CustomEvent ??= class extends Event {
  constructor(type, { detail = null } = {}) {
    super(type);
    this.detail = detail;
  }
};

// A copy that node takes for modules: in the repository nothing beside them says so, since browsers need nothing said.
const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'coffer-web-modules-'));
fs.cpSync(path.join(ROOT, 'server/web'), copy, { recursive: true });
fs.writeFileSync(path.join(copy, 'package.json'), '{"type": "module"}\n');
process.once('exit', () => fs.rmSync(copy, { recursive: true, force: true }));

// name: as lib/json_exact.js.
export const load = (name) => import(pathToFileURL(path.join(copy, name)).href);
export const data = (name) => new Uint8Array(fs.readFileSync(path.join(DATA, name)));
// Why tests on real records are skipped, or false.
export const noData = fs.existsSync(path.join(DATA, 'records')) ? false : `no test data in ${DATA}`;
