// The frame: what is loaded, how fast and from where; logging in by a token, and out; the menu and the router.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Coffer, homeTrusting, Profile } from './harness.js';

let coffer;
let profile;
const pages = [];

before(async () => {
  coffer = await Coffer.start();
  profile = await Profile.open(await homeTrusting(coffer.ca));
});
after(async () => {
  await profile?.close();
  await coffer?.stop();
});
afterEach(async () => {
  for (const page of pages.splice(0)) {
    page.watch.check();
    await page.close();
  }
});

async function open(address) {
  const page = await profile.page(coffer, address);
  pages.push(page);
  return page;
}

async function logIn(page, token) {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.getByRole('button', { name: 'Log out' }).waitFor();
}

test('the first view is below 200 KiB, and comes from one origin', async () => {
  const page = await open('/');
  await page.getByRole('heading', { level: 1, name: 'Start' }).waitFor();
  const { bytes, ready } = await page.evaluate(() => ({
    bytes: [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]
      .reduce((sum, entry) => sum + entry.decodedBodySize, 0),
    ready: performance.now(),
  }));
  console.log(`first view: ${bytes} bytes in ${page.watch.requests.length} requests, usable within ${Math.round(ready)} ms`);
  assert.ok(bytes > 0 && bytes < 200 * 1024, `${bytes} bytes`);
});

test('a token logs in, a reload forgets it, and nothing is stored', async () => {
  const page = await open('/');
  await logIn(page, coffer.token);
  await page.getByText('You are admin.').waitFor();
  const kept = await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length]);
  assert.deepEqual(kept, ['', 0, 0]);
  await page.reload();
  await page.getByLabel('Token').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Log out' }).count(), 0);
});

test('a wrong token is refused in words', async () => {
  const page = await open('/');
  page.watch.allow(401);
  await page.getByLabel('Token').fill(`coffer_${'A'.repeat(43)}`);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await page.getByRole('alert').getByText('The server does not accept this token.').waitFor();
});

test('logging out ends the session on the page', async () => {
  const page = await open('/');
  await logIn(page, coffer.token);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Token').waitFor();
});

test('a path that is nothing says so, and the title follows', async () => {
  const page = await open('/#/no/such/thing');
  await page.getByRole('heading', { level: 1, name: 'Nothing here' }).waitFor();
  assert.equal(await page.title(), 'Nothing here · coffer');
});

test('the page says whom it trusts', async () => {
  const page = await open('/');
  await page.getByRole('contentinfo').getByText('The command line, coffer, does not have to trust it.').waitFor();
});
