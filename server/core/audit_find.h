/* Searching the audit log by object and account: by its index as far as that goes, and then event by event. */
#ifndef COFFER_CORE_AUDIT_FIND_H
#define COFFER_CORE_AUDIT_FIND_H

#include "server/core/audit_read.h"

struct audit_wanted {
	bool by_object, by_account; /* both, one or none: what an event must have */
	uint8_t object[16], account[16];
};

enum {
	AUDIT_FIND_LOOK = 5000, /* events that one call looks at without the index */
	AUDIT_FIND_MOST = 1000, /* and that it reads by the index */
	AUDIT_FIND_FILES = 16,	/* files of the archive for those */
	AUDIT_FIND_RUNS = 1000, /* runs of the index that it searches */
};

/*
 * Reads on from behind *after: each event that is wanted goes to `each`, until that returns false. *after moves to the
 * last event that is settled: no other one up to it is wanted. When that is not the head of the log, another call goes
 * on. *ret_distrusted: the index does not verify, and was not used. CORE_DAMAGED: an event does not verify.
 */
MUST_CHECK enum core_status audit_find(struct store_view *view, const struct vault *vault,
				       const struct audit_wanted *wanted, uint64_t *after, audit_visit *each, void *arg,
				       bool *ret_distrusted);

#endif
