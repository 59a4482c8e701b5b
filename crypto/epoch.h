/*
 * Epoch keys (FORMATS §2): a random AES-256 key, wrapped once by the KEK, under which many DEKs are wrapped by EAX, so
 * that reading a record need not cost an RSA private operation. What they wrap is a cache beside the RSA wrap.
 */
#ifndef COFFER_CRYPTO_EPOCH_H
#define COFFER_CRYPTO_EPOCH_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/record.h"
#include "crypto/rsakey.h"
#include "crypto/status.h"

enum {
	EPOCH_NONCE_SIZE = 16,
	EPOCH_WRAP_SIZE = EPOCH_NONCE_SIZE + 16 + 32, /* nonce ‖ tag ‖ encrypted DEK */
};

/* An epoch key and its schedule, in locked memory. May be used by several threads at once. */
struct epoch_key;

/* What an epoch key belongs to; both ids are authenticated with everything that it wraps. */
struct epoch_name {
	uint8_t kek_id[32];
	uint8_t epoch_id[16];
};

MUST_CHECK enum crypto_status epoch_key_generate(struct epoch_key **ret_key);
/* Wipes; NULL is accepted. */
void epoch_key_free(struct epoch_key *key);

/* RSAES-OAEP, SHA-256, label "coffer-epoch-key-v1" ‖ store id ‖ epoch id. ret_wrap: rsakey_public_size(kek) bytes. */
MUST_CHECK enum crypto_status epoch_key_wrap(const struct rsakey_public *kek, const uint8_t store_id[static 16],
					     const uint8_t epoch_id[static 16], const struct epoch_key *key,
					     uint8_t *ret_wrap);
/* One RSA private operation. CRYPTO_AUTH: not this KEK, store or epoch, or damaged. */
MUST_CHECK enum crypto_status epoch_key_unwrap(const struct rsakey_private *kek, const uint8_t store_id[static 16],
					       const uint8_t epoch_id[static 16], const uint8_t *wrap, size_t wrap_size,
					       struct epoch_key **ret_key);

/* AES-256-EAX, random nonce, header lp("coffer-epoch-v1") ‖ KEK id ‖ epoch id ‖ context. */
MUST_CHECK enum crypto_status epoch_dek_wrap(const struct epoch_key *key, const struct epoch_name *name,
					     const struct record_context *context, const struct dek *dek,
					     uint8_t ret_wrap[static EPOCH_WRAP_SIZE]);
/* CRYPTO_AUTH: another key, epoch, KEK or version, or damaged. */
MUST_CHECK enum crypto_status epoch_dek_unwrap(const struct epoch_key *key, const struct epoch_name *name,
					       const struct record_context *context,
					       const uint8_t wrap[static EPOCH_WRAP_SIZE], struct dek *ret_dek);

#endif
