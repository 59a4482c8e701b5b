/*
 * modexp.h by the vectors of 52-bit multiplications that some processors have (AVX-512 IFMA), for the sizes of modulus
 * that fill them: 2048, 3072 and 4096 bits. For modexp.c, which knows the processor.
 *
 * Compiled without those instructions, every step is the same in portable C, only slower: so that what cannot run them,
 * memcheck among it, runs the code.
 */
#ifndef COFFER_CRYPTO_MODEXP_IFMA_H
#define COFFER_CRYPTO_MODEXP_IFMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/status.h"

struct modexp_ifma;

/* Whether a modulus of so many bytes is one of those. */
bool modexp_ifma_takes(size_t size);

/* As modexp_new() and modexp_apply(), for arguments that the former has found good. */
MUST_CHECK enum crypto_status modexp_ifma_new(const uint8_t *modulus, size_t size, uint64_t exponent,
					      struct modexp_ifma **ret_modexp);
MUST_CHECK enum crypto_status modexp_ifma_apply(const struct modexp_ifma *modexp, const uint8_t *in, uint8_t *ret_out);

/* NULL is accepted. */
void modexp_ifma_free(struct modexp_ifma *modexp);

#endif
