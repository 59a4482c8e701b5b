// Media types: what a file is by its name, and how a record is shown by its type.

// extension: type. What operating systems guess differs, and none of them knows FHIR.
const BY_EXTENSION = {
  json: 'application/json', ndjson: 'application/x-ndjson', fhir: 'application/fhir+json', xml: 'application/xml',
  cda: 'application/cda+xml', ccda: 'application/cda+xml', hl7: 'x-application/hl7-v2+er7', dcm: 'application/dicom',
  dicom: 'application/dicom', pdf: 'application/pdf', txt: 'text/plain', text: 'text/plain', md: 'text/markdown',
  csv: 'text/csv', tsv: 'text/tab-separated-values', html: 'text/html', htm: 'text/html', png: 'image/png',
  jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp', avif: 'image/avif', bmp: 'image/bmp',
  svg: 'image/svg+xml', tif: 'image/tiff', tiff: 'image/tiff', zip: 'application/zip', gz: 'application/gzip',
  mp4: 'video/mp4', mp3: 'audio/mpeg', wav: 'audio/wav', rtf: 'application/rtf',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};

// For the field where a type can be changed.
export const COMMON_TYPES = [
  'application/fhir+json', 'application/fhir+xml', 'application/cda+xml', 'x-application/hl7-v2+er7',
  'application/dicom', 'application/json', 'application/xml', 'application/pdf', 'text/plain', 'text/csv',
  'image/png', 'image/jpeg', 'application/octet-stream',
];

export const essence = (mediaType) => (mediaType ?? '').split(';', 1)[0].trim().toLowerCase();

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const TYPE = new RegExp(`^${TOKEN}/${TOKEN}(\\s*;\\s*${TOKEN}=("[^"\\\\\\x00-\\x1f]*"|${TOKEN}))*$`);

// RFC 9110 §8.3.1; forms are not accepted as records.
export function isMediaType(text) {
  return text.length <= 255 && TYPE.test(text) && essence(text) !== 'application/x-www-form-urlencoded' &&
    !essence(text).startsWith('multipart/');
}

// The type of a file: by its extension, else by what the browser says, else bytes. head: the first bytes of the file as
// Latin-1 text; FHIR and CDA are told from other JSON and XML by them.
export function guessType(name, browserType, head) {
  const extension = /\.([^.]+)$/.exec(name)?.[1].toLowerCase() ?? '';
  const known = Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : null;
  const type = known ?? (isMediaType(browserType ?? '') ? browserType : 'application/octet-stream');

  if (type === 'application/json' && /"resourceType"\s*:\s*"[A-Z]/.test(head)) return 'application/fhir+json';
  if (type === 'application/xml' && /<(\w+:)?ClinicalDocument[\s>]/.test(head)) return 'application/cda+xml';
  if (type === 'application/xml' && /xmlns="[^"]*hl7\.org\/fhir"/.test(head)) return 'application/fhir+xml';
  return type;
}

const EXTENSIONS = Object.fromEntries(Object.entries(BY_EXTENSION).reverse().map(([ext, type]) => [type, ext]));
const SUFFIXES = { json: 'json', xml: 'xml', zip: 'zip' };

// What a downloaded record is called: records have no names.
export function fileName(id, version, mediaType) {
  const type = essence(mediaType);
  const suffix = SUFFIXES[/\+(\w+)$/.exec(type)?.[1]] ?? 'bin';
  const extension = Object.hasOwn(EXTENSIONS, type) ? EXTENSIONS[type] : suffix;
  return `${id}-v${version}.${extension}`;
}

const RASTER = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/bmp'];
const TEXT = [
  'application/javascript', 'application/x-ndjson', 'application/sql', 'application/yaml', 'application/x-yaml',
  'application/xml', 'application/x-sh', 'application/xhtml+xml', 'application/rtf',
];

// 'json', 'hl7', 'text', 'image', 'drawing' (SVG), 'pdf', or 'download' for all that is not shown.
export function viewerOf(mediaType) {
  const type = essence(mediaType);

  if (type === 'application/json' || type.endsWith('+json')) return 'json';
  if (/hl7-v2|er7|^x-application\/hl7/.test(type) || type === 'application/hl7-v2') return 'hl7';
  if (type === 'image/svg+xml') return 'drawing';
  if (RASTER.includes(type)) return 'image';
  if (type === 'application/pdf') return 'pdf';
  if (type.startsWith('text/') || type.endsWith('+xml') || TEXT.includes(type)) return 'text';
  return 'download';
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

// 1,536 bytes are '1.5 KiB'.
export function sizeText(bytes) {
  let unit = 0;
  let value = bytes;

  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}
