// What this browser remembers, in IndexedDB, which belongs to this origin alone: one's keys, and as the command line's
// profile does, pins, sessions, and digests of what was read. Keys in it can be used, and cannot be read out.

const NAME = 'coffer';
const STORES = {
  identities: 'name',
  pins: ['me', 'name'],
  threads: ['me', 'first'],
  seen: ['me', 'digest'],
};

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

let opened = null;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const [name, keyPath] of Object.entries(STORES)) request.result.createObjectStore(name, { keyPath });
    };
    request.onsuccess = () => {
      // Another tab with a newer page must not wait for this one.
      request.result.onversionchange = () => { request.result.close(); opened = null; };
      resolve(request.result);
    };
    request.onerror = () => { opened = null; reject(request.error); };
  });
  return opened;
}

// Runs work(store) in one transaction, and answers its result once that is on the disk.
async function within(store, mode, work) {
  const transaction = (await database()).transaction(store, mode, { durability: 'strict' });
  const ended = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error ?? new DOMException('the store is full', 'QuotaExceededError'));
  });
  let result;
  try {
    result = await work(transaction.objectStore(store));
  } catch (error) {
    try {
      transaction.abort();
    } catch {
      // It has ended by itself.
    }
    ended.catch(() => {});
    throw error;
  }
  await ended;
  return result;
}

// undefined: there is none. key: as in STORES.
export function get(store, key) {
  return within(store, 'readonly', (table) => done(table.get(key)));
}

// All, or those of `me`.
export function all(store, me) {
  const range = me === undefined ? undefined : IDBKeyRange.bound([me], [me, []]);
  return within(store, 'readonly', (table) => done(table.getAll(range)));
}

export function put(store, value) {
  return within(store, 'readwrite', (table) => done(table.put(value)));
}

export function remove(store, key) {
  return within(store, 'readwrite', (table) => done(table.delete(key)));
}

// Reads, changes and writes in one transaction, so that two tabs do not both use what is there. change(value) answers
// the new value, or undefined to leave it; the answer is what stands afterwards.
export function update(store, key, change) {
  return within(store, 'readwrite', async (table) => {
    const before = await done(table.get(key));
    const after = change(before);
    if (after === undefined) return before;
    await done(table.put(after));
    return after;
  });
}

// Asks the browser not to throw this away when the disk is short of room. Nothing waits for the answer: Firefox asks the
// user, who may not answer at all; without it, the copy of the key is what is left.
export function persist() {
  navigator.storage?.persist?.().catch(() => {});
}
