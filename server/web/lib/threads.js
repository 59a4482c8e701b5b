// Sessions: what goes on under the AES key of an earlier sealed message, which one sealed oneself, or whose signature fits
// a pinned key. Counters are written down before they are used.
import * as vault from './vault.js';

// Begins one, unless it is there: its counters must not begin anew. own, theirs: fingerprints.
export function begin(me, partner, { first, own, theirs, key }) {
  return vault.update('threads', [me, first], (known) => (known ? undefined
    : { me, first, partner, own, theirs, key, sent: 0n, received: 0n, began: Date.now() }));
}

export function find(me, first) {
  return vault.get('threads', [me, first]);
}

// Of a message that the server did not take.
export function forget(me, first) {
  return vault.remove('threads', [me, first]);
}

// The newest with this partner under these two keys, or undefined.
export async function newest(me, partner, own, theirs) {
  const fitting = (await vault.all('threads', me)).filter(
    (thread) => thread.partner === partner && thread.own === own && thread.theirs === theirs);
  return fitting.sort((a, b) => b.began - a.began)[0];
}

// The counter of the next message one sends in it.
export async function nextCounter(me, first) {
  return (await vault.update('threads', [me, first], (thread) => ({ ...thread, sent: thread.sent + 1n }))).sent;
}

// Whether this counter has risen; it is then the last one that was received.
export async function advance(me, first, counter) {
  let risen = false;
  await vault.update('threads', [me, first], (thread) => {
    risen = counter > thread.received;
    return risen ? { ...thread, received: counter } : undefined;
  });
  return risen;
}

export function ends(thread, sending) {
  return { first: thread.first, sender: sending ? thread.own : thread.theirs, recipient: sending ? thread.theirs : thread.own };
}
