// What the browser tests of records, audit and operations share.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { DATA, go as goTo, logInByToken, require, stage } from './harness.js';

export const RECORDS = path.join(DATA, 'records');
export const real = fs.existsSync(RECORDS);

// Samples of our own, where there is no test data: [file name, media type, bytes].
const OWN = {
  'fhir/hl7-r4/Observation-decimal.json': '{"resourceType":"Observation","id":"decimal","valueQuantity":{"value":1.000000000000000000E-245}}',
  'hl7v2/ADT-A01-01.hl7': 'MSH|^~\\&|A|B|C|D|20200101||ADT^A01|1|P|2.5\rPID|1||7^^^X||Doe^Jane\r',
  'ccda/CCD_2.xml': '<?xml version="1.0"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Note</title></ClinicalDocument>\n',
  'dicom/MR_small.dcm': `${'\0'.repeat(128)}DICM\x02\0\0\0UL\x04\0`,
};

// The bytes of a record of the test data, or of our own in its place.
export function sample(name) {
  return real ? fs.readFileSync(path.join(RECORDS, name)) : Buffer.from(OWN[name] ?? assert.fail(`no sample ${name}`), 'latin1');
}

// A stage (harness.js) with what these views need: view() opens one, with a token or none; store() stores a record.
export function bench(ready = async () => {}) {
  const self = stage({ ready });
  self.view = async (view, token = null) => {
    const page = await self.open('/');
    if (token) await logInByToken(page, token);
    await go(page, view);
    return page;
  };
  self.store = async (token, bytes, type, headers = {}) => {
    const made = await self.coffer.ask('POST', '/v1/records', bytes, { token, headers: { 'Content-Type': type, ...headers } });
    assert.equal(made.status, 201, made.bytes.toString());
    return made.json.id;
  };
  return self;
}

// Goes to a view and waits until it is drawn.
export async function go(page, view) {
  await goTo(page, view);
  await settled(page);
}

export async function settled(page) {
  await page.waitForFunction(() => document.querySelector('main h1') && !document.querySelector('main[aria-busy]'));
}

// ---- accessibility, and pictures ----

const axeSource = () => fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

// No violation of any of axe's rules for WCAG 2.2 AA and good practice.
export async function assertAccessible(page, name) {
  await page.evaluate(axeSource());
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const told = violations.map((one) => `${one.id}: ${one.help}\n${one.nodes.slice(0, 4).map((node) => `    ${node.html.slice(0, 200)}
      ${node.failureSummary.replaceAll('\n', ' ')}`).join('\n')}`);
  assert.equal(told.length, 0, `${name}:\n${told.join('\n')}`);
}

const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };

// Each size, light and dark: nothing sticks out, axe finds nothing, and there is a picture of it.
export async function portray(page, name) {
  const folder = process.env.COFFER_SCREENSHOTS;
  fs.mkdirSync(folder, { recursive: true });
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${name}: ${wide} pixels too wide at ${size}`);
      await assertAccessible(page, `${name}, ${size}, ${colorScheme}`);
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: path.join(folder, `${name}-${size}-${colorScheme}.png`), fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
}
