/*
 * Requests that were refused without an account, counted by address and minute: one event of the audit log for each
 * address in each minute (AUDIT_REFUSED), never one a request, so that a flood of them cannot fill the disk. An
 * address that finds no room among REFUSALS_MAX is counted under no address. Any thread.
 */
#ifndef COFFER_CORE_REFUSALS_H
#define COFFER_CORE_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/vault.h"

enum { REFUSALS_MAX = 1024 };

struct refusals;

struct refusals *refusals_new(void);
void refusals_free(struct refusals *refusals);

/* One more from this address. */
void refusals_count(struct refusals *refusals, const char *peer);
/*
 * Hands the minutes that are over, or `all`, to the store; what it does not take is counted on. False: it did not,
 * or could not commit what it took before, which is lost then.
 */
bool refusals_write(struct refusals *refusals, const struct vault *vault, bool all);

#endif
