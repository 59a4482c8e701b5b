/*
 * Slots (FORMATS §1): the unlock key, which encrypts the private half of the KEK in its file, wrapped by something that
 * the operator has. Each slot wraps the same unlock key, so that one can be rewritten without touching the others.
 *
 *   0   8  "cofslot1"
 *   8   1  kind: 1 passphrase, 2 credential
 *   9   4  PBKDF2 iterations; 0 for a credential
 *  13  32  salt
 *  45  16  tag
 *  61  32  the unlock key, encrypted
 *
 * AES-256-EAX, nonce = the first 16 bytes of the salt (a slot's key is never used twice), header lp("coffer-slot-v1") ‖
 * store id ‖ bytes 8 to 45. Its key: PBKDF2-HMAC-SHA256 (RFC 8018 §5.2) of a passphrase; HKDF-SHA256 of a credential,
 * with the salt and info "coffer-credential-v1".
 */
#ifndef COFFER_CRYPTO_SLOT_H
#define COFFER_CRYPTO_SLOT_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/status.h"

enum slot_kind {
	SLOT_PASSPHRASE = 1,
	SLOT_CREDENTIAL = 2, /* random bytes, at least SLOT_CREDENTIAL_MIN of them: no stretching */
};

enum {
	SLOT_SIZE = 93,
	SLOT_ITERATIONS = 600000, /* for new slots: a few tenths of a second */
	SLOT_ITERATIONS_MIN = 1000,
	SLOT_ITERATIONS_MAX = 100000000,
	SLOT_CREDENTIAL_MIN = 32,
};

struct unlock_key {
	uint8_t b[32];
};

MUST_CHECK enum crypto_status unlock_key_generate(struct unlock_key *ret_key);

/* iterations: 0 for a credential. CRYPTO_FORMAT: not in range, or too short a credential. */
MUST_CHECK enum crypto_status slot_seal(enum slot_kind kind, const uint8_t store_id[static 16], const void *secret,
					size_t secret_size, unsigned iterations, const struct unlock_key *key,
					uint8_t ret_slot[static SLOT_SIZE]);

/* CRYPTO_LOCKED: not this secret, kind or store, or damaged. CRYPTO_FORMAT: no slot. */
MUST_CHECK enum crypto_status slot_open(enum slot_kind kind, const uint8_t store_id[static 16], const void *secret,
					size_t secret_size, const uint8_t *slot, size_t slot_size,
					struct unlock_key *ret_key);

#endif
