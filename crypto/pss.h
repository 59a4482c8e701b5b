/* RSASSA-PSS (RFC 8017 §8.1) with SHA-256, MGF1 over SHA-256, and salts of 32 bytes. */
#ifndef COFFER_CRYPTO_PSS_H
#define COFFER_CRYPTO_PSS_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/rsakey.h"
#include "crypto/status.h"

/* Blinded. ret_signature: rsakey_public_size() bytes. CRYPTO_NOMEM, CRYPTO_RANDOM; CRYPTO_KEY: the result was faulty.
 */
MUST_CHECK enum crypto_status pss_sign(const struct rsakey_private *key, const void *message, size_t size,
				       uint8_t *ret_signature);

/* CRYPTO_AUTH when it is not a signature by that key over that message, whatever is wrong. */
MUST_CHECK enum crypto_status pss_verify(const struct rsakey_public *key, const void *message, size_t size,
					 const uint8_t *signature, size_t signature_size);

#endif
