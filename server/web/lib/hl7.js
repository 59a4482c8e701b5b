// HL7 v2 messages as lines: segments end by CR, whatever else a file has made of it. Nothing else is interpreted.

// [{name, text}]: name is the three letters of a segment, or '' for a line that has none. The frame of MLLP (VT before,
// FS CR behind) is left out.
export function hl7Segments(text) {
  const body = text.replace(/^\x0b/, '').replace(/\x1c\r?\n?$/, '');
  const lines = body.split(/\r\n|\r|\n/);

  if (lines.at(-1) === '')
    lines.pop();
  return lines.map((line) => ({ name: /^[A-Z][A-Z0-9]{2}(?=\W|_|$)/.exec(line)?.[0] ?? '', text: line }));
}

// How a message separates its parts: {field, component, repetition, escape, subcomponent}, from its first segment.
export function hl7Separators(text) {
  const found = /^\x0b?(?:MSH|FHS|BHS)([^\w\s])([^\w\s])([^\w\s])([^\w\s])?([^\w\s])?/.exec(text);
  const [, field = '|', component = '^', repetition = '~', escape = '\\', subcomponent = '&'] = found ?? [];
  return { field, component, repetition, escape, subcomponent };
}

// The fields of a segment, numbered as the standard does: [{number, text}], without empty ones. In MSH, FHS and BHS the
// separator itself is field 1.
export function hl7Fields(segment, separators) {
  const parts = segment.text.split(separators.field);
  const shift = ['MSH', 'FHS', 'BHS'].includes(segment.name) ? 1 : 0;

  return parts.slice(1).map((text, i) => ({ number: i + 1 + shift, text })).filter(({ text }) => text !== '');
}
