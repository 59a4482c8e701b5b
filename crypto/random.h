/* Random bytes from GnuTLS's generator (gnutls_rnd). Thread-safe. */
#ifndef COFFER_CRYPTO_RANDOM_H
#define COFFER_CRYPTO_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/status.h"

/* For nonces and identifiers: unpredictable, not meant to stay secret. CRYPTO_RANDOM on failure. */
MUST_CHECK enum crypto_status random_nonce(void *ret_bytes, size_t size);

/* For keys, tokens and challenges. CRYPTO_RANDOM on failure. */
MUST_CHECK enum crypto_status random_key(void *ret_bytes, size_t size);

/*
 * A UUID version 7 (RFC 9562 §5.7) for the time `unix_ms`: 48 bits of milliseconds, a counter of 12 bits (§6.2, method
 * 1), then 62 random bits, fresh for each id. The counter starts a millisecond at a random value below 2048 and counts
 * the ids made in it; when it overflows it goes on in the next millisecond's. So each id of a process is greater than
 * those made before, over all threads, also while the clock stands or goes back by less than ten seconds: the id's time
 * is then ahead of `unix_ms`. A clock set back by more is followed. CRYPTO_RANDOM on failure.
 */
MUST_CHECK enum crypto_status random_uuid7(int64_t unix_ms, uint8_t ret_id[static 16]);

/* A random UUID, version 4 (RFC 9562 §5.4). CRYPTO_RANDOM on failure. */
MUST_CHECK enum crypto_status random_uuid4(uint8_t ret_id[static 16]);

#endif
