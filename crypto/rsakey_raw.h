/*
 * The bare RSA operations (RFC 8017 §5.1) on octet strings of the modulus' size, on which paddings are built. Nothing
 * but a padding should call them.
 */
#ifndef COFFER_CRYPTO_RSAKEY_RAW_H
#define COFFER_CRYPTO_RSAKEY_RAW_H

#include <stdint.h>

#include "crypto/rsakey.h"
#include "crypto/status.h"

/* in, ret_out: rsakey_public_size() bytes, may be one place. CRYPTO_FORMAT when `in` is not below the modulus;
 * CRYPTO_NOMEM. */
MUST_CHECK enum crypto_status rsakey_raw_public(const struct rsakey_public *key, const uint8_t *in, uint8_t *ret_out);

/*
 * The private operation, blinded, its result checked against faults (CRYPTO_KEY) before it is handed out.
 * Otherwise as above; and CRYPTO_RANDOM when there is no randomness to blind with.
 */
MUST_CHECK enum crypto_status rsakey_raw_private(const struct rsakey_private *key, const uint8_t *in, uint8_t *ret_out);

#endif
