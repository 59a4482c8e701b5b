/*
 * AES-EAX (Bellare, Rogaway, Wagner, "The EAX Mode of Operation", 2004) with 128, 192 and 256-bit keys, nonces of any
 * length and 16-byte tags. A composition of Nettle's AES, CBC (for OMAC) and CTR.
 *
 * An eax_key holds the key schedule and the OMAC subkeys; it may serve many messages, one at a time or, since
 * the functions below only read it, from several threads at once.
 */
#ifndef COFFER_CRYPTO_EAX_H
#define COFFER_CRYPTO_EAX_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/status.h"

enum { EAX_TAG_SIZE = 16 };

struct eax_key;

/* key_size: 16, 24 or 32, else CRYPTO_KEY. */
MUST_CHECK enum crypto_status eax_key_new(const uint8_t *key, size_t key_size, struct eax_key **ret_key);
/* The same in locked memory, for keys that live long: CRYPTO_NOMEM also when the lock limit is reached. */
MUST_CHECK enum crypto_status eax_key_new_locked(const uint8_t *key, size_t key_size, struct eax_key **ret_key);
/* Wipes; NULL is accepted. */
void eax_key_free(struct eax_key *key);

/* The OMAC of a header (tweak 1), to be reused by many messages that carry the same header. */
struct eax_header {
	uint8_t omac[16];
};
void eax_header_init(const struct eax_key *key, const void *header, size_t header_size, struct eax_header *ret_header);

/* Encrypts `size` bytes. ret_ciphertext: size bytes, may be the plaintext's own place but must not overlap it
 * otherwise. */
void eax_seal(const struct eax_key *key, const struct eax_header *header, const void *nonce, size_t nonce_size,
	      const uint8_t *plaintext, size_t size, uint8_t ret_tag[static EAX_TAG_SIZE], uint8_t *ret_ciphertext);

/*
 * Checks the tag in constant time, and only then decrypts. CRYPTO_AUTH leaves ret_plaintext untouched.
 * ret_plaintext may be the ciphertext's own place but must not overlap it otherwise.
 */
MUST_CHECK enum crypto_status eax_open(const struct eax_key *key, const struct eax_header *header, const void *nonce,
				       size_t nonce_size, const uint8_t tag[static EAX_TAG_SIZE],
				       const uint8_t *ciphertext, size_t size, uint8_t *ret_plaintext);

#endif
