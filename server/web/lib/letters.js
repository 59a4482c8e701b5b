// Letters: sealing, signing and depositing one; fetching, verifying and opening one, as `coffer send` and `coffer read` do.
import { fromHex, hex, sha256 } from './bytes.js';
import { readName } from './identity.js';
import { Refusal } from './refusal.js';
import * as sealed from './sealed.js';
import * as threads from './threads.js';
import * as vault from './vault.js';
import { strings } from '../strings.js';

const text = strings.letters;

// The signature does not fit: it was not opened, and may be only when the reader insists.
export class DoesNotFit extends Refusal {}

export class Letters {
  // identity: one's own, as the vault has it. partners: Partners.
  constructor(api, identity, partners) {
    this.api = api;
    this.identity = identity;
    this.partners = partners;
    this.me = identity.name;
  }

  path(id) { return `/v1/mailboxes/${encodeURIComponent(this.me)}/messages${id ? `/${encodeURIComponent(id)}` : ''}`; }

  // ---- sending ------------------------------------------------------------------------------------------------------

  // The session that a letter to this partner could continue, or undefined.
  async session(name) {
    const pin = await this.partners.pin(name);
    return pin && threads.newest(this.me, name, this.identity.fingerprint, pin.fingerprint);
  }

  // {to, bytes, isSession, first, headers}: ready to be deposited, as often as it takes. Throws KeyChanged.
  async write(to, plaintext, { session = false } = {}) {
    const pin = await this.partners.meet(to);
    const made = session ? await this.continueSession(to, pin, plaintext) : await this.beginSession(to, pin, plaintext);
    const { fingerprint, keys } = this.identity;
    const headers = {
      'Content-Type': session ? sealed.SESSION_TYPE : sealed.SEALED_TYPE,
      'Coffer-Signature': await sealed.sign(keys.sign, fingerprint, pin.fingerprint, made.bytes),
      'Idempotency-Key': crypto.randomUUID(),
    };
    if (session) headers['Coffer-Session'] = made.first;
    return { to, ...made, isSession: session, size: pin.size, headers };
  }

  async beginSession(to, pin, plaintext) {
    const { sealed: bytes, key } = await sealed.seal(pin.spki, plaintext);
    const first = hex(await sha256(bytes));
    await threads.begin(this.me, to, { first, own: this.identity.fingerprint, theirs: pin.fingerprint, key });
    return { bytes, first };
  }

  async continueSession(to, pin, plaintext) {
    const thread = await threads.newest(this.me, to, this.identity.fingerprint, pin.fingerprint);
    if (!thread) throw new Refusal(text.noSession(to));
    const counter = await threads.nextCounter(this.me, thread.first);
    return { bytes: await sealed.sealSession(thread.key, threads.ends(thread, true), counter, plaintext), first: thread.first };
  }

  // The id. The letter is the same however often this is called: its key keeps a second deposit out.
  async deposit(letter, progress, signal) {
    try {
      const { body } = await this.api.upload('POST', `/v1/mailboxes/${encodeURIComponent(letter.to)}/messages`, letter.bytes,
        { headers: letter.headers, progress, signal });
      return body.id;
    } catch (error) {
      // Nobody can continue what was not taken.
      if (!letter.isSession && error.status >= 400 && error.status < 500) await threads.forget(this.me, letter.first);
      throw error;
    }
  }

  // ---- reading ------------------------------------------------------------------------------------------------------

  // What the server has of a message: {id, bytes, digest, from, claimed, signature, first, before}. first: of the session
  // that it continues, or null. before: the id under which these bytes were read, or null.
  async fetch(id) {
    let answer;
    try {
      answer = await this.api.get(this.path(id), { as: 'bytes' });
    } catch (error) {
      if (error.status === 404) throw new Refusal(text.gone);
      throw error;
    }
    const { headers, body: bytes } = answer;
    const digest = hex(await sha256(bytes));
    const seen = await vault.get('seen', [this.me, digest]);
    const letter = {
      id, bytes, digest, from: readName(headers.get('Coffer-Sender') ?? ''),
      claimed: headers.get('Coffer-Sender-Fingerprint'), signature: headers.get('Coffer-Signature'),
      first: headers.get('Coffer-Session'), before: seen?.id ?? null,
    };
    for (const name of ['claimed', 'first']) {
      if (letter[name] && fromHex(letter[name])?.length !== 32) throw new Refusal(text.strange);
    }
    if (!letter.from) throw new Refusal(text.strange);
    return letter;
  }

  // Verifies and opens it: {plaintext, verified, pin}. verified: the signature fits the key that the sender is known by.
  // insist: open it although its signature does not fit. Throws KeyChanged, DoesNotFit, Refusal.
  async read(letter, { insist = false } = {}) {
    const { verified, pin } = await this.verify(letter, insist);
    const opened = letter.first ? await this.readSession(letter) : await this.readSealed(letter, verified, pin);
    // Before anything is shown: cut short here, it can be read again, as a repeat.
    if (!letter.before) await vault.put('seen', { me: this.me, digest: letter.digest, id: letter.id });
    await opened.remember?.();
    return { plaintext: opened.plaintext, verified, pin };
  }

  async verify(letter, insist) {
    const { from, claimed, signature, bytes } = letter;
    if (!signature) return { verified: false, pin: await this.partners.pin(from) };
    if (!claimed) throw new Refusal(text.noSenderKey);
    const pin = await this.partners.meetAgain(from, claimed);
    const verified = await sealed.verify(pin.spki, pin.fingerprint, this.identity.fingerprint, bytes, signature);
    if (!verified && !insist) throw new DoesNotFit(text.doesNotFit(from));
    return { verified, pin };
  }

  async readSealed(letter, verified, pin) {
    const { keys, size, fingerprint } = this.identity;
    const opened = await sealed.open(keys.open, size, letter.bytes);
    if (!opened) throw new Refusal(text.notForThisKey);
    // Only what its sender has signed is something to continue.
    const remember = verified && (() => threads.begin(this.me, letter.from,
      { first: letter.digest, own: fingerprint, theirs: pin.fingerprint, key: opened.key }));
    return { plaintext: opened.plaintext, remember: remember || undefined };
  }

  // A session ends with the keys that it was begun under: whoever took an old one may know its AES key.
  async readSession(letter) {
    const first = letter.first.toLowerCase();
    const thread = await threads.find(this.me, first);
    if (!thread) throw new Refusal(text.unknownSession);
    if (thread.partner !== letter.from) throw new Refusal(text.othersSession(letter.from));
    const pin = await this.partners.meetAgain(letter.from, null);
    if (thread.theirs !== pin.fingerprint || thread.own !== this.identity.fingerprint) throw new Refusal(text.oldKeys(letter.from));
    const opened = await sealed.openSession(thread.key, threads.ends(thread, false), letter.bytes);
    // What was read before may be shown again, whatever its counter.
    if (!opened || (!letter.before && opened.counter <= thread.received)) throw new Refusal(text.notOfThisSession);
    const remember = async () => {
      if (!await threads.advance(this.me, first, opened.counter) && !letter.before) throw new Refusal(text.notOfThisSession);
    };
    return { plaintext: opened.plaintext, remember };
  }

  acknowledge(id) { return this.api.del(this.path(id)); }
}
