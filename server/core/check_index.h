/* The index of the audit log, held against the events: for `coffer check`. */
#ifndef COFFER_CORE_CHECK_INDEX_H
#define COFFER_CORE_CHECK_INDEX_H

#include <stdint.h>
#include <stdio.h>

#include "server/core/audit.h"

struct check_index;

struct check_index *check_index_new(void);
void check_index_free(struct check_index *index);

/* Each event that verified, in order. */
void check_index_event(struct check_index *index, uint64_t sequence, const struct audit_event *event);

/*
 * Then: writes a line to `report` for each run that does not tell just of the events that there are, and adds them to
 * *faults. Runs that a server is merging at the moment are looked at as they are then.
 */
MUST_CHECK enum core_status check_index_compare(struct check_index *index, const struct vault *vault,
						struct store_view *view, FILE *report, uint64_t *faults);

#endif
