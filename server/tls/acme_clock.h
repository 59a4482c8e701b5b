/* When a certificate is to be renewed, and when after a failure it is tried again: arithmetic, no clock. */
#ifndef COFFER_TLS_ACME_CLOCK_H
#define COFFER_TLS_ACME_CLOCK_H

#include <stdint.h>

enum { ACME_CLOCK_RETRY_MAX_MS = 6 * 3600 * 1000, ACME_CLOCK_RETRY_MIN_MS = 1000 };

/*
 * At two thirds of the lifetime, give or take a sixtieth of it. Unix time in ms. spread: any number; taken from the
 * certificate itself it is the same after each restart.
 */
int64_t acme_clock_due(int64_t not_before_ms, int64_t not_after_ms, uint32_t spread);

/*
 * How long to wait after so many failures in a row (1 or more): retry_ms, doubled with each, give or take a quarter. At
 * most ACME_CLOCK_RETRY_MAX_MS, and a thirtieth of lifetime_ms (0: there is no certificate), so that a short
 * certificate too is tried for several times before it expires; at least ACME_CLOCK_RETRY_MIN_MS.
 */
int64_t acme_clock_retry(unsigned failures, int64_t retry_ms, int64_t lifetime_ms, uint32_t spread);

#endif
