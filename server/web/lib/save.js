// Files that the page hands to the reader.
import { h } from './dom.js';

// content: a Blob, or text. It is never opened, only saved: its type says nothing that a browser would run.
export function save(content, name, type = 'application/octet-stream') {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = h('a', { href: url, download: name, hidden: true });

  document.body.append(link);
  link.click();
  link.remove();
  // The browser has begun to copy it by then; an object URL would otherwise hold the bytes until the page goes.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
