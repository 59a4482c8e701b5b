/*
 * The keys that can be taken away: the private half of the KEK, and the epoch keys (FORMATS §1). Without the private
 * half the ring is sealed: it unwraps nothing, and it holds no epoch key. Any thread.
 */
#ifndef COFFER_CORE_KEYRING_H
#define COFFER_CORE_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/epoch.h"
#include "crypto/record.h"
#include "crypto/rsakey.h"
#include "server/core/status.h"

struct keyring;
struct metrics;

enum {
	KEYRING_EPOCH_WRAP_SIZE = 16 + EPOCH_WRAP_SIZE, /* epoch id ‖ what epoch_dek_wrap() makes */
	KEYRING_EPOCHS_MAX = 4096,			/* held at once: the one loaded longest ago makes room */
};

/* A sealed ring. kek: borrowed. epoch_wraps false: none is made or looked at. */
MUST_CHECK enum core_status keyring_new(const struct rsakey_public *kek, const uint8_t store_id[static 16],
					bool epoch_wraps, struct keyring **ret_ring);
/* Before it is shared: RSA operations are counted there (borrowed). */
void keyring_count(struct keyring *ring, struct metrics *metrics);
/* Wipes; NULL is accepted. */
void keyring_free(struct keyring *ring);

/* Takes the private half, also on failure. CORE_DAMAGED when it is not that of the ring's KEK. */
MUST_CHECK enum core_status keyring_unseal(struct keyring *ring, struct rsakey_private *kek);
/* Wipes the private half and every epoch key, once those who are using them have finished: a few milliseconds. */
void keyring_seal(struct keyring *ring);
bool keyring_sealed(struct keyring *ring);

/* RSAES-OAEP with SHA-256 under the KEK: as oaep_decrypt(), one RSA private operation. CORE_SEALED, CORE_DAMAGED. */
MUST_CHECK enum core_status keyring_oaep_decrypt(struct keyring *ring, const void *label, size_t label_size,
						 const uint8_t *ciphertext, size_t ciphertext_size,
						 uint8_t *ret_message, size_t *ret_size);
/* One RSA private operation. CORE_SEALED, CORE_DAMAGED: the wrap is not of this KEK and version. */
MUST_CHECK enum core_status keyring_dek_unwrap(struct keyring *ring, const struct record_context *context,
					       const uint8_t *wrap, size_t wrap_size, struct dek *ret_dek);

/* ---- epochs ----------------------------------------------------------------------------------------------------- */

bool keyring_epoch_wraps(const struct keyring *ring);
bool keyring_epoch_loaded(struct keyring *ring, const uint8_t epoch_id[static 16]);
/* One RSA private operation, for the first who asks; others wait for it. CORE_SEALED, CORE_DAMAGED, CORE_NOMEM. */
MUST_CHECK enum core_status keyring_epoch_load(struct keyring *ring, const uint8_t epoch_id[static 16],
					       const uint8_t *wrap, size_t wrap_size);
/* A fresh epoch key, loaded. ret_wrap: rsakey_public_size(kek) bytes. CORE_SEALED, CORE_NOMEM, CORE_INTERNAL. */
MUST_CHECK enum core_status keyring_epoch_make(struct keyring *ring, const uint8_t epoch_id[static 16],
					       uint8_t *ret_wrap);
/* From now on new wraps are made under this epoch, which must be loaded: `count` of them at most. */
void keyring_epoch_use(struct keyring *ring, const uint8_t epoch_id[static 16], uint64_t count);
/* How many wraps may still be made, and under which epoch; 0 when there is none in use. */
uint64_t keyring_epoch_left(struct keyring *ring, uint8_t ret_epoch_id[static 16]);

/* False when no epoch is in use: the version then has none, until it is read. */
bool keyring_epoch_wrap(struct keyring *ring, const struct record_context *context, const struct dek *dek,
			uint8_t ret_wrap[static KEYRING_EPOCH_WRAP_SIZE]);
/* CORE_NOT_FOUND: the epoch is not loaded. CORE_SEALED. CORE_DAMAGED: present, but wrong. */
MUST_CHECK enum core_status keyring_epoch_unwrap(struct keyring *ring, const struct record_context *context,
						 const uint8_t wrap[static KEYRING_EPOCH_WRAP_SIZE],
						 struct dek *ret_dek);

#endif
