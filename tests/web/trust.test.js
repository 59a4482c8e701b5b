// The browser, not the page, decides whether the server is the right one: with a certificate that is wrong nothing is
// asked of it. The store of certificates of the test's own home directory is the only one that counts.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { after, test } from 'node:test';
import { homeTrusting, Profile, python, ROOT, stage, temporary } from './harness.js';

const scene = stage({ ready: issue });
let directory;
const at = (...names) => path.join(directory, ...names);

// A CA of our own, a good certificate of it for localhost, one that has ended, and one that has not begun.
async function issue() {
  directory = temporary('chains');
  await python(['-c', `
import sys
sys.path.insert(0, ${JSON.stringify(path.join(ROOT, 'tests', 'api'))})
from chains import Authority, date
ca = Authority(sys.argv[1], "ca")
for name, dates in (("good", {}), ("ended", {"start": date(-2 * 86400), "end": date(-86400)}),
                    ("early", {"start": date(86400), "end": date(2 * 86400)})):
    ca.issue("localhost", name, "subjectAltName=DNS:localhost", "extendedKeyUsage=serverAuth", **dates)
`, directory]);
}
after(() => fs.rmSync(directory, { recursive: true, force: true }));

// Opens an address in a profile that trusts these CA files: why it failed, or null.
async function visit(address, ...trusted) {
  const home = await homeTrusting(...trusted);
  const profile = await Profile.open(home);
  try {
    const page = await profile.context.newPage();
    return await page.goto(address).then(() => null, (error) => /net::\w+/.exec(error.message)?.[0] ?? error.message);
  } finally {
    await profile.close();
    fs.rmSync(home, { recursive: true, force: true });
  }
}

test('the right CA: the page opens', async () => {
  assert.equal(await visit(scene.coffer.origin, scene.coffer.ca), null);
});

test('a CA that is not trusted: refused', async () => {
  assert.equal(await visit(scene.coffer.origin), 'net::ERR_CERT_AUTHORITY_INVALID');
  assert.equal(await visit(scene.coffer.origin, at('ca', 'ca.pem')), 'net::ERR_CERT_AUTHORITY_INVALID');
});

// A server with a certificate of that CA: work(port, asked), where asked() counts the requests that came.
async function serving(name, work) {
  const server = https.createServer({ key: fs.readFileSync(at('ca', `${name}.key`)), cert: fs.readFileSync(at('ca', `${name}.pem`)) });
  let count = 0;
  server.on('request', (request, response) => { count += 1; response.end('here'); });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    await work(server.address().port, () => count);
  } finally {
    await new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
  }
}

test('another host name than the certificate has: refused', () => serving('good', async (port, asked) => {
  assert.equal(await visit(`https://localhost:${port}/`, at('ca', 'ca.pem')), null);
  const before = asked();
  assert.ok(before > 0);
  assert.equal(await visit(`https://127.0.0.1:${port}/`, at('ca', 'ca.pem')), 'net::ERR_CERT_COMMON_NAME_INVALID');
  assert.equal(asked(), before, 'nothing was asked');
}));

for (const [name, what] of [['ended', 'has ended'], ['early', 'has not begun']]) {
  test(`a certificate that ${what}: refused`, () => serving(name, async (port, asked) => {
    assert.equal(await visit(`https://localhost:${port}/`, at('ca', 'ca.pem')), 'net::ERR_CERT_DATE_INVALID');
    assert.equal(asked(), 0, 'nothing was asked');
  }));
}
