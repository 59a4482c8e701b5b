/*
 * Why somebody broke the glass: free text that may itself be about a patient, so that the audit log keeps it sealed to
 * the KEK. A node that is sealed, or only takes records in, can write it down and cannot read it.
 *
 * sealed: KEK id (32) ‖ RSAES-OAEP (SHA-256, label = purpose) of an AES-256 key ‖ EAX nonce (16) ‖ tag (16) ‖
 * ciphertext, header = purpose; purpose = lp("coffer-audit-reason-v1") ‖ store id ‖ request id. The event has SHA-256
 * of these bytes, so that the chain vouches for them.
 */
#ifndef COFFER_CORE_REASON_H
#define COFFER_CORE_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/status.h"
#include "server/core/vault.h"

enum {
	REASON_MIN = 10, /* bytes of UTF-8 */
	REASON_MAX = 500,
};

/* Whether a text is one: of a length as above, UTF-8, without controls. */
bool reason_is_good(const char *text);
/* *ret_sealed is malloc()ed. CORE_NOMEM, CORE_INTERNAL. */
MUST_CHECK enum core_status reason_seal(const struct vault *vault, const uint8_t request_id[static 16],
					const char *text, uint8_t **ret_sealed, size_t *ret_size);
/* An RSA private operation. CORE_SEALED, CORE_DAMAGED. */
MUST_CHECK enum core_status reason_open(const struct vault *vault, const uint8_t request_id[static 16],
					const uint8_t *sealed, size_t size, char ret_text[static REASON_MAX + 1]);

/* What is stored behind an event: CORE_NOT_FOUND; CORE_DAMAGED: not what the event has the digest of. free() it. */
MUST_CHECK enum core_status reason_read(struct store_view *view, uint64_t sequence, const uint8_t digest[static 32],
					uint8_t **ret_sealed, size_t *ret_size);

#endif
