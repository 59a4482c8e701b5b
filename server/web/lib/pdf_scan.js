// Whether a PDF would do something when it is opened. Browsers show a PDF in a viewer of their own, which a sandbox
// attribute turns off in Chromium, and which runs the scripts of the document (in a process of its own, without the
// network: measured, an alert and a mail window is what they get). So the page only offers to open a PDF in which it
// finds nothing that acts, and which it could search whole; any other can be downloaded.
//
// This is a search for names, not a parser: it looks at every byte and inside every object stream, and whatever it
// cannot look into counts as active. Streams that are no object streams hold pictures and text, and no objects.

const ACTIVE = ['JavaScript', 'Launch', 'SubmitForm', 'ImportData', 'RichMedia', 'Rendition', 'XFA', 'GoToR', 'GoToE'];
const INFLATED_MAX = 64 * 1024 * 1024;

// A name may have any character as #xx, so that "/J#61vaScript" is "/JavaScript".
const letter = (c) => `(?:${c}|#${c.charCodeAt(0).toString(16).replace(/[a-f]/, (x) => `[${x}${x.toUpperCase()}]`)})`;
const name = (text) => [...text].map(letter).join('');

const ACTS = new RegExp(`/(${ACTIVE.map(name).join('|')})(?=[\\s/<>()\\[\\]{}%]|$)`);
const OBJECT_STREAM = new RegExp(`/(?:${name('ObjStm')}|${name('First')})(?=[\\s/<>()\\[\\]{}%]|$)`, 'g');
const PLAIN_FLATE = /\/Filter\s*(?:\/FlateDecode|\[\s*\/FlateDecode\s*\])(?=[\s/>])/;
// What stands between the name and the data must be the rest of that one dictionary.
const HEAD_MAX = 4096;

const latin1 = (bytes) => new TextDecoder('windows-1252').decode(bytes);

// What a zlib stream stands for; null when it is none, has more behind it, or is too large.
async function inflate(bytes) {
  const parts = [];
  let size = 0;

  try {
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate')).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      size += value.length;
      if (size > INFLATED_MAX) {
        await reader.cancel();
        return null;
      }
    }
  } catch {
    return null;
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

// The line end before "endstream" is not part of the stream, and a checksum may end in the same bytes: so each length is
// tried. What is decoded does not depend on it.
async function inflateStream(bytes, start, end) {
  for (const less of [1, 2, 0]) {
    const inside = await inflate(bytes.subarray(start, end - less));
    if (inside) return inside;
  }
  return null;
}

// Where the stream's data is, whose dictionary holds the offset `at`: {start, end, head}, or null.
function streamAt(text, at) {
  const open = text.lastIndexOf('obj', at);
  const word = /stream\r?\n/g;
  word.lastIndex = at;
  const found = word.exec(text);
  if (open < 0 || !found || found.index - open > HEAD_MAX) return null;
  const end = text.indexOf('endstream', word.lastIndex);
  return end < 0 ? null : { start: word.lastIndex, end, head: text.slice(open, found.index) };
}

// bytes: Uint8Array. 'quiet'; 'active': it has what acts; or 'unknown': it could not be searched whole.
export async function scanPdf(bytes) {
  const text = latin1(bytes);
  const streams = new Map();

  if (!text.slice(0, 1024).includes('%PDF-')) return 'unknown';
  if (ACTS.test(text)) return 'active';
  for (const { index } of text.matchAll(OBJECT_STREAM)) {
    const stream = streamAt(text, index);
    // /First also is in the outline's dictionary, which no data follows.
    const outline = !stream || stream.head.includes('endobj');
    if (outline && /^\/First\s+\d+\s+\d+\s+R/.test(text.slice(index, index + 40))) continue;
    if (!stream || stream.head.includes('endobj')) return 'unknown';
    streams.set(stream.start, stream);
  }
  if (streams.size > 0 && /\/Encrypt(?=[\s/<])/.test(text)) return 'unknown';
  for (const { start, end, head } of streams.values()) {
    const plain = PLAIN_FLATE.test(head) && !/\/(?:DecodeParms|DP|Predictor|F|FFilter)(?=[\s/<[])/.test(head);
    const inside = plain ? await inflateStream(bytes, start, end) : null;
    if (!inside) return 'unknown';
    if (ACTS.test(latin1(inside))) return 'active';
  }
  return 'quiet';
}
