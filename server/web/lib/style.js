// Style sheets of views, loaded when first needed and kept.
import { h } from './dom.js';

const loaded = new Map();

// name: of a file beside style.css. Resolves when it counts, so that nothing is shown without it.
export function needStyle(name) {
  if (!loaded.has(name)) {
    loaded.set(name, new Promise((resolve, reject) => {
      document.head.append(h('link', {
        rel: 'stylesheet', href: new URL(`../${name}`, import.meta.url).href, onload: resolve,
        onerror: () => {
          loaded.delete(name);
          reject(new Error(`${name} did not load`));
        },
      }));
    }));
  }
  return loaded.get(name);
}
