/* The Idempotency-Keys that are being worked on at this moment, by their MACs. Thread-safe. */
#ifndef COFFER_CORE_INFLIGHT_H
#define COFFER_CORE_INFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

struct inflight;

/* NULL when memory runs out. */
struct inflight *inflight_new(void);
void inflight_free(struct inflight *inflight);

/* Embedded in the owner; links it into the set while it is entered. */
struct inflight_entry {
	uint8_t key_mac[32];
	struct inflight_entry *next;
	bool entered;
};

/* False when the same key is in the set already. */
bool inflight_enter(struct inflight *inflight, struct inflight_entry *entry);
/* Does nothing for an entry that is not entered. */
void inflight_leave(struct inflight *inflight, struct inflight_entry *entry);

#endif
