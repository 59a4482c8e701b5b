/*
 * Sealed messages (FORMATS §4): what only the holder of one RSA key can read, in the bytes that PyCryptodome's
 * PKCS1_OAEP and MODE_EAX make by default:
 * RSAES-OAEP of an AES key (k bytes) ‖ EAX nonce (16) ‖ EAX tag (16) ‖ ciphertext.
 * They say nothing of who wrote them, or when, or to whom else.
 */
#ifndef COFFER_CRYPTO_MESSAGE_H
#define COFFER_CRYPTO_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/rsakey.h"
#include "crypto/status.h"

enum {
	MESSAGE_NONCE_SIZE = 16,
	MESSAGE_TAG_SIZE = 16,
	MESSAGE_KEY_MAX = 32,
};

/* The AES key of a message, which a session continues with. Wipe it by message_key_wipe(). */
struct message_key {
	uint8_t b[MESSAGE_KEY_MAX];
	size_t size; /* 16, 24 or 32 */
};

void message_key_wipe(struct message_key *key);

/* Bytes that a sealed message for this key has beyond its plaintext, all before the ciphertext: k + 32. */
size_t message_overhead(const struct rsakey_public *recipient);

/*
 * Seals with a fresh AES-128 key. ret_sealed: message_overhead() + size bytes; the plaintext may already stand at its
 * end, but must not overlap it otherwise. ret_key: the AES key, or NULL. CRYPTO_NOMEM, CRYPTO_RANDOM.
 */
MUST_CHECK enum crypto_status message_seal(const struct rsakey_public *recipient, const uint8_t *plaintext, size_t size,
					   uint8_t *ret_sealed, struct message_key *ret_key);

/*
 * Opens with whatever key size the sender took. ret_plaintext: size - message_overhead() bytes, may be the place of the
 * ciphertext in `sealed`, but must not overlap it otherwise. ret_key: the AES key, or NULL. CRYPTO_AUTH for everything
 * that can be wrong with a message, its length too: ret_plaintext is then untouched. A wrong wrap costs the pass over
 * the ciphertext too, so that the time does not tell which part was wrong.
 */
MUST_CHECK enum crypto_status message_open(const struct rsakey_private *recipient, const uint8_t *sealed, size_t size,
					   uint8_t *ret_plaintext, size_t *ret_size, struct message_key *ret_key);

#endif
