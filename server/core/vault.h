/*
 * The open vault: the store and the keys that make sense of it. Made by home_open(); read-only afterwards and shared by
 * all threads, but for the audit chain, which belongs to the committer, and the ring, which locks itself.
 */
#ifndef COFFER_CORE_VAULT_H
#define COFFER_CORE_VAULT_H

#include <stdint.h>

#include "crypto/digest.h"
#include "crypto/identity.h"
#include "crypto/rsakey.h"
#include "db/store.h"

struct audit_chain;
struct identities;
struct keyring;
struct metrics;
struct principals;

/* Derived from the store key, one for each purpose (FORMATS §1). In locked memory. */
struct vault_keys {
	struct mac_key row;	    /* coffer-row-mac-v1 */
	struct mac_key token;	    /* coffer-token-v1 */
	struct mac_key idempotency; /* coffer-idempotency-v1 */
	struct mac_key audit;	    /* coffer-audit-v1 */
};

struct vault {
	struct store *store;
	uint8_t store_id[16];
	struct vault_keys *keys;
	struct rsakey_public *kek_public; /* the current KEK's public half */
	uint8_t kek_id[32];
	struct keyring *ring; /* its private half, which may be absent, and the epoch keys */
	struct identity *identity;
	struct identities
		*identities; /* the public halves: of that one, and of those before it; NULL: that one alone */
	struct audit_chain *chain;
	const char *archive; /* the directory of the audit log's segments, which may not exist; NULL: there is none */
	struct principals *principals; /* NULL: every token is looked up */
	struct metrics *metrics;       /* NULL: nothing is counted */
};

#endif
