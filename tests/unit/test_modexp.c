#include <criterion/criterion.h>
#include <gmp.h>
#include <string.h>

#include "crypto/modexp.h"

enum { SIZE_MAX_BYTES = 1024 };

static void to_bytes(const mpz_t x, uint8_t *ret_bytes, size_t size)
{
	size_t used = (mpz_sizeinbase(x, 2) + 7) / 8;

	memset(ret_bytes, 0, size);
	if (mpz_sgn(x))
		mpz_export(ret_bytes + size - used, NULL, 1, 1, 1, 0, x);
}

static void assert_power(const struct modexp *modexp, const mpz_t x, unsigned long e, const mpz_t n)
{
	uint8_t bytes[SIZE_MAX_BYTES], expected[SIZE_MAX_BYTES];
	size_t size = (mpz_sizeinbase(n, 2) + 7) / 8;
	mpz_t power;

	mpz_init(power);
	mpz_powm_ui(power, x, e, n);
	to_bytes(power, expected, size);
	to_bytes(x, bytes, size);
	cr_assert_eq(modexp_apply(modexp, bytes, bytes), CRYPTO_OK);
	cr_assert_arr_eq(bytes, expected, size, "n has %zu bits, e is %lu", mpz_sizeinbase(n, 2), e);
	mpz_clear(power);
}

static struct modexp *make(const mpz_t n, unsigned long e)
{
	struct modexp *modexp = NULL;
	uint8_t modulus[SIZE_MAX_BYTES];
	size_t size = (mpz_sizeinbase(n, 2) + 7) / 8;

	to_bytes(n, modulus, size);
	cr_assert_eq(modexp_new(modulus, size, e, &modexp), CRYPTO_OK);
	return modexp;
}

/* Moduli of whole limbs and of some bits more, random and with long runs of equal bits, where carries are. */
Test(modexp, equals_gmp_for_every_size_and_exponent)
{
	static const unsigned sizes[] = {64, 65, 127, 2041, 2048, 2049, 2056, 2111, 3065, 3072, 4089, 4095, 4096, 8192};
	static const unsigned long exponents[] = {3, 5, 17, 65537, 65539, 4294967291, 4294967295};
	gmp_randstate_t random;
	mpz_t n, x;

	gmp_randinit_default(random);
	mpz_inits(n, x, NULL);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		for (size_t i = 0; i < sizeof(exponents) / sizeof(exponents[0]); i++)
			for (int runs = 0; runs < 4; runs++) {
				(runs % 2 ? mpz_rrandomb : mpz_urandomb)(n, random, sizes[s]);
				mpz_setbit(n, sizes[s] - 1);
				mpz_setbit(n, 0);
				struct modexp *modexp = make(n, exponents[i]);
				for (unsigned long small = 0; small < 3; small++) {
					mpz_set_ui(x, small);
					assert_power(modexp, x, exponents[i], n);
					mpz_sub_ui(x, n, small + 1);
					assert_power(modexp, x, exponents[i], n);
					(runs % 2 ? mpz_rrandomb : mpz_urandomb)(x, random, sizes[s]);
					mpz_mod(x, x, n);
					assert_power(modexp, x, exponents[i], n);
				}
				modexp_free(modexp);
			}
	mpz_clears(n, x, NULL);
	gmp_randclear(random);
}

Test(modexp, refuses_what_is_not_below_the_modulus)
{
	uint8_t bytes[256], out[256];
	struct modexp *modexp;
	mpz_t n;

	mpz_init_set_ui(n, 1);
	mpz_mul_2exp(n, n, 2047);
	mpz_add_ui(n, n, 15);
	modexp = make(n, 65537);
	to_bytes(n, bytes, sizeof(bytes));
	cr_assert_eq(modexp_apply(modexp, bytes, out), CRYPTO_FORMAT);
	bytes[255]++;
	cr_assert_eq(modexp_apply(modexp, bytes, out), CRYPTO_FORMAT);
	memset(bytes, 0xff, sizeof(bytes));
	cr_assert_eq(modexp_apply(modexp, bytes, out), CRYPTO_FORMAT);
	to_bytes(n, bytes, sizeof(bytes));
	bytes[255]--;
	cr_assert_eq(modexp_apply(modexp, bytes, out), CRYPTO_OK);
	modexp_free(modexp);
	mpz_clear(n);
}

Test(modexp, refuses_numbers_that_montgomery_cannot_take)
{
	static const uint8_t even[] = {0x80, 0x00}, odd[] = {0x80, 0x01}, padded[] = {0x00, 0x81};
	struct modexp *modexp = NULL;

	cr_assert_eq(modexp_new(even, sizeof(even), 65537, &modexp), CRYPTO_KEY);
	cr_assert_eq(modexp_new(padded, sizeof(padded), 65537, &modexp), CRYPTO_KEY);
	cr_assert_eq(modexp_new(odd, 0, 65537, &modexp), CRYPTO_KEY);
	cr_assert_eq(modexp_new(odd, sizeof(odd), 65536, &modexp), CRYPTO_KEY);
	cr_assert_eq(modexp_new(odd, sizeof(odd), 1, &modexp), CRYPTO_KEY);
	cr_assert_null(modexp);
	modexp_free(NULL);
}
