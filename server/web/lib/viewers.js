// Shows what a record holds, and runs none of it. Text is always text; pictures are decoded as pictures; a PDF is only
// opened, elsewhere, when nothing in it acts (pdf_scan.js); everything else is a download. No record is ever given to
// the browser as a document of this origin.
import { h } from './dom.js';
import { scanPdf } from './pdf_scan.js';
import { sizeText, viewerOf } from './media.js';
import { looksBinary } from './encoding.js';
import { hl7View, jsonView, textView } from './text_views.js';

// An object URL that the cleanup revokes.
function objectUrl(context, bytes, type) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  context.cleanups.push(() => URL.revokeObjectURL(url));
  return url;
}

const note = (text, kind = '') => h('p', { class: `note ${kind}` }, text);

function image(context) {
  const { bytes, type, strings } = context;
  const size = h('p', { class: 'hint' });
  const picture = h('img', {
    class: 'picture', alt: strings.viewer.imageAlt,
    onload: () => { size.textContent = strings.viewer.imageSize(picture.naturalWidth, picture.naturalHeight); },
    onerror: () => picture.replaceWith(note(strings.viewer.imageBroken, 'warn')),
  });
  picture.src = objectUrl(context, bytes, type);
  return [picture, size];
}

const DRAWING_MAX = 2000;

// SVG becomes pixels here: as an image it neither runs scripts nor loads anything, and no tab can be opened of it, as of
// an <img>, in which it would be a document.
function drawing(context) {
  const { bytes, strings } = context;
  const canvas = h('canvas', { class: 'picture', role: 'img', 'aria-label': strings.viewer.imageAlt, width: 1, height: 1 });
  const picture = new Image();

  picture.onload = () => {
    const width = picture.naturalWidth || 300;
    const height = picture.naturalHeight || 150;
    const scale = Math.min(1, DRAWING_MAX / Math.max(width, height));
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
    canvas.dataset.drawn = 'yes';
  };
  picture.onerror = () => canvas.replaceWith(note(strings.viewer.imageBroken, 'warn'));
  picture.src = objectUrl(context, bytes, 'image/svg+xml');
  return [note(strings.viewer.drawing), canvas, ...textView(context)];
}

async function pdf(context) {
  const { strings } = context;
  const verdict = await scanPdf(context.bytes);
  if (verdict !== 'quiet') return [note(strings.viewer[verdict === 'active' ? 'pdfActive' : 'pdfUnknown'], 'warn')];
  const url = objectUrl(context, context.bytes, 'application/pdf');
  return [note(strings.viewer.pdfQuiet), h('p', null,
    h('a', { class: 'button', href: url, target: '_blank', rel: 'noopener noreferrer' }, strings.viewer.pdfOpen))];
}

function download(context) {
  const { bytes, type, strings } = context;
  const nodes = [note(strings.viewer.notShown(type))];
  if (bytes && bytes.length > 0 && !looksBinary(bytes)) {
    const place = h('div', null, h('p', null, strings.viewer.asText), h('button', {
      type: 'button', onclick: () => place.replaceChildren(...textView(context)),
    }, strings.viewer.asTextShow));
    nodes.push(place);
  }
  return nodes;
}

// Text is of use when it is cut, the rest is not.
const VIEWS = {
  json: { show: jsonView, whole: true, otherwise: textView },
  hl7: { show: hl7View, whole: false },
  text: { show: textView, whole: false },
  image: { show: image, whole: true },
  drawing: { show: drawing, whole: true, otherwise: textView },
  pdf: { show: pdf, whole: true },
  download: { show: download, whole: false },
};

// Whether it is worth fetching more than a little of a record of this type.
export const isShown = (mediaType) => viewerOf(mediaType) !== 'download';

// content: {bytes, type, total}; bytes may be fewer than total. Fills `root`, and answers a function that gives back
// what that took.
export async function showContent(root, content, strings) {
  const context = { ...content, strings, cleanups: [] };
  const view = VIEWS[viewerOf(content.type)];
  const whole = content.bytes.length === content.total;
  const cleanup = () => context.cleanups.forEach((clean) => clean());

  root.replaceChildren();
  if (!whole && view.show !== download) {
    const text = !view.whole || view.otherwise;
    root.append(text ? note(strings.viewer.cut(sizeText(content.bytes.length), sizeText(content.total)))
      : note(strings.viewer.tooLarge(sizeText(content.total))));
    if (!text) return cleanup;
  }
  const show = !whole && view.otherwise ? view.otherwise : view.show;
  root.append(...await show(context));
  return cleanup;
}
