// Files on their way to the server: two at a time, each with its own Idempotency-Key, so that trying again can never
// store a file twice. Knows neither the page nor the network. Fires 'change', with the item as its detail.
//
// An item: {file, type, labels, key, state, sent, answer, error}
//   state   'waiting' (it can still be edited), 'queued', 'sending', 'done', 'failed' or 'cancelled'
//   sent    bytes that have left
//   answer  what send() gave, when done; error: what it threw, when failed

const AGAIN_AT_MOST = 3;

export class UploadQueue extends EventTarget {
  // send(item, {progress(sent), signal}): a promise of the answer. again(error): milliseconds after which to try again
  // by itself, or null. wait(ms, signal): a promise.
  constructor({ send, again, wait, atOnce = 2 }) {
    super();
    this.send = send;
    this.again = again;
    this.wait = wait;
    this.atOnce = atOnce;
    this.items = [];
  }

  changed(item) {
    this.dispatchEvent(new CustomEvent('change', { detail: item }));
  }

  set(item, fields) {
    Object.assign(item, fields);
    this.changed(item);
  }

  count(...states) {
    return this.items.filter((item) => states.includes(item.state)).length;
  }

  add(file, type, labels = '') {
    const item = {
      file, type, labels, key: crypto.randomUUID(), state: 'waiting', sent: 0, answer: null, error: null, abort: null,
    };
    this.items.push(item);
    this.changed(item);
    return item;
  }

  start() {
    for (const item of this.items) if (item.state === 'waiting') this.set(item, { state: 'queued' });
    this.next();
  }

  // The same key again: if the first try was stored after all, the answer is that of the first.
  retry(item) {
    if (item.state !== 'failed' && item.state !== 'cancelled') return;
    this.set(item, { state: 'queued', sent: 0, error: null });
    this.next();
  }

  cancel(item) {
    if (item.state === 'sending') item.abort.abort();
    else if (item.state === 'queued') this.set(item, { state: 'cancelled' });
  }

  cancelAll() {
    for (const item of this.items) this.cancel(item);
  }

  // Takes it off the list; not while it is being sent.
  remove(item) {
    if (item.state === 'sending') return;
    this.items = this.items.filter((other) => other !== item);
    this.changed(item);
    this.next();
  }

  next() {
    while (this.count('sending') < this.atOnce) {
      const item = this.items.find(({ state }) => state === 'queued');
      if (!item) return;
      this.run(item);
    }
  }

  async run(item) {
    const abort = new AbortController();
    this.set(item, { state: 'sending', sent: 0, abort });
    try {
      const answer = await this.persist(item, abort.signal);
      this.set(item, { state: 'done', answer, sent: item.file.size });
    } catch (error) {
      if (error.name === 'AbortError') this.set(item, { state: 'cancelled' });
      else this.set(item, { state: 'failed', error });
    }
    this.next();
  }

  async persist(item, signal) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.send(item, { signal, progress: (sent) => this.set(item, { sent }) });
      } catch (error) {
        const pause = error.name === 'AbortError' || tries > AGAIN_AT_MOST ? null : this.again(error);
        if (pause === null) throw error;
        await this.wait(pause, signal);
      }
    }
  }
}
