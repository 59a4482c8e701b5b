/* Makes the index of the audit log (audit_index.h), a step at a time. For one thread; it waits for the store. */
#ifndef COFFER_CORE_AUDIT_INDEXER_H
#define COFFER_CORE_AUDIT_INDEXER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/files.h"
#include "server/core/status.h"
#include "server/core/vault.h"

struct audit_indexer {
	uint64_t cleaned; /* the runs up to this event were merged, and nothing is left of what they were merged from */
};

/*
 * One step, of some hundredths of a second, but for a merge some tenths: removes what was merged, merges, or tells of
 * the next block of events. The indexer is zeros at first. *ret_more: there is more to do. On failure a line for the
 * operator goes to `error`; CORE_DAMAGED: the events, or the index, do not verify.
 */
MUST_CHECK enum core_status audit_indexer_step(struct audit_indexer *indexer, const struct vault *vault,
					       struct store_view *view, bool *ret_more, struct files_error *error);

/* Drops the whole index, so that it is made anew. */
MUST_CHECK enum core_status audit_indexer_reset(const struct vault *vault);

#endif
