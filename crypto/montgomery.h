/* What the two multiplications of Montgomery's (modexp.c, modexp_ifma.c) share. */
#ifndef COFFER_CRYPTO_MONTGOMERY_H
#define COFFER_CRYPTO_MONTGOMERY_H

#include <stdint.h>

/*
 * -1/odd mod 2^64, and so, in its lower bits, for every smaller power of two. Newton's iteration: each step doubles the
 * bits that are right, of which any odd number has three to begin with.
 */
static inline uint64_t montgomery_inverse(uint64_t odd)
{
	uint64_t x = odd;

	for (unsigned right = 3; right < 64; right *= 2)
		x *= 2 - odd * x;
	return 0 - x;
}

#endif
