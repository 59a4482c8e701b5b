/*
 * How often somebody may do something: token buckets by address (an IPv6 /64 counts as one) and by name. A full bucket
 * holds a minute's worth. The table is bounded: who shares a place with another starts from a full bucket, never from
 * an emptier one. Any thread.
 */
#ifndef COFFER_CORE_RATES_H
#define COFFER_CORE_RATES_H

#include <stdbool.h>
#include <stdint.h>

struct rates;

/* per_minute 0: no bound. NULL when memory runs out. */
struct rates *rates_new(unsigned per_minute);
void rates_free(struct rates *rates);

/* Takes one for an address ("127.0.0.1", "::1") or a name; 0, or the seconds until there is one. */
unsigned rates_take(struct rates *rates, const char *who);
/* The same without taking. */
unsigned rates_look(struct rates *rates, const char *who);

#endif
