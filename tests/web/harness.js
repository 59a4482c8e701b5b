// A coffer of its own and a browser that trusts it alone. Every page that is opened here is watched: a violated policy, an
// error on the console, an uncaught error, and a request to any other origin fail the test.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { after, afterEach, before } from 'node:test';
import { promisify } from 'node:util';

export const ROOT = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
export const DATA = process.env.COFFER_TEST_DATA ?? path.join(ROOT, '../shared/data');
const BINARY = path.resolve(process.env.COFFER_BINARY ?? path.join(ROOT, 'build/release/coffer'));
const CHROMIUM = process.env.COFFER_CHROMIUM ?? '/usr/bin/chromium';
const START_MS = 60_000;
const WAIT_MS = 20_000;

if (!process.env.COFFER_WEB_MODULES) throw new Error('run script/test-web, which installs what this needs');
export const require = createRequire(path.join(process.env.COFFER_WEB_MODULES, 'x.js'));
const { chromium, firefox } = require('playwright-core');
const execute = promisify(execFile);

export function temporary(name) {
  return fs.mkdtempSync(path.join(os.tmpdir(), `coffer-web-${name}-`));
}

// Its standard output. A command that reads no input may end before it could be given any: how it ends is what counts.
async function feed(running, input) {
  running.child.stdin.on('error', (error) => { if (error.code !== 'EPIPE') throw error; });
  running.child.stdin.end(input);
  return (await running).stdout;
}

// ---- the service ----------------------------------------------------------------------------------------------------

export class Coffer {
  static async start(...options) {
    const coffer = new Coffer();
    coffer.options = options;
    coffer.root = temporary('data');
    coffer.data = path.join(coffer.root, 'data');
    await coffer.up();
    return coffer;
  }

  // port: the one of before, when what the browser knows is to go on.
  async up(port = 0) {
    this.process = spawn(BINARY, ['serve', '--data', this.data, '--listen', `127.0.0.1:${port}`, '--access-log', 'off',
      '--login-rate', '0', ...this.options], { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = [];
    let timer;
    const found = new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`coffer did not start:\n${said.join('\n')}`)), START_MS);
      for (const stream of [this.process.stdout, this.process.stderr]) {
        readline.createInterface({ input: stream }).on('line', (line) => {
          said.push(line);
          const match = /https:\/\/(?:127\.0\.0\.1|localhost):(\d+)/.exec(line);
          if (match) resolve(Number(match[1]));
        });
      }
      this.process.once('exit', () => reject(new Error(`coffer ended:\n${said.join('\n')}`)));
    });
    this.port = await found;
    clearTimeout(timer);
    this.origin = `https://localhost:${this.port}`;
    this.ca = path.join(this.data, 'tls', 'ca.pem');
    this.token = fs.readFileSync(path.join(this.data, 'admin.token'), 'ascii').trim();
  }

  async down() {
    if (this.process?.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, 'exit');
      this.process.kill('SIGTERM');
      await ended;
    }
  }

  async stop() {
    await this.down();
    fs.rmSync(this.root, { recursive: true, force: true });
  }

  // A coffer command that ends by itself; its standard output as text, or as bytes when `encoding` is 'buffer'.
  async run(args, { input, encoding = 'utf8', ...options } = {}) {
    return feed(execute(BINARY, args, { encoding, timeout: 60_000, maxBuffer: 1 << 26, ...options }), input ?? '');
  }

  async invite(name) {
    const file = path.join(this.root, `${name}.invite`);
    await this.run(['invite', name, '-o', file, '--data', this.data, '--url', this.origin]);
    return fs.readFileSync(file, 'ascii').trim();
  }

  // Asks as the administrator, or with another token; a body that is no text goes as JSON.
  async ask(method, target, body, { token = this.token, headers = {} } = {}) {
    const https = await import('node:https');
    return new Promise((resolve, reject) => {
      const request = https.request(this.origin + target, {
        method, headers: { Authorization: `Bearer ${token}`, ...headers }, ca: fs.readFileSync(this.ca),
      }, (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () => {
          const bytes = Buffer.concat(parts);
          const json = /json/.test(response.headers['content-type'] ?? '') ? JSON.parse(bytes) : null;
          resolve({ status: response.statusCode, headers: response.headers, bytes, json });
        });
      });
      request.on('error', reject);
      request.end(body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
    });
  }

  // An account with these roles, and a token of it.
  async account(name, ...roles) {
    const made = await this.ask('POST', '/v1/accounts', { name, roles });
    assert.equal(made.status, 201, made.bytes.toString());
    const token = await this.ask('POST', '/v1/tokens', { account: name });
    assert.equal(token.status, 201, token.bytes.toString());
    return token.json.token;
  }
}

// Debian's own interpreter, which has PyCryptodome; standard output as text, or as bytes.
export async function python(args, input = '', encoding = 'utf8') {
  return feed(execute('/usr/bin/python3', args, { encoding, timeout: 60_000, maxBuffer: 1 << 26 }), input);
}

export const PARTNER = path.join(ROOT, 'docs', 'examples', 'partner.py');

// ---- the browser ----------------------------------------------------------------------------------------------------

// Makes a certificate store that trusts these CA files.
async function trust(store, files) {
  fs.mkdirSync(store, { recursive: true });
  await execute('certutil', ['-d', `sql:${store}`, '-N', '--empty-password']);
  for (const [i, file] of files.entries()) {
    await execute('certutil', ['-d', `sql:${store}`, '-A', '-n', `test-${i}`, '-t', 'C,,', '-i', file]);
  }
}

// A home directory where chromium trusts these CA files, and no other private one.
export async function homeTrusting(...files) {
  const home = temporary('home');
  await trust(path.join(home, '.pki', 'nssdb'), files);
  return home;
}

const ARGUMENTS = ['--no-sandbox', '--headless', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

// One profile: a browser of its own with a directory of its own.
export class Profile {
  // home: of homeTrusting(). options: of a context of playwright.
  static async open(home, options = {}) {
    const profile = new Profile();
    profile.home = home;
    profile.options = options;
    profile.directory = temporary('profile');
    await profile.launch();
    return profile;
  }

  async launch() {
    this.context = await chromium.launchPersistentContext(this.directory, {
      executablePath: CHROMIUM, args: ARGUMENTS, headless: true, env: { ...process.env, HOME: this.home },
      viewport: { width: 1280, height: 800 }, acceptDownloads: true, ...this.options,
    });
    this.context.setDefaultTimeout(WAIT_MS);
  }

  // The same profile in a new process.
  async relaunch() {
    await this.context.close();
    await this.launch();
  }

  async close() {
    await this.context.close();
    fs.rmSync(this.directory, { recursive: true, force: true });
  }

  // A watched page of this coffer; page.watch tells what was seen.
  async page(coffer, address = '/') {
    const page = await this.context.newPage();
    page.watch = new Watch(page, coffer.origin);
    await page.goto(coffer.origin + address);
    return page;
  }
}

export const FIREFOX = process.env.COFFER_FIREFOX ?? '/usr/bin/firefox-esr';

// The same in Debian's Firefox, which keeps what it trusts in its profile; ca: a file.
export class FirefoxProfile extends Profile {
  static async open(ca) {
    const profile = new FirefoxProfile();
    profile.options = {};
    profile.directory = temporary('firefox');
    await trust(profile.directory, [ca]);
    await profile.launch();
    return profile;
  }

  async launch() {
    this.context = await firefox.launchPersistentContext(this.directory, {
      channel: 'moz-firefox', executablePath: FIREFOX, headless: true, viewport: { width: 1280, height: 800 },
    });
    this.context.setDefaultTimeout(WAIT_MS);
  }
}

// What a page does that it must not.
export class Watch {
  constructor(page, origin) {
    this.faults = [];
    this.requests = [];
    this.allowed = [];
    this.meant = [];
    page.on('pageerror', (error) => this.faults.push(`uncaught: ${error.stack ?? error}`));
    page.on('console', (message) => {
      if (message.type() === 'error' || /content security policy|trusted ?type/i.test(message.text())) {
        this.console(message);
      }
    });
    page.on('request', (request) => {
      const url = request.url();
      this.requests.push(request);
      if (new URL(url).origin !== origin && !url.startsWith('blob:')) this.faults.push(`a request to ${url}`);
    });
    page.on('crash', () => this.faults.push('the page crashed'));
  }

  console(message) {
    const refused = /^Failed to load resource: the server responded with a status of (\d+)/.exec(message.text());
    const at = refused ? this.allowed.indexOf(Number(refused[1])) : -1;
    const meant = this.meant.findIndex((pattern) => pattern.test(message.text()));
    if (at >= 0) this.allowed.splice(at, 1);
    else if (meant >= 0) this.meant.splice(meant, 1);
    else this.faults.push(`console: ${message.text()} (${message.location().url})`);
  }

  // The browser writes a line for each answer that is a refusal: so many of these statuses are meant to come.
  allow(...statuses) {
    this.allowed.push(...statuses);
  }

  // One line of the console that is meant to come.
  allowText(pattern) {
    this.meant.push(pattern);
  }

  check() {
    assert.deepEqual(this.faults, []);
  }
}

// ---- waiting --------------------------------------------------------------------------------------------------------

// Until condition() gives something true, which it returns.
export async function until(condition, what = 'the condition') {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

// ---- one service and one browser for a file of tests ------------------------------------------------------------------

// Registers their beginning and end. open(): a page of the common profile, or of another. Every page is checked, and
// closed, after its test. ready(stage) runs once both are there: hooks of a file do not wait for one another.
export function stage({ options = [], ready = async () => {} } = {}) {
  const self = { coffer: null, profile: null, pages: [], home: null };
  before(async () => {
    self.coffer = await Coffer.start(...options);
    self.home = await homeTrusting(self.coffer.ca);
    self.profile = await Profile.open(self.home);
    await ready(self);
  });
  after(async () => {
    await self.profile?.close();
    if (self.home) fs.rmSync(self.home, { recursive: true, force: true });
    await self.coffer?.stop();
  });
  afterEach(async () => {
    const pages = self.pages.splice(0);
    await Promise.all(pages.map((page) => page.close()));
    for (const page of pages) page.watch.check();
  });
  self.open = async (address, profile = self.profile) => {
    const page = await profile.page(self.coffer, address);
    self.pages.push(page);
    return page;
  };
  return self;
}

export async function logInByToken(page, token) {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.getByRole('button', { name: 'Log out' }).waitFor();
}

// Joins by an invite with a fresh key of 2048 bits, and keeps no copy.
export async function join(page, invite) {
  await page.evaluate(() => { location.hash = '#/join'; });
  await page.getByLabel('Invite').fill(invite);
  await page.getByLabel('Size').selectOption('2048');
  await page.getByLabel('I want no copy').check();
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await page.getByRole('button', { name: 'Log out' }).waitFor();
}

// To a view. When it returns the page has begun to draw it, and main[aria-busy] tells until when.
export async function go(page, path) {
  await page.evaluate((hash) => new Promise((resolve) => {
    if (location.hash === hash) resolve();
    addEventListener('hashchange', () => resolve(), { once: true });
    location.hash = hash;
  }), `#${path}`);
}
