// Whether a private key stayed where it belongs.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';

// The parts of a private key in each spelling that a request could carry.
function spellings(pem, passphrase) {
  const jwk = crypto.createPrivateKey({ key: pem, passphrase }).export({ format: 'jwk' });
  return ['d', 'p', 'q', 'dp', 'dq', 'qi'].flatMap((name) => {
    // The middle, since the ends of base64 depend on what stands around.
    const middle = Buffer.from(jwk[name], 'base64url').subarray(30, 90);
    return [middle.toString('latin1'), middle.toString('hex'), ...[0, 1, 2].flatMap((shift) => {
      const bytes = middle.subarray(shift, shift + 45);
      return [bytes.toString('base64'), bytes.toString('base64url')];
    })];
  });
}

// Everything that a page has sent: addresses, headers and bodies.
export function sentBy(page) {
  return page.watch.requests.map((request) => [
    request.url(), JSON.stringify(request.headers()), request.postDataBuffer()?.toString('latin1') ?? ''].join('\n')).join('\n');
}

// Fails when a request of the page held the key, a part of it, or its passphrase.
export function assertKeptHome(page, pem, passphrase) {
  const sent = sentBy(page);
  assert.ok(!sent.includes('PRIVATE KEY'));
  if (passphrase) assert.ok(!sent.includes(passphrase) && !sent.includes(encodeURIComponent(passphrase)));
  for (const one of spellings(pem, passphrase)) assert.ok(!sent.includes(one), 'a part of the private key was sent');
}
