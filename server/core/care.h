/* The housekeeping thread: marks deleted records as shredded after a checkpoint, and forgets old Idempotency-Keys and
 * logins. */
#ifndef COFFER_CORE_CARE_H
#define COFFER_CORE_CARE_H

#include <stdint.h>

#include "server/core/vault.h"

struct care;

struct care_options {
	const struct vault *vault; /* borrowed until care_free() */
	int64_t shred_every_ms;
	int64_t expire_every_ms; /* Idempotency-Keys older than the next are forgotten */
	int64_t idempotency_ttl_ms;
	/* On the thread: a line for the operator when a chore begins to fail, and when it works again. May be NULL. */
	void (*log)(const char *line);
};

/* Each chore first runs after its interval. NULL when memory or a thread cannot be had. */
struct care *care_new(const struct care_options *options);
/* Ends the thread; before the store closes. NULL is accepted. */
void care_free(struct care *care);

#endif
