/*
 * Signed heads of the audit log (FORMATS §6): whoever kept one elsewhere can tell whether the log was cut off, or was
 * rewritten by somebody who has the store's keys.
 *
 * Signed by the identity key: lp("coffer-audit-checkpoint-v1") ‖ store id ‖ key id ‖ u64 stream ‖ u64 sequence ‖ hash ‖
 * u64 time. key id: SHA-256 of the Ed25519 public key. As text it is one line of JSON with the same members.
 */
#ifndef COFFER_CORE_CHECKPOINT_H
#define COFFER_CORE_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "crypto/identity.h"
#include "server/core/status.h"
#include "server/core/vault.h"

struct checkpoint {
	uint8_t store_id[16];
	uint64_t sequence; /* of the last event */
	uint8_t hash[DIGEST_SIZE];
	int64_t time_ms;
	uint8_t public_key[IDENTITY_PUBLIC_SIZE];
	uint8_t signature[IDENTITY_SIGNATURE_SIZE];
};

/* SHA-256 of an Ed25519 public key: how it is named. */
void checkpoint_key_id(const uint8_t public_key[static IDENTITY_PUBLIC_SIZE], uint8_t ret_id[static DIGEST_SIZE]);

/* Of what has been committed by now, signed by the vault's identity. Any thread. CORE_NOT_FOUND: the log is empty. */
MUST_CHECK enum core_status checkpoint_make(const struct vault *vault, struct checkpoint *ret_checkpoint);
/* Whether its signature is that of its own public key. */
bool checkpoint_is_signed(const struct checkpoint *checkpoint);
/* One line of JSON without a newline, on the heap; NULL when memory runs out. */
char *checkpoint_print(const struct checkpoint *checkpoint, size_t *ret_size);
/* False when it is not the text of one. */
bool checkpoint_parse(const char *text, size_t size, struct checkpoint *ret_checkpoint);

/* Whether the log has the event that the checkpoint tells of. CORE_OK; CORE_DAMAGED: it does not. */
MUST_CHECK enum core_status checkpoint_compare(const struct checkpoint *checkpoint, const struct vault *vault,
					       struct store_view *view);

#endif
