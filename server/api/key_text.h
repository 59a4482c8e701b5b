/* Public keys as text, in and out: PEM, and JSON Web Keys (RFC 7517, RFC 7518 §6.3). */
#ifndef COFFER_API_KEY_TEXT_H
#define COFFER_API_KEY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/pubkey.h"
#include "server/api/call.h"

#define KEY_TEXT_PEM "application/x-pem-file"
#define KEY_TEXT_JWK "application/jwk+json"

enum { KEY_TEXT_MAX = 16384 /* bytes of a body; a certificate for an 8192-bit key has some 4,000 */ };

/* What starts with '{' is a JWK, all else PEM. A private key is wiped. The text is terminated. */
MUST_CHECK enum pubkey_verdict key_text_read(char *text, size_t size, struct rsakey_public **ret_key);

/* The public members alone; on the heap, NULL when memory runs out. */
char *key_text_jwk(const struct rsakey_public *key, size_t *ret_size);

/* Whether a request prefers a JWK, by its Accept: PEM when it says nothing. */
bool key_text_wants_jwk(const struct http_exchange *x);

/* A reply of the key in that form, with Coffer-Fingerprint and Vary. Headers may follow. */
void key_text_reply(struct call *call, const struct rsakey_public *key, bool jwk);

#endif
