/*
 * Montgomery's multiplication (1985) on GMP's limbs. GMP's own mpz_powm_sec is also silent about x, but it treats the
 * exponent as a secret too, and costs five times as much.
 *
 * CONSTANT TIME: only mpn_sec_*, mpn_cnd_*, mpn_addmul_1, mpn_add_n and mpn_sub_n touch what depends on x.
 */
#include "crypto/modexp.h"

#include <gmp.h>
#include <stdlib.h>

#include "crypto/modexp_ifma.h"
#include "crypto/montgomery.h"
#include "crypto/secret.h"

_Static_assert(GMP_NAIL_BITS == 0, "limbs are whole words");
_Static_assert(CRYPTO_OK == 0, "a masked status is OK");

enum { LIMB_SIZE = sizeof(mp_limb_t) };

/* With R = 2^(64 limbs): `inverse` = -1/n mod 2^64, and `r_squared` = R^2 mod n. */
struct modexp {
	size_t size; /* bytes of the modulus */
	mp_size_t limbs;
	uint64_t exponent;
	mp_limb_t inverse;
	mp_size_t scratch_limbs;
	mp_limb_t *modulus;
	mp_limb_t *r_squared;
	struct modexp_ifma *ifma; /* does it instead, and only it is set; else NULL */
};

/* Wiped and freed when done: x, R x, the power so far, and a product, in one allocation. */
struct work {
	mp_limb_t *x, *x_form, *power, *product, *scratch;
};

static void limbs_read(const uint8_t *bytes, size_t size, mp_limb_t *ret_limbs, mp_size_t limbs)
{
	for (mp_size_t i = 0; i < limbs; i++)
		ret_limbs[i] = 0;
	for (size_t i = 0; i < size; i++)
		ret_limbs[i / LIMB_SIZE] |= (mp_limb_t)bytes[size - 1 - i] << (8 * (i % LIMB_SIZE));
}

static void limbs_write(const mp_limb_t *limbs, uint8_t *ret_bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		ret_bytes[size - 1 - i] = (uint8_t)(limbs[i / LIMB_SIZE] >> (8 * (i % LIMB_SIZE)));
}

static void square_of_r(const mp_limb_t *modulus, mp_size_t limbs, mp_limb_t *ret_limbs)
{
	mpz_t n, r;

	mpz_init(r);
	mpz_setbit(r, (mp_bitcnt_t)limbs * 16 * LIMB_SIZE);
	mpz_mod(r, r, mpz_roinit_n(n, modulus, limbs));
	for (mp_size_t i = 0; i < limbs; i++)
		ret_limbs[i] = mpz_getlimbn(r, i);
	mpz_clear(r);
}

/* Some processors multiply vectors of 52-bit numbers. MODEXP_IFMA_PORTABLE: for tests, which need none. */
static bool processor_has_ifma(void)
{
#if defined(MODEXP_IFMA_PORTABLE)
	return true;
#elif defined(MODEXP_IFMA)
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
#else
	return false;
#endif
}

static enum crypto_status prepare(struct modexp *m, const uint8_t *modulus)
{
	const mp_size_t limbs = (mp_size_t)((m->size + LIMB_SIZE - 1) / LIMB_SIZE);
	const mp_size_t for_squares = mpn_sec_sqr_itch(limbs), for_products = mpn_sec_mul_itch(limbs, limbs);

	m->limbs = limbs;
	m->scratch_limbs = for_squares > for_products ? for_squares : for_products;
	m->modulus = calloc(2 * (size_t)limbs, LIMB_SIZE);
	if (!m->modulus)
		return CRYPTO_NOMEM;
	m->r_squared = m->modulus + limbs;
	limbs_read(modulus, m->size, m->modulus, limbs);
	m->inverse = (mp_limb_t)montgomery_inverse(m->modulus[0]);
	square_of_r(m->modulus, limbs, m->r_squared);
	return CRYPTO_OK;
}

enum crypto_status modexp_new(const uint8_t *modulus, size_t size, uint64_t exponent, struct modexp **ret_modexp)
{
	enum crypto_status status;
	struct modexp *m;

	if (size == 0 || modulus[0] == 0 || modulus[size - 1] % 2 == 0 || exponent < 3 || exponent % 2 == 0)
		return CRYPTO_KEY;
	m = calloc(1, sizeof(*m));
	if (!m)
		return CRYPTO_NOMEM;
	m->size = size;
	m->exponent = exponent;
	if (processor_has_ifma() && modexp_ifma_takes(size))
		status = modexp_ifma_new(modulus, size, exponent, &m->ifma);
	else
		status = prepare(m, modulus);
	if (status != CRYPTO_OK) {
		modexp_free(m);
		return status;
	}
	*ret_modexp = m;
	return CRYPTO_OK;
}

/*
 * ret = product / R mod n, or n more, where product is overwritten. Returns the carry. Below 2 n when the product is
 * below R n; below R, with no carry, after one conditional subtraction, when it is below R^2.
 */
static mp_limb_t reduce(const struct modexp *m, mp_limb_t *product, mp_limb_t *ret)
{
	/* Each limb becomes zero, and its place keeps the carry that belongs `limbs` places higher. */
	for (mp_size_t i = 0; i < m->limbs; i++)
		product[i] = mpn_addmul_1(product + i, m->modulus, m->limbs, product[i] * m->inverse);
	return mpn_add_n(ret, product + m->limbs, product, m->limbs);
}

static void multiply(const struct modexp *m, struct work *w, const mp_limb_t *x, const mp_limb_t *y, mp_limb_t *ret)
{
	mp_limb_t carry;

	mpn_sec_mul(w->product, x, m->limbs, y, m->limbs, w->scratch);
	carry = reduce(m, w->product, ret);
	mpn_cnd_sub_n(carry, ret, ret, m->modulus, m->limbs);
}

static void square(const struct modexp *m, struct work *w, mp_limb_t *x)
{
	mp_limb_t carry;

	mpn_sec_sqr(w->product, x, m->limbs, w->scratch);
	carry = reduce(m, w->product, x);
	mpn_cnd_sub_n(carry, x, x, m->modulus, m->limbs);
}

/* The last factor is x itself and not R x, which takes the R out of the result, and keeps it below 2 n. */
static void multiply_last(const struct modexp *m, struct work *w)
{
	mp_limb_t carry, below;

	mpn_sec_mul(w->product, w->power, m->limbs, w->x, m->limbs, w->scratch);
	carry = reduce(m, w->product, w->power);
	below = mpn_sub_n(w->product, w->power, m->modulus, m->limbs);
	mpn_cnd_sub_n(carry | (below ^ 1), w->power, w->power, m->modulus, m->limbs);
}

static void take_power(const struct modexp *m, struct work *w)
{
	int bit = 63 - __builtin_clzll(m->exponent);

	multiply(m, w, w->x, m->r_squared, w->x_form);
	mpn_copyi(w->power, w->x_form, m->limbs);
	while (--bit > 0) {
		square(m, w, w->power);
		if (m->exponent >> bit & 1)
			multiply(m, w, w->power, w->x_form, w->power);
	}
	square(m, w, w->power);
	multiply_last(m, w);
}

enum crypto_status modexp_apply(const struct modexp *m, const uint8_t *in, uint8_t *ret_out)
{
	const size_t limbs = (size_t)m->limbs;
	const size_t size = (5 * limbs + (size_t)m->scratch_limbs) * LIMB_SIZE;
	mp_limb_t *all;
	mp_limb_t below;

	if (m->ifma)
		return modexp_ifma_apply(m->ifma, in, ret_out);
	all = malloc(size);
	if (!all)
		return CRYPTO_NOMEM;
	struct work w = {.x = all,
			 .x_form = all + limbs,
			 .power = all + 2 * limbs,
			 .product = all + 3 * limbs,
			 .scratch = all + 5 * limbs};
	limbs_read(in, m->size, w.x, m->limbs);
	/* Not a branch, even here: a mask makes the result zero. */
	below = 0 - mpn_sub_n(w.product, w.x, m->modulus, m->limbs);
	take_power(m, &w);
	for (size_t i = 0; i < limbs; i++)
		w.power[i] &= below;
	limbs_write(w.power, ret_out, m->size);
	secret_wipe(all, size);
	free(all);
	return (enum crypto_status)(~below & CRYPTO_FORMAT);
}

void modexp_free(struct modexp *m)
{
	if (!m)
		return;
	if (m->ifma)
		modexp_ifma_free(m->ifma); /* made of instructions that this processor may not have */
	free(m->modulus);
	free(m);
}
