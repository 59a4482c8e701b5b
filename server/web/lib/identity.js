// One's own key: made here or brought, registered by an invite, and used to log in. Its private half is three CryptoKeys
// that can be used and not read out: WebCrypto ties a key to one purpose.
import { fromBase64, fromBase64url, hex, sha256, textOf, utf8 } from './bytes.js';
import { readPrivatePem, writeLockedPem } from './pem.js';
import { fromJwk, fromNumbers, pemOf } from './publickey.js';
import { Refusal } from './refusal.js';
import { signText } from './sealed.js';
import * as vault from './vault.js';
import { strings } from '../strings.js';

const text = strings.identity;
const INVITE = 'coffer-invite-v1.';
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

// In lower case, or null when it is none.
export function readName(given) {
  const name = given.trim().toLowerCase();
  return NAME.test(name) ? name : null;
}

// {name, secret}; throws why it is no invite for this server, and repeats nothing of it.
export function readInvite(given) {
  const line = given.trim();
  const bytes = line.startsWith(INVITE) ? fromBase64url(line.slice(INVITE.length)) : null;
  let members = null;
  try {
    members = bytes && JSON.parse(textOf(bytes));
  } catch {
    // Said below.
  }
  const name = typeof members?.name === 'string' ? readName(members.name) : null;
  if (!name || members.role !== 'partner' || typeof members.origin !== 'string' || !SECRET.test(members.secret)) {
    throw new Refusal(text.noInvite);
  }
  if (members.origin !== location.origin) throw new Refusal(text.otherServer(members.origin, location.origin));
  return { name, secret: members.secret };
}

// ---- keys -----------------------------------------------------------------------------------------------------------

const OAEP = (hash) => ({ name: 'RSA-OAEP', hash });
const PSS = { name: 'RSA-PSS', hash: 'SHA-256' };

async function importKeys(pkcs8) {
  const load = (algorithm, use) => crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, [use]);
  const [open, login, sign] = await Promise.all(
    [load(OAEP('SHA-1'), 'decrypt'), load(OAEP('SHA-256'), 'decrypt'), load(PSS, 'sign')]);
  return { open, login, sign };
}

// {identity, copy}: a fresh key, and the PEM that opens by the passphrase (null without one). The key can be read out
// here and now, and never again.
export async function makeKey(bits, passphrase) {
  const pair = await crypto.subtle.generateKey(
    { ...OAEP('SHA-1'), modulusLength: bits, publicExponent: Uint8Array.of(1, 0, 1) }, true, ['encrypt', 'decrypt']);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
  const half = await fromJwk(await crypto.subtle.exportKey('jwk', pair.publicKey));
  try {
    const copy = passphrase ? await writeLockedPem(pkcs8, passphrase) : null;
    return { identity: { ...half, keys: await importKeys(pkcs8), made: 'here', copied: false }, copy };
  } finally {
    pkcs8.fill(0);
  }
}

// {identity, copy: null} of a key that somebody has as a file.
export async function bringKey(pem, passphrase) {
  const { pkcs8, n, e } = await readPrivatePem(pem, passphrase);
  try {
    return { identity: { ...await fromNumbers(n, e), keys: await importKeys(pkcs8), made: 'brought', copied: true }, copy: null };
  } catch (error) {
    if (error instanceof DOMException) throw new Refusal(strings.pem.damaged);
    throw error;
  } finally {
    pkcs8.fill(0);
  }
}

// Writes it down, before anybody is told of it.
export async function keep(name, identity) {
  const whole = { ...identity, name, created: new Date(), joined: false };
  await vault.put('identities', whole);
  vault.persist();
  return whole;
}

// The copy has been saved, as far as the user says.
export function noteCopy(name) {
  return vault.update('identities', name, (kept) => ({ ...kept, copied: true }));
}

// ---- the server -----------------------------------------------------------------------------------------------------

// Registers name and key; secret: of the invite, or null where anyone may come. As the command line does, a name that
// is taken is tried for being one's own, since an earlier attempt may have been cut short.
export async function enroll(api, identity, secret) {
  const { name, fingerprint } = identity;
  const proof = utf8(`coffer-key-v1\n${location.origin}\n${name}\nnone\n${fingerprint}\n1\n`);
  const headers = { 'Coffer-Key-Signature': await signText(identity.keys.sign, proof), 'Content-Type': 'application/x-pem-file' };
  if (secret) headers['Coffer-Invite'] = secret;
  let refused = null;
  try {
    await api.put(`/v1/keys/${encodeURIComponent(name)}`, pemOf(identity.spki), { headers, token: null });
  } catch (error) {
    if (error.status !== 403 && error.status !== 409) throw error;
    refused = error;
  }
  let token;
  try {
    token = await openLogin(api, identity);
  } catch (error) {
    throw refused ?? error;
  }
  await vault.update('identities', name, (kept) => ({ ...kept, joined: true }));
  return token;
}

// The server's challenge opens under a label built from the address of this page and one's own name, never from an
// answer: a challenge of another server, or a stored message, does not. A bearer token.
export async function openLogin(api, identity) {
  const asked = await api.post('/v1/login', { account: identity.name }, { token: null });
  const { id, challenge, fingerprint } = asked.body;
  const sealed = fromBase64(challenge);
  if (fingerprint !== identity.fingerprint) throw new Refusal(text.otherKey(identity.name, identity.fingerprint, fingerprint));
  let opened;
  try {
    const label = utf8(`coffer-login-v1\n${location.origin}\n${identity.name}\n${id}`);
    opened = new Uint8Array(await crypto.subtle.decrypt({ name: 'RSA-OAEP', label }, identity.keys.login, sealed));
  } catch {
    throw new Refusal(text.noChallenge);
  }
  if (opened.length !== 32) throw new Refusal(text.noChallenge);
  const answer = hex(await sha256(opened));
  opened.fill(0);
  return (await api.post(`/v1/login/${encodeURIComponent(id)}`, { answer }, { token: null })).body.token;
}

