// What lies in one's mailbox, and what comes: one request that waits at the server, over and over, as long as the tab is
// to be seen. (A browser has six connections for all tabs of a server: those that nobody sees must not take them.) Fires
// 'change' when the list has changed, and 'mail' (detail: the new entries) when something has come that was not there at
// the start.

const PAGE = 100;
const WAIT_SECONDS = 60;
const ASK_AGAIN_MS = 1000;
const BACK_OFF_FIRST_MS = 500;
const BACK_OFF_MOST_MS = 30_000;

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

// Once the tab is to be seen, or the run ends.
function seen(signal) {
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
    look();
  });
}

export class Mailbox extends EventTarget {
  // path: of the list of messages.
  constructor(api, path) {
    super();
    this.api = api;
    this.path = path;
    this.entries = new Map();
    this.listed = false; // everything that was there has been read
    this.problem = null; // why it is not: the last error
  }

  // From the beginning; a run that is under way ends.
  start() {
    this.stop();
    this.run = new AbortController();
    this.listed = false;
    this.follow(this.run.signal);
  }

  stop() {
    this.run?.abort();
  }

  drop(id) {
    if (this.entries.delete(id)) this.dispatchEvent(new Event('change'));
  }

  async follow(signal) {
    const found = new Map();
    let last = '';
    let backOff = BACK_OFF_FIRST_MS;
    while (!signal.aborted) {
      await seen(signal);
      const began = performance.now();
      const waits = this.listed;
      let body;
      try {
        body = await this.list(last, waits, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error.name === 'AbortError') continue;
        this.problem = error;
        this.dispatchEvent(new Event('change'));
        // What a 4xx says does not pass by itself.
        if (error.status >= 400 && error.status < 500 && error.status !== 429) return;
        await pause(backOff, signal);
        backOff = Math.min(2 * backOff, BACK_OFF_MOST_MS);
        continue;
      }
      backOff = BACK_OFF_FIRST_MS;
      const news = body.messages.filter((entry) => entry.id > last);
      for (const entry of news) (this.listed ? this.entries : found).set(entry.id, entry);
      last = news.at(-1)?.id ?? last;
      this.tell(news, found, news.length > 0 && body.next);
      // A server that has no room for those who wait is asked once in a while.
      if (waits && news.length === 0 && performance.now() - began < ASK_AGAIN_MS) await pause(ASK_AGAIN_MS, signal);
    }
  }

  // One page; AbortError when the run ends, or the tab is out of sight.
  async list(last, waits, signal) {
    const request = new AbortController();
    const stop = () => request.abort();
    signal.addEventListener('abort', stop);
    document.addEventListener('visibilitychange', stop);
    try {
      const query = `?limit=${PAGE}${last && `&after=${last}`}${waits ? `&wait=${WAIT_SECONDS}` : ''}`;
      return (await this.api.get(this.path + query, { signal: request.signal })).body;
    } finally {
      signal.removeEventListener('abort', stop);
      document.removeEventListener('visibilitychange', stop);
    }
  }

  tell(news, found, more) {
    const first = !this.listed;
    const changed = news.length > 0 || this.problem !== null || first;
    this.problem = null;
    if (first && more) return;
    if (first) {
      this.entries = found;
      this.listed = true;
    }
    if (changed) this.dispatchEvent(new Event('change'));
    if (!first && news.length > 0) this.dispatchEvent(new CustomEvent('mail', { detail: news }));
  }
}
