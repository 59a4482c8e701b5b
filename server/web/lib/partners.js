// Other people's keys: the server's word for them, held against the pin of the first use, and its word for one's own
// against what one has. Another key is a wall.
import { fromJwk } from './publickey.js';
import { Refusal } from './refusal.js';
import * as vault from './vault.js';
import { strings } from '../strings.js';

// The server, or a message, shows another key for this name than the one that it is known by. own: it is one's own name.
export class KeyChanged extends Error {
  constructor(name, known, now, own = false) {
    super((own ? strings.wall.own : strings.wall).title(name));
    this.name = 'KeyChanged';
    this.forPeople = true;
    this.partner = name;
    this.known = known;
    this.now = now;
    this.own = own;
  }
}

export class Partners {
  // identity: one's own, as the vault has it. Its key needs nobody's word.
  constructor(api, { name, spki, bits, size, fingerprint, created }) {
    this.api = api;
    this.me = name;
    this.own = { me: name, name, spki, bits, size, fingerprint, verified: true, since: created };
  }

  // The server's word: {spki, bits, size, fingerprint}.
  async ask(name) {
    try {
      const { body } = await this.api.get(`/v1/keys/${encodeURIComponent(name)}`, { headers: { Accept: 'application/jwk+json' } });
      return await fromJwk(body);
    } catch (error) {
      if (error.status === 404) throw new Refusal(strings.partners.nobody(name));
      throw error;
    }
  }

  // Every name on the server: [{name, fingerprint, bits, created, sequence}].
  async list() {
    const keys = [];
    for (let after = ''; ;) {
      const { body } = await this.api.get(`/v1/keys?limit=1000${after && `&after=${encodeURIComponent(after)}`}`);
      keys.push(...body.keys);
      // The names ascend, or this would not end.
      if (!body.next || body.next <= after) return keys;
      after = body.next;
    }
  }

  async pin(name) { return name === this.me ? this.own : vault.get('pins', [this.me, name]); }

  // By name.
  async pins() {
    const pins = new Map((await vault.all('pins', this.me)).map((pin) => [pin.name, pin]));
    return pins.set(this.me, this.own);
  }

  changed(name, pin, now) { return new KeyChanged(name, pin.fingerprint, now, name === this.me); }

  // 'oneself', 'new', 'known', 'verified' or 'changed': how a fingerprint stands to the pin (undefined: there is none).
  standing(name, fingerprint, pin) {
    if (!pin) return 'new';
    if (pin.fingerprint !== fingerprint) return 'changed';
    if (name === this.me) return 'oneself';
    return pin.verified ? 'verified' : 'known';
  }

  // The pin of a name, after asking the server; pins at first use. Throws KeyChanged.
  async meet(name) {
    const key = await this.ask(name);
    const pin = name === this.me ? this.own : await vault.update('pins', [this.me, name],
      (known) => known ?? { me: this.me, name, ...key, verified: false, since: new Date() });
    if (pin.fingerprint !== key.fingerprint) throw this.changed(name, pin, key.fingerprint);
    return pin;
  }

  // The same without asking when there is a pin. claimed: the fingerprint that a message says its sender has, or null.
  async meetAgain(name, claimed) {
    const pin = await this.pin(name) ?? await this.meet(name);
    if (claimed && pin.fingerprint !== claimed) throw this.changed(name, pin, claimed);
    return pin;
  }

  // Takes the server's key of now for the partner's own, if it has this fingerprint, which came by another channel.
  async accept(name, fingerprint) {
    const key = await this.ask(name);
    if (key.fingerprint !== fingerprint) throw new Refusal(strings.partners.otherNow(name));
    const pin = { me: this.me, name, ...key, verified: true, since: new Date() };
    await vault.put('pins', pin);
    return pin;
  }
}
