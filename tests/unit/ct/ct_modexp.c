/*
 * Is RSA's public operation silent about what it encrypts? As ct_oaep.c: the secret is marked as undefined, and
 * memcheck complains of every branch and every address that depends on it.
 *
 * Built with -DPLANT_LEAK the program raises the same number with mpz_powm, which memcheck must catch.
 */
#include <gmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "crypto/modexp.h"

enum { SIZE_MAX_BYTES = 512 };

static bool encrypt(size_t size, uint8_t first)
{
	uint8_t modulus[SIZE_MAX_BYTES], x[SIZE_MAX_BYTES], expected[SIZE_MAX_BYTES] = {0};
	struct modexp *modexp = NULL;
	mpz_t n, base, power;
	enum crypto_status status;

	for (size_t i = 0; i < size; i++) {
		modulus[i] = (uint8_t)(i * 151 + 0x81);
		x[i] = (uint8_t)(i * 89 + 5);
	}
	modulus[size - 1] |= 1;
	x[0] = first;
	mpz_inits(n, base, power, NULL);
	mpz_import(n, size, 1, 1, 1, 0, modulus);
	mpz_import(base, size, 1, 1, 1, 0, x);
	const bool below = mpz_cmp(base, n) < 0;
	mpz_powm_ui(power, base, 65537, n);
	if (below)
		mpz_export(expected + size - (mpz_sizeinbase(power, 2) + 7) / 8, NULL, 1, 1, 1, 0, power);
	if (modexp_new(modulus, size, 65537, &modexp) != CRYPTO_OK)
		return false;
	VALGRIND_MAKE_MEM_UNDEFINED(x, size);
#ifdef PLANT_LEAK
	mpz_import(base, size, 1, 1, 1, 0, x);
	mpz_powm_ui(power, base, 65537, n);
#endif
	status = modexp_apply(modexp, x, x);
	VALGRIND_MAKE_MEM_DEFINED(&status, sizeof(status));
	VALGRIND_MAKE_MEM_DEFINED(x, size);
	modexp_free(modexp);
	mpz_clears(n, base, power, NULL);
	return status == (below ? CRYPTO_OK : CRYPTO_FORMAT) && memcmp(x, expected, size) == 0;
}

int main(void)
{
	static const size_t sizes[] = {256, 257, 384, 512};
	bool right = true;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		right &= encrypt(sizes[i], 0);
		right &= encrypt(sizes[i], 0x7f);
		right &= encrypt(sizes[i], 0xff);
	}
	puts(right ? "powers right" : "powers WRONG");
	return right ? 0 : 1;
}
