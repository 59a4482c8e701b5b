/*
 * Moves the oldest events of the audit log into the archive (audit_archive.h), a step at a time. For one thread at a
 * time; it waits for the store.
 */
#ifndef COFFER_CORE_AUDIT_ARCHIVER_H
#define COFFER_CORE_AUDIT_ARCHIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/files.h"
#include "server/core/status.h"
#include "server/core/vault.h"

struct audit_archiver_options {
	int64_t before_ms; /* events made before this go */
	/* Fewer than fill a segment wait for more, until the first of them was made before this. */
	int64_t late_ms;
};

/*
 * One step, of some hundredths of a second: drops events from the database that stand in a file, or writes a segment.
 * The last event always stays. *ret_more: there is more to do. On failure a line for the operator goes to `error`;
 * CORE_DAMAGED: the events, or what was archived last, do not verify, and stay as they are.
 */
MUST_CHECK enum core_status audit_archiver_step(const struct vault *vault, struct store_view *view,
						const struct audit_archiver_options *options, bool *ret_more,
						struct files_error *error);

#endif
