/* The housekeeping thread: marks deleted records as shredded after a checkpoint, and forgets old Idempotency-Keys. */
#ifndef COFFER_CORE_CARE_H
#define COFFER_CORE_CARE_H

#include <stdint.h>

#include "server/core/vault.h"

struct care;

/* Every shred_delay_ms. NULL when memory or a thread cannot be had. `vault` is borrowed until care_free(). */
struct care *care_new(const struct vault *vault, int64_t shred_delay_ms, int64_t idempotency_ttl_ms);
/* Ends the thread; before the store closes. NULL is accepted. */
void care_free(struct care *care);

#endif
