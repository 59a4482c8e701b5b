/*
 * The keys that this store signs with, or did: receipts and checkpoints of a retired key stay good for what it can have
 * signed. Each is endorsed by the one before it, so that whoever trusts an old one can follow:
 *
 * endorsement: by the key before, over lp("coffer-identity-v1") ‖ store id ‖ that key ‖ the new key ‖ u64 time in ms.
 */
#ifndef COFFER_CORE_IDENTITIES_H
#define COFFER_CORE_IDENTITIES_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/identity.h"
#include "db/identity.h"
#include "server/core/status.h"
#include "server/core/vault.h"

enum { IDENTITIES_MAX = 64 };

struct identities {
	size_t count;
	struct store_identity keys[IDENTITIES_MAX]; /* the oldest first; one is current */
};

/* CORE_NOT_FOUND: there is none yet. CORE_DAMAGED: a row was altered, or not just one is current. */
MUST_CHECK enum core_status identities_load(const struct vault *vault, struct store_view *view,
					    struct identities **ret_identities);
void identities_free(struct identities *identities);

const struct store_identity *identities_current(const struct identities *identities);
/*
 * Whether this store's key vouches for what it says of the audit log up to an event: it is current, or was until then.
 */
bool identities_vouch(const struct vault *vault, const uint8_t public_key[static IDENTITY_PUBLIC_SIZE],
		      uint64_t sequence);

/* The row of a key that takes the place of `old` (NULL: it is the first), without its MAC. */
void identities_endorse(const struct vault *vault, const struct identity *old, const struct identity *next,
			int64_t now_ms, struct store_identity *ret_row);
/* Whether a key is endorsed by the one that it names as the one before it. */
bool identities_is_endorsed(const uint8_t store_id[static 16], const struct store_identity *row);

#endif
