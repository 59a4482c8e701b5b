// How a view looks, and whether everybody can use it: axe-core, and screenshots, at the size of a telephone and of a desk,
// light and dark.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { require } from './harness.js';

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };
const DIRECTORY = process.env.COFFER_SCREENSHOTS;

// What axe-core finds in the page as it is, a line each.
async function violations(page) {
  await page.evaluate(`if (!globalThis.axe) { ${AXE} }; undefined`);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] })
    .then(({ violations: list }) => list.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) => `${node.html} ${node.failureSummary}`) }))));
  return found.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.join('\n    ')}`);
}

// Looks at the view that is shown, and leaves the page at the size of a desk, light. name: of the files.
export async function look(page, name) {
  const faults = [];
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      if (DIRECTORY) {
        fs.mkdirSync(DIRECTORY, { recursive: true });
        await page.screenshot({ path: path.join(DIRECTORY, `${name}-${size}-${colorScheme}.png`), fullPage: true });
      }
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) faults.push(`${size}: ${wide} pixels too wide`);
      faults.push(...(await violations(page)).map((line) => `${size}, ${colorScheme}: ${line}`));
    }
  }
  await page.setViewportSize(SIZES.desktop);
  await page.emulateMedia({ colorScheme: 'light' });
  assert.deepEqual(faults, [], name);
}
