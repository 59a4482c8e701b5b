/*
 * The thread that keeps the head of the audit log outside the database: a signed checkpoint in DIR/audit.head, written
 * within a second of each commit, and a line for the operator at intervals, so that wherever the log of the service
 * goes there are checkpoints that nobody here can take back. It also makes the index of the log, and
 * moves old events into the archive.
 */
#ifndef COFFER_CORE_AUDIT_KEEPER_H
#define COFFER_CORE_AUDIT_KEEPER_H

#include <stdint.h>

#include "server/core/home.h"

struct audit_keeper;
struct refusals;

struct audit_keeper_options {
	struct home *home;	   /* borrowed until audit_keeper_free() */
	int64_t every_ms;	   /* between heads; 0: 1 s */
	struct refusals *refusals; /* borrowed; written down when their minute is over. NULL: none are counted */
	int64_t tell_ms;	   /* between lines; 0: none */
	int64_t keep_ms;	   /* events older than this go into the archive; 0: none does */
	/* On the thread. */
	void (*log)(const char *line);
};

/*
 * First looks whether the head that was kept lies on the chain: CORE_DAMAGED, when the log was cut off, the database
 * put back, or the head replaced. None was kept: that is no failure. CORE_NOMEM, CORE_UNAVAILABLE. Each with a line in
 * ret_error that says what to do.
 */
MUST_CHECK enum core_status audit_keeper_new(const struct audit_keeper_options *options,
					     struct audit_keeper **ret_keeper, char *ret_error, size_t error_size);
/* Writes the last head; before the store closes. NULL is accepted. */
void audit_keeper_free(struct audit_keeper *keeper);

/* The check alone, for `coffer audit verify`: *ret_kept: whether there is a head at all. */
MUST_CHECK enum core_status audit_keeper_check(struct home *home, struct store_view *view, bool *ret_kept,
					       char *ret_error, size_t error_size);

#endif
