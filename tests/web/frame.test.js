// The frame: what is loaded, how fast and from where; logging in by a token, and out; the menu and the router.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logInByToken, stage, until } from './harness.js';

const scene = stage();
const { open } = scene;

test('the first view is below 200 KiB, and comes from one origin', async () => {
  const page = await open('/');
  await page.getByRole('heading', { level: 1, name: 'Start' }).waitFor();
  await until(() => page.evaluate(() => performance.getEntriesByName('coffer-shown').length > 0), 'the first view');
  const { bytes, ready } = await page.evaluate(() => ({
    bytes: [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]
      .reduce((sum, entry) => sum + entry.decodedBodySize, 0),
    ready: performance.getEntriesByName('coffer-shown')[0].startTime,
  }));
  console.log(`first view: ${bytes} bytes in ${page.watch.requests.length} requests, usable within ${Math.round(ready)} ms`);
  assert.ok(bytes > 0 && bytes < 200 * 1024, `${bytes} bytes`);
});

test('a token logs in, a reload forgets it, and nothing is stored', async () => {
  const page = await open('/');
  await logInByToken(page, scene.coffer.token);
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
  await logInByToken(page, scene.coffer.token);
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

test('the policy stops what must not be, and the watch of these tests sees it', async () => {
  const misdeeds = {
    'an image of another host': () => { document.body.append(Object.assign(new Image(), { src: 'https://example.invalid/x.png' })); },
    'a request to another host': () => fetch('https://example.invalid/').catch(() => {}),
    'an inline script': () => { const script = document.createElement('script'); try { script.text = '1'; } catch { /* as wanted */ } document.body.append(script); },
    'an inline style': () => { document.body.setAttribute('style', 'color: red'); },
    'an inline handler': () => { try { document.body.setAttribute('onclick', '1'); } catch { /* as wanted */ } },
    'markup': () => { try { document.body.innerHTML = '<b>x</b>'; } catch { /* as wanted */ } },
    eval: () => { setTimeout(() => { try { (0, eval)('1'); } catch { /* as wanted */ } }); },
    'an uncaught error': () => { setTimeout(() => { throw new Error('meant'); }); },
    'a form that goes somewhere': () => { const form = document.createElement('form'); form.action = 'https://example.invalid/'; document.body.append(form); form.submit(); },
    'a frame of another host': () => { const frame = document.createElement('iframe'); frame.src = 'https://example.invalid/'; document.body.append(frame); },
  };
  for (const [name, deed] of Object.entries(misdeeds)) {
    const page = await open('/');
    await page.getByRole('heading', { level: 1, name: 'Start' }).waitFor();
    await page.evaluate(deed);
    await until(() => page.watch.faults.length > 0, `the watch to see ${name}`);
    page.watch.faults.length = 0;
    await page.close();
    page.watch.faults.length = 0;
  }
});
