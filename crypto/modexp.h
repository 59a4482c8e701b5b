/*
 * x^e mod n for a public odd n and a public odd e, where x is secret: as when RSA encrypts. The time, the branches and
 * the addresses depend on n's size and on e, never on x. Immutable once made; several threads may use one at once.
 */
#ifndef COFFER_CRYPTO_MODEXP_H
#define COFFER_CRYPTO_MODEXP_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/status.h"

struct modexp;

/* modulus: `size` bytes, big-endian, odd, without leading zeros; exponent: odd, at least 3. CRYPTO_KEY else. */
MUST_CHECK enum crypto_status modexp_new(const uint8_t *modulus, size_t size, uint64_t exponent,
					 struct modexp **ret_modexp);

/*
 * in, ret_out: as many bytes as the modulus has, big-endian, may be one place. CRYPTO_FORMAT, and zeros, when `in` is
 * not below the modulus: the status is computed without a branch too. CRYPTO_NOMEM, and nothing written.
 */
MUST_CHECK enum crypto_status modexp_apply(const struct modexp *modexp, const uint8_t *in, uint8_t *ret_out);

/* NULL is accepted. */
void modexp_free(struct modexp *modexp);

#endif
