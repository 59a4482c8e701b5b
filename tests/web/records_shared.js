// What the browser tests of records, audit and operations share.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { DATA, go as goTo, logInByToken, stage } from './harness.js';

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
