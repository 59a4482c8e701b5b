// A receipt, verified in this browser as far as it can, and to be saved for `coffer verify-receipt`.
import { fromHex, hex } from './bytes.js';
import { fill, h } from './dom.js';
import { parseReceipt, verifyReceipt } from './receipt.js';
import { save } from './save.js';
import { time } from './time.js';

const VERDICTS = { good: ['receiptGood', 'good'], wrong: ['receiptWrong', 'error'], unable: ['receiptUnable', ''] };

// Of this very write, as far as the page knows it.
const isOf = (receipt, kept) => receipt !== null && receipt.record === kept.id
  && (kept.kind === 'deleted' || receipt.version === kept.version);

async function check(app, receipt, kept, place) {
  const { body } = await app.api.get('/.well-known/coffer');
  const keys = body.identity_keys.map((key) => fromHex(key.public_key));
  const verdict = isOf(receipt, kept) && body.store === receipt.store ? await verifyReceipt(receipt, keys) : 'wrong';
  const [words, kind] = VERDICTS[verdict];
  fill(place, h('p', { class: `note ${kind}` }, app.strings.record[words]));
}

// kept: {id, version, kind, text}.
export function receiptView(app, kept) {
  const strings = app.strings.record;
  const names = strings.receiptFacts;
  const receipt = parseReceipt(kept.text);
  const verdict = h('div');
  const fact = (name, value) => [h('dt', null, names[name]), h('dd', { class: 'mono' }, value)];

  check(app, receipt, kept, verdict).catch((error) => app.fail(error));
  return h('div', null, h('p', null, strings.receiptText), verdict,
    receipt && h('dl', { class: 'facts' }, fact('version', String(receipt.version)), fact('sha256', hex(receipt.sha256)),
      fact('sequence', String(receipt.sequence)), fact('time', time(receipt.time)), fact('key', hex(receipt.key))),
    h('p', null, h('button', {
      type: 'button', onclick: () => save(`${kept.text}\n`, `receipt-${kept.id}-v${kept.version}-${kept.kind}.txt`),
    }, strings.receiptSave)));
}
