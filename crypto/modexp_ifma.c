/*
 * Montgomery's multiplication, a digit of 52 bits at a time, with the digits of a number in the lanes of vectors
 * (Gueron and Krasnov, Software Implementation of Modular Exponentiation, Using Advanced Vector Instructions
 * Architectures, 2012, describe the method). Numbers stay below 2 n between multiplications, which needs no subtraction
 * as long as R = 2^(52 digits) is more than 4 n.
 *
 * CONSTANT TIME: no branch and no address depends on what depends on x. The multiplications of vectors take a fixed
 * time, and so do 64-bit products on the processors that have them.
 */
#include "crypto/modexp_ifma.h"

#include <gmp.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/montgomery.h"
#include "crypto/secret.h"

enum { DIGIT_BITS = 52, LANES = 8, VECTOR_SIZE = LANES * sizeof(uint64_t), VECTORS_MAX = 10 };
enum { DIGITS_MAX = VECTORS_MAX * LANES };

static const uint64_t DIGIT = ((uint64_t)1 << DIGIT_BITS) - 1;

/* ---- vectors ---------------------------------------------------------------------------------------------------- */

typedef uint64_t lanes __attribute__((vector_size(VECTOR_SIZE)));

#if defined(__AVX512F__) && defined(__AVX512IFMA__)

#include <immintrin.h>

/* Of each lane's product of two digits the lower, or the upper, digit, added to `sum`. */
#define ADD_LOW(sum, x, y)  ((sum) = (lanes)_mm512_madd52lo_epu64((__m512i)(sum), (__m512i)(x), (__m512i)(y)))
#define ADD_HIGH(sum, x, y) ((sum) = (lanes)_mm512_madd52hi_epu64((__m512i)(sum), (__m512i)(x), (__m512i)(y)))

#else

static inline void add_product(lanes *sum, const lanes *x, const lanes *y, unsigned shift)
{
	for (int i = 0; i < LANES; i++)
		(*sum)[i] += (uint64_t)((unsigned __int128)((*x)[i] & DIGIT) * ((*y)[i] & DIGIT) >> shift) & DIGIT;
}

#define ADD_LOW(sum, x, y)  add_product(&(sum), &(x), &(y), 0)
#define ADD_HIGH(sum, x, y) add_product(&(sum), &(x), &(y), DIGIT_BITS)

#endif

/* Each lane's right neighbour; the last one's is the first of `next`. */
#define NEIGHBOURS(x, next) __builtin_shufflevector(x, next, 1, 2, 3, 4, 5, 6, 7, 8)
#define IN_ALL_LANES(x)	    ((lanes){0} + (x))

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

/* Little-endian; every digit below 2^52, those past the modulus's zero. */
struct number {
	lanes vectors[VECTORS_MAX];
};

/* With R = 2^(52 digits): `inverse` = -1/n mod 2^52, and `r_squared` = R^2 mod n. */
struct modexp_ifma {
	struct number modulus, r_squared;
	size_t size; /* bytes of the modulus */
	size_t digits;
	uint64_t exponent;
	uint64_t inverse;
};

/* Wiped and freed when done: x, R x, and the power so far. */
struct work {
	struct number x, x_form, power;
};

static size_t digits_of(size_t size)
{
	return (8 * size + 2 + DIGIT_BITS - 1) / DIGIT_BITS; /* R is more than 4 n */
}

static uint64_t digit(const struct number *number, size_t i)
{
	return number->vectors[i / LANES][i % LANES];
}

static void set_digit(struct number *number, size_t i, uint64_t value)
{
	number->vectors[i / LANES][i % LANES] = value;
}

static void number_read(const uint8_t *bytes, size_t size, struct number *ret_number)
{
	uint64_t digits[DIGITS_MAX + 1] = {0};

	for (size_t i = 0; i < size; i++) {
		const size_t at = 8 * i / DIGIT_BITS, shift = 8 * i % DIGIT_BITS;
		const uint64_t byte = bytes[size - 1 - i];

		digits[at] |= byte << shift & DIGIT;
		digits[at + 1] |= byte << 8 >> (DIGIT_BITS + 8 - shift);
	}
	memcpy(ret_number, digits, sizeof(*ret_number));
	secret_wipe(digits, sizeof(digits));
}

static void number_write(const struct number *number, uint8_t *ret_bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const size_t at = 8 * i / DIGIT_BITS, shift = 8 * i % DIGIT_BITS;
		const uint64_t above = at + 1 < DIGITS_MAX ? digit(number, at + 1) : 0;

		ret_bytes[size - 1 - i] = (uint8_t)(digit(number, at) >> shift | above << (DIGIT_BITS - shift));
	}
}

/* x - y into *ret, mod 2^(52 digits); all ones when x < y, else zero. */
static uint64_t subtract(const struct modexp_ifma *m, const struct number *x, const struct number *y,
			 struct number *ret)
{
	uint64_t borrow = 0;

	for (size_t i = 0; i < m->digits; i++) {
		const uint64_t difference = digit(x, i) - digit(y, i) - borrow;

		set_digit(ret, i, difference & DIGIT);
		borrow = difference >> 63;
	}
	return 0 - borrow;
}

/* ---- multiplication --------------------------------------------------------------------------------------------- */

/* Each lane holds more than a digit: what is over goes to the next. */
static void carry(const struct modexp_ifma *m, struct number *number)
{
	uint64_t over = 0;

	for (size_t i = 0; i < m->digits; i++) {
		const uint64_t sum = digit(number, i) + over;

		set_digit(number, i, sum & DIGIT);
		over = sum >> DIGIT_BITS;
	}
}

/*
 * ret = x y / R mod n, or n more, for x and y below 2 n; `ret` may be either. For each digit of y: the sum grows by
 * that digit times x, and by the multiple of n that makes its lowest digit zero, which is then shifted out. A lane
 * takes four digits in each of at most 80 rounds: less than 2^61. The lowest digit is followed outside of the vectors
 * too (`lowest`), so that the next round does not wait for them. With the loops unrolled each vector has a register of
 * its own.
 */
static inline __attribute__((always_inline)) void multiply_by(const struct modexp_ifma *m, const struct number *x,
							      const struct number *y, struct number *ret, int vectors)
{
	const uint64_t x_lowest = digit(x, 0), n_lowest = digit(&m->modulus, 0);
	uint64_t lowest = 0;
	lanes sum[VECTORS_MAX];

#pragma GCC unroll 10
	for (int v = 0; v < vectors; v++)
		sum[v] = (lanes){0};
	for (size_t i = 0; i < m->digits; i++) {
		const uint64_t y_digit = digit(y, i);
		const lanes by_y = IN_ALL_LANES(y_digit);
		uint64_t factor;
		lanes by_n;

		lowest += x_lowest * y_digit & DIGIT;
		factor = lowest * m->inverse & DIGIT;
		lowest = (lowest + (n_lowest * factor & DIGIT)) >> DIGIT_BITS;
		by_n = IN_ALL_LANES(factor);
#pragma GCC unroll 10
		for (int v = 0; v < vectors; v++) {
			ADD_LOW(sum[v], x->vectors[v], by_y);
			ADD_LOW(sum[v], m->modulus.vectors[v], by_n);
		}
#pragma GCC unroll 10
		for (int v = 0; v < vectors; v++) {
			sum[v] = NEIGHBOURS(sum[v], v < vectors - 1 ? sum[v + 1] : (lanes){0});
			ADD_HIGH(sum[v], x->vectors[v], by_y);
			ADD_HIGH(sum[v], m->modulus.vectors[v], by_n);
		}
		/* Lane 0 has what came by now to the digit that is the lowest from now on, but for the carry. */
		lowest += sum[0][0];
	}
	sum[0][0] = lowest;
#pragma GCC unroll 10
	for (int v = 0; v < vectors; v++)
		ret->vectors[v] = sum[v];
	carry(m, ret);
}

static void multiply(const struct modexp_ifma *m, const struct number *x, const struct number *y, struct number *ret)
{
	/* The numbers of vectors are written out: with them known, the sums stay in registers. */
	switch ((m->digits + LANES - 1) / LANES) {
	case 5:
		multiply_by(m, x, y, ret, 5);
		break;
	case 8:
		multiply_by(m, x, y, ret, 8);
		break;
	default:
		multiply_by(m, x, y, ret, VECTORS_MAX);
		break;
	}
}

static void take_power(const struct modexp_ifma *m, struct work *w)
{
	int bit = 63 - __builtin_clzll(m->exponent);

	multiply(m, &w->x, &m->r_squared, &w->x_form);
	w->power = w->x_form;
	while (--bit > 0) {
		multiply(m, &w->power, &w->power, &w->power);
		if (m->exponent >> bit & 1)
			multiply(m, &w->power, &w->x_form, &w->power);
	}
	multiply(m, &w->power, &w->power, &w->power);
	/* The last factor is x itself and not R x, which takes the R out of the result. */
	multiply(m, &w->power, &w->x, &w->power);
}

/* ---- the interface ---------------------------------------------------------------------------------------------- */

bool modexp_ifma_takes(size_t size)
{
	return size == 256 || size == 384 || size == 512;
}

static void square_of_r(const uint8_t *modulus, size_t size, struct number *ret_number)
{
	uint8_t bytes[DIGITS_MAX * DIGIT_BITS / 8] = {0};
	mpz_t n, r;

	mpz_inits(n, r, NULL);
	mpz_import(n, size, 1, 1, 1, 0, modulus);
	mpz_setbit(r, 2 * DIGIT_BITS * digits_of(size));
	mpz_mod(r, r, n);
	if (mpz_sgn(r))
		mpz_export(bytes + size - (mpz_sizeinbase(r, 2) + 7) / 8, NULL, 1, 1, 1, 0, r);
	number_read(bytes, size, ret_number);
	mpz_clears(n, r, NULL);
}

enum crypto_status modexp_ifma_new(const uint8_t *modulus, size_t size, uint64_t exponent,
				   struct modexp_ifma **ret_modexp)
{
	struct modexp_ifma *m = aligned_alloc(VECTOR_SIZE, sizeof(*m));

	if (!m)
		return CRYPTO_NOMEM;
	*m = (struct modexp_ifma){.size = size, .digits = digits_of(size), .exponent = exponent};
	number_read(modulus, size, &m->modulus);
	square_of_r(modulus, size, &m->r_squared);
	m->inverse = montgomery_inverse(digit(&m->modulus, 0)) & DIGIT;
	*ret_modexp = m;
	return CRYPTO_OK;
}

enum crypto_status modexp_ifma_apply(const struct modexp_ifma *m, const uint8_t *in, uint8_t *ret_out)
{
	struct work *w = aligned_alloc(VECTOR_SIZE, sizeof(*w));
	uint64_t below, keep;

	if (!w)
		return CRYPTO_NOMEM;
	number_read(in, m->size, &w->x);
	/* Not a branch, even here: a mask makes the result zero. */
	below = subtract(m, &w->x, &m->modulus, &w->power);
	take_power(m, w);
	keep = subtract(m, &w->power, &m->modulus, &w->x);
	for (size_t i = 0; i < m->digits; i++)
		set_digit(&w->power, i, below & ((digit(&w->power, i) & keep) | (digit(&w->x, i) & ~keep)));
	number_write(&w->power, ret_out, m->size);
	secret_wipe(w, sizeof(*w));
	free(w);
	return (enum crypto_status)(~below & CRYPTO_FORMAT);
}

void modexp_ifma_free(struct modexp_ifma *m)
{
	free(m);
}
