/* The public halves of the keys that the service signs with, or did. */
#ifndef COFFER_DB_IDENTITY_H
#define COFFER_DB_IDENTITY_H

#include "db/store.h"

enum store_identity_state { STORE_IDENTITY_CURRENT = 1, STORE_IDENTITY_RETIRED = 2 };

/* All columns are meant to be covered by `mac`, in the order below. */
struct store_identity {
	uint8_t public_key[32];
	uint64_t revision;
	uint8_t state; /* enum store_identity_state, as found */
	int64_t created_ms;
	int64_t retired_ms;	 /* 0: it is not */
	uint64_t last_event;	 /* of the audit log, that it can have signed; 0: it is not retired */
	uint8_t previous[32];	 /* the key before it; zeros for the first */
	uint8_t endorsement[64]; /* that one's signature; zeros */
	uint8_t mac[32];
};

/* All of them, the oldest first. */
typedef bool store_identity_visit(void *arg, const struct store_identity *row);
MUST_CHECK enum store_status store_identity_list(struct store_view *view, store_identity_visit *each, void *arg);
/* Inserts, or replaces revision, state, retired_ms, last_event and mac. */
MUST_CHECK enum store_status store_identity_put(struct store_txn *txn, const struct store_identity *row);

#endif
