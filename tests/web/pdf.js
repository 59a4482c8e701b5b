// PDFs made by the tests, some of which would do something when they are opened.
import { deflateSync } from 'node:zlib';

const latin1 = (text) => Buffer.from(text, 'latin1');

// objects: the bodies of objects 1, 2, …, as text or bytes; 1 is the catalogue.
export function pdf(objects, trailer = '') {
  const parts = [latin1('%PDF-1.7\n')];
  const offsets = [];
  let size = parts[0].length;
  const put = (piece) => {
    const bytes = typeof piece === 'string' ? latin1(piece) : piece;
    parts.push(bytes);
    size += bytes.length;
  };

  objects.forEach((body, i) => {
    offsets.push(size);
    put(`${i + 1} 0 obj\n`);
    put(body);
    put('\nendobj\n');
  });
  const start = size;
  put(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`);
  put(offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join(''));
  put(`trailer<</Size ${objects.length + 1}/Root 1 0 R${trailer}>>\nstartxref\n${start}\n%%EOF\n`);
  return Buffer.concat(parts);
}

const PAGES = '<</Type/Pages/Kids[3 0 R]/Count 1>>';
const PAGE = '<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<<>>>>';
const CONTENT = '<</Length 31>>stream\n0.5 0.8 0.5 rg 50 50 99 99 re f\nendstream';

// A page with a green square, and whatever else.
export const plainPdf = (catalogue = '', ...more) =>
  pdf([`<</Type/Catalog/Pages 2 0 R${catalogue}>>`, PAGES, PAGE, CONTENT, ...more]);

// One that acts as soon as it is opened. action: a dictionary.
export const actingPdf = (action) => plainPdf('/OpenAction 5 0 R', action);

// An object stream that holds this text. dictionary: more entries, or others in place of the filter.
export function objectStream(text, { filter = '/Filter/FlateDecode', type = '/Type/ObjStm', more = '', end = '\n' } = {}) {
  const bytes = filter === '' ? latin1(text) : deflateSync(latin1(text));
  return Buffer.concat([latin1(`<<${type}/N 1/First 4${filter}${more}/Length ${bytes.length}>>stream\n`), bytes, latin1(`${end}endstream`)]);
}
