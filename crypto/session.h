/*
 * Session messages (FORMATS §4): further messages under the AES key of an earlier sealed message.
 * u64 counter ‖ EAX nonce (16) ‖ EAX tag (16) ‖ ciphertext; the EAX header binds that message, both partners, and the
 * counter. No forward secrecy: whoever learns the key reads the whole session.
 */
#ifndef COFFER_CRYPTO_SESSION_H
#define COFFER_CRYPTO_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "crypto/message.h"
#include "crypto/status.h"

enum { SESSION_OVERHEAD = 8 + MESSAGE_NONCE_SIZE + MESSAGE_TAG_SIZE };

/* One direction of a session: the other one has sender and recipient exchanged. Wipe the key afterwards. */
struct session {
	struct message_key key;
	uint8_t first[DIGEST_SIZE];  /* SHA-256 of the sealed message that began it */
	uint8_t sender[DIGEST_SIZE]; /* fingerprints */
	uint8_t recipient[DIGEST_SIZE];
};

/*
 * counter: greater than any used before in this direction, from 1; keeping it is the caller's. ret_sealed:
 * SESSION_OVERHEAD + size bytes; the plaintext may already stand at its end, but must not overlap it otherwise.
 * CRYPTO_FORMAT: counter 0. CRYPTO_KEY: no AES key. CRYPTO_NOMEM, CRYPTO_RANDOM.
 */
MUST_CHECK enum crypto_status session_seal(const struct session *session, uint64_t counter, const uint8_t *plaintext,
					   size_t size, uint8_t *ret_sealed);

/*
 * after: the counter of the last message accepted in this direction, 0 when there was none. ret_plaintext:
 * size - SESSION_OVERHEAD bytes, may be the place of the ciphertext, but must not overlap it otherwise; untouched on
 * failure. CRYPTO_AUTH: not of this session or direction, changed, or its counter has not risen. CRYPTO_KEY,
 * CRYPTO_NOMEM.
 */
MUST_CHECK enum crypto_status session_open(const struct session *session, uint64_t after, const uint8_t *sealed,
					   size_t size, uint8_t *ret_plaintext, uint64_t *ret_counter);

#endif
