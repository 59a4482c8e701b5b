#include "crypto/rsakey.h"

#include <gmp.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <nettle/rsa.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/modexp.h"
#include "crypto/pem.h"
#include "crypto/random.h"
#include "crypto/rsakey_raw.h"
#include "crypto/secret.h"

_Static_assert(GMP_NAIL_BITS == 0, "limbs are whole words");

enum {
	LIMB_SIZE = sizeof(mp_limb_t),
	E_MAX_BITS = 32,
	E_MIN = 65537,
};

/* Invariant: accepted by check_public(), and `spki` encodes just these numbers. */
struct rsakey_public {
	struct rsa_public_key rsa;
	struct modexp *modexp; /* of the same n and e */
	uint8_t *spki;
	size_t spki_size;
};

/* Invariant: consistent with the public half; the numbers of `rsa` stand in `limbs`, in locked memory. */
struct rsakey_private {
	struct rsakey_public *public_half;
	struct rsa_private_key rsa;
	mp_limb_t *limbs;
	size_t limbs_size; /* bytes */
};

/* The numbers of a private key as GnuTLS takes and gives them: RFC 8017 §A.1.2 in another order. */
enum { NUMBER_N, NUMBER_E, NUMBER_D, NUMBER_P, NUMBER_Q, NUMBER_C, NUMBER_A, NUMBER_B, NUMBER_COUNT };

struct numbers {
	gnutls_datum_t of[NUMBER_COUNT];
};

static enum crypto_status status_of(int error)
{
	if (error == GNUTLS_E_MEMORY_ERROR)
		return CRYPTO_NOMEM;
	return error == GNUTLS_E_RANDOM_FAILED ? CRYPTO_RANDOM : CRYPTO_KEY;
}

static void numbers_done(struct numbers *numbers)
{
	for (int i = 0; i < NUMBER_COUNT; i++) {
		secret_wipe(numbers->of[i].data, numbers->of[i].size);
		gnutls_free(numbers->of[i].data);
	}
}

/* Overwrites every limb that a number of up to `bits` bits, made by mpz_init2(x, bits), may have used. */
static void number_wipe(mpz_t x, size_t bits)
{
	size_t limbs = bits / (8 * LIMB_SIZE);

	secret_wipe(mpz_limbs_write(x, (mp_size_t)limbs), limbs * LIMB_SIZE);
	mpz_limbs_finish(x, 0);
	mpz_clear(x);
}

/*
 * Big-endian, all `size` bytes whatever the value: a time that depends on the number of limbs only, which is the
 * least that GMP lets one learn.
 */
static void number_write(const mpz_t x, uint8_t *ret_bytes, size_t size)
{
	const mp_limb_t *limbs = mpz_limbs_read(x);
	size_t count = mpz_size(x);

	for (size_t i = 0; i < size; i++) {
		mp_limb_t limb = i / LIMB_SIZE < count ? limbs[i / LIMB_SIZE] : 0;
		ret_bytes[size - 1 - i] = (uint8_t)(limb >> (8 * (i % LIMB_SIZE)));
	}
}

/* Big-endian bytes into limbs of the caller's, and `x` a read-only view of them. Returns the limbs used. */
static size_t number_place(mpz_t x, const gnutls_datum_t *bytes, mp_limb_t *limbs)
{
	size_t count = (bytes->size + LIMB_SIZE - 1) / LIMB_SIZE;

	memset(limbs, 0, count * LIMB_SIZE);
	for (size_t i = 0; i < bytes->size; i++)
		limbs[i / LIMB_SIZE] |= (mp_limb_t)bytes->data[bytes->size - 1 - i] << (8 * (i % LIMB_SIZE));
	mpz_roinit_n(x, limbs, (mp_size_t)count);
	return count;
}

/* --- the public half --- */

static bool check_public(const struct rsa_public_key *rsa)
{
	size_t bits = mpz_sizeinbase(rsa->n, 2);

	return bits >= RSAKEY_MIN_BITS && bits <= RSAKEY_MAX_BITS && mpz_odd_p(rsa->n) && mpz_odd_p(rsa->e) &&
	       mpz_cmp_ui(rsa->e, E_MIN) >= 0 && mpz_sizeinbase(rsa->e, 2) <= E_MAX_BITS;
}

static enum crypto_status encode_spki(const gnutls_datum_t *n, const gnutls_datum_t *e, uint8_t **ret_spki,
				      size_t *ret_size)
{
	gnutls_pubkey_t key = NULL;
	gnutls_datum_t der = {0};
	uint8_t *spki = NULL;
	enum crypto_status status = CRYPTO_NOMEM;

	if (gnutls_pubkey_init(&key) < 0)
		return CRYPTO_NOMEM;
	int error = gnutls_pubkey_import_rsa_raw(key, n, e);
	if (error == 0)
		error = gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der);
	if (error < 0) {
		status = status_of(error);
		goto out;
	}
	spki = malloc(der.size); /* a copy, so that freeing it does not depend on GnuTLS */
	if (!spki)
		goto out;
	memcpy(spki, der.data, der.size);
	*ret_spki = spki;
	*ret_size = der.size;
	status = CRYPTO_OK;
out:
	gnutls_free(der.data);
	gnutls_pubkey_deinit(key);
	return status;
}

static enum crypto_status public_make(const gnutls_datum_t *n, const gnutls_datum_t *e, struct rsakey_public **ret_key)
{
	struct rsakey_public *key = NULL;
	uint8_t modulus[RSAKEY_MAX_SIZE];
	enum crypto_status status = CRYPTO_KEY;

	if (n->size > RSAKEY_MAX_SIZE + 1 || e->size > RSAKEY_MAX_SIZE) /* before any arithmetic with them */
		return CRYPTO_KEY;
	key = calloc(1, sizeof(*key));
	if (!key)
		return CRYPTO_NOMEM;
	rsa_public_key_init(&key->rsa);
	mpz_import(key->rsa.n, n->size, 1, 1, 1, 0, n->data);
	mpz_import(key->rsa.e, e->size, 1, 1, 1, 0, e->data);
	if (!check_public(&key->rsa) || !rsa_public_key_prepare(&key->rsa))
		goto out;
	status = encode_spki(n, e, &key->spki, &key->spki_size);
	if (status != CRYPTO_OK)
		goto out;
	number_write(key->rsa.n, modulus, key->rsa.size);
	status = modexp_new(modulus, key->rsa.size, mpz_get_ui(key->rsa.e), &key->modexp);
	if (status != CRYPTO_OK)
		goto out;
	*ret_key = key;
	key = NULL;
out:
	rsakey_public_free(key);
	return status;
}

enum crypto_status rsakey_public_from_spki(const uint8_t *der, size_t size, struct rsakey_public **ret_key)
{
	union {
		const uint8_t *in;
		uint8_t *data;
	} input = {.in = der}; /* GnuTLS only reads it, but its type does not say so */
	const gnutls_datum_t datum = {.data = input.data, .size = (unsigned)size};
	gnutls_datum_t n = {0};
	gnutls_datum_t e = {0};
	struct rsakey_public *made = NULL;
	gnutls_pubkey_t key = NULL;
	enum crypto_status status = CRYPTO_FORMAT;

	if (size == 0 || size > 2 * RSAKEY_MAX_SIZE)
		return CRYPTO_FORMAT;
	if (gnutls_pubkey_init(&key) < 0)
		return CRYPTO_NOMEM;
	int error = gnutls_pubkey_import(key, &datum, GNUTLS_X509_FMT_DER);
	if (error < 0) {
		bool foreign = error == GNUTLS_E_UNKNOWN_PK_ALGORITHM || error == GNUTLS_E_UNIMPLEMENTED_FEATURE ||
			       error == GNUTLS_E_ECC_UNSUPPORTED_CURVE;
		status = error == GNUTLS_E_MEMORY_ERROR ? CRYPTO_NOMEM : foreign ? CRYPTO_KEY : CRYPTO_FORMAT;
		goto out;
	}
	status = CRYPTO_KEY;
	if (gnutls_pubkey_get_pk_algorithm(key, NULL) != GNUTLS_PK_RSA)
		goto out;
	error = gnutls_pubkey_export_rsa_raw2(key, &n, &e, GNUTLS_EXPORT_FLAG_NO_LZ);
	if (error < 0) {
		status = status_of(error);
		goto out;
	}
	status = public_make(&n, &e, &made);
	if (status != CRYPTO_OK)
		goto out;
	/* One spelling for each key, or one key could have several fingerprints. */
	if (made->spki_size != size || memcmp(made->spki, der, size) != 0) {
		status = CRYPTO_FORMAT;
		goto out;
	}
	*ret_key = made;
	made = NULL;
out:
	rsakey_public_free(made);
	gnutls_free(n.data);
	gnutls_free(e.data);
	gnutls_pubkey_deinit(key);
	return status;
}

enum crypto_status rsakey_public_from_numbers(const uint8_t *n, size_t n_size, const uint8_t *e, size_t e_size,
					      struct rsakey_public **ret_key)
{
	union {
		const uint8_t *in;
		uint8_t *data;
	} modulus, exponent; /* GnuTLS only reads them, but its type does not say so */

	for (; n_size > 0 && *n == 0; n_size--)
		n++;
	for (; e_size > 0 && *e == 0; e_size--)
		e++;
	if (n_size == 0 || n_size > RSAKEY_MAX_SIZE || e_size == 0 || e_size > sizeof(uint32_t))
		return CRYPTO_KEY;
	modulus.in = n;
	exponent.in = e;
	return public_make(&(gnutls_datum_t){.data = modulus.data, .size = (unsigned)n_size},
			   &(gnutls_datum_t){.data = exponent.data, .size = (unsigned)e_size}, ret_key);
}

const uint8_t *rsakey_public_spki(const struct rsakey_public *key, size_t *ret_size)
{
	*ret_size = key->spki_size;
	return key->spki;
}

size_t rsakey_public_size(const struct rsakey_public *key)
{
	return key->rsa.size;
}

unsigned rsakey_public_bits(const struct rsakey_public *key)
{
	return (unsigned)mpz_sizeinbase(key->rsa.n, 2);
}

void rsakey_public_modulus(const struct rsakey_public *key, uint8_t *ret_n)
{
	number_write(key->rsa.n, ret_n, key->rsa.size);
}

uint32_t rsakey_public_exponent(const struct rsakey_public *key)
{
	return (uint32_t)mpz_get_ui(key->rsa.e);
}

void rsakey_public_id(const struct rsakey_public *key, uint8_t ret_id[static DIGEST_SIZE])
{
	digest_sha256(key->spki, key->spki_size, ret_id);
}

void rsakey_public_free(struct rsakey_public *key)
{
	if (!key)
		return;
	rsa_public_key_clear(&key->rsa);
	modexp_free(key->modexp);
	free(key->spki);
	free(key);
}

/* --- the private half --- */

/* x * y mod (m - less), compared with 1. */
static bool inverse_mod(const mpz_t x, const mpz_t y, const mpz_t m, unsigned long less, mpz_t scratch, mpz_t modulus)
{
	mpz_sub_ui(modulus, m, less);
	if (mpz_sgn(modulus) <= 0)
		return false;
	mpz_mul(scratch, x, y);
	mpz_mod(scratch, scratch, modulus);
	return mpz_cmp_ui(scratch, 1) == 0;
}

/* p q = n, q c = 1 (mod p), and e's inverses a, b, d: what decryption, and the check of its result, rely on. */
static bool consistent(const struct rsa_public_key *pub, const struct rsa_private_key *rsa)
{
	const size_t bits = 4 * RSAKEY_MAX_BITS; /* room for any product, so that no reallocation leaves a copy */
	mpz_t x;
	mpz_t modulus;

	mpz_init2(x, bits);
	mpz_init2(modulus, bits);
	mpz_mul(x, rsa->p, rsa->q);
	bool good = mpz_cmp(x, pub->n) == 0 && mpz_odd_p(rsa->p) && mpz_odd_p(rsa->q) &&
		    inverse_mod(rsa->c, rsa->q, rsa->p, 0, x, modulus) &&
		    inverse_mod(rsa->a, pub->e, rsa->p, 1, x, modulus) &&
		    inverse_mod(rsa->b, pub->e, rsa->q, 1, x, modulus) &&
		    inverse_mod(rsa->d, pub->e, rsa->p, 1, x, modulus) &&
		    inverse_mod(rsa->d, pub->e, rsa->q, 1, x, modulus) && mpz_cmp(rsa->a, rsa->p) < 0 &&
		    mpz_cmp(rsa->b, rsa->q) < 0 && mpz_cmp(rsa->c, rsa->p) < 0 && mpz_cmp(rsa->d, pub->n) < 0;
	number_wipe(x, bits);
	number_wipe(modulus, bits);
	return good;
}

/* Moves the secret numbers into locked memory. CRYPTO_KEY when one is longer than any accepted key's. */
static enum crypto_status private_place(struct rsakey_private *key, const struct numbers *numbers)
{
	struct {
		mpz_ptr to;
		int from;
	} const places[] = {
		{key->rsa.d, NUMBER_D}, {key->rsa.p, NUMBER_P}, {key->rsa.q, NUMBER_Q},
		{key->rsa.a, NUMBER_A}, {key->rsa.b, NUMBER_B}, {key->rsa.c, NUMBER_C},
	};
	const size_t count = sizeof(places) / sizeof(places[0]);
	size_t limbs = 0;

	for (size_t i = 0; i < count; i++) {
		if (numbers->of[places[i].from].size > RSAKEY_MAX_SIZE + 1)
			return CRYPTO_KEY;
		limbs += (numbers->of[places[i].from].size + LIMB_SIZE - 1) / LIMB_SIZE;
	}
	key->limbs_size = limbs * LIMB_SIZE;
	key->limbs = secret_alloc(key->limbs_size);
	if (!key->limbs)
		return CRYPTO_NOMEM;
	mp_limb_t *next = key->limbs;
	for (size_t i = 0; i < count; i++)
		next += number_place(places[i].to, &numbers->of[places[i].from], next);
	return CRYPTO_OK;
}

static enum crypto_status private_make(gnutls_x509_privkey_t from, struct rsakey_private **ret_key)
{
	struct numbers numbers = {0};
	gnutls_datum_t *of = numbers.of;
	struct rsakey_private *key = NULL;
	enum crypto_status status = CRYPTO_KEY;

	if (gnutls_x509_privkey_get_pk_algorithm(from) != GNUTLS_PK_RSA)
		return CRYPTO_KEY;
	int error =
		gnutls_x509_privkey_export_rsa_raw2(from, &of[NUMBER_N], &of[NUMBER_E], &of[NUMBER_D], &of[NUMBER_P],
						    &of[NUMBER_Q], &of[NUMBER_C], &of[NUMBER_A], &of[NUMBER_B]);
	if (error < 0)
		return status_of(error);
	key = calloc(1, sizeof(*key));
	if (!key) {
		status = CRYPTO_NOMEM;
		goto out;
	}
	status = public_make(&of[NUMBER_N], &of[NUMBER_E], &key->public_half);
	if (status == CRYPTO_OK)
		status = private_place(key, &numbers);
	if (status != CRYPTO_OK)
		goto out;
	key->rsa.size = key->public_half->rsa.size;
	if (!consistent(&key->public_half->rsa, &key->rsa)) {
		status = CRYPTO_KEY;
		goto out;
	}
	*ret_key = key;
	key = NULL;
out:
	rsakey_private_free(key);
	numbers_done(&numbers);
	return status;
}

enum crypto_status rsakey_generate(unsigned bits, struct rsakey_private **ret_key)
{
	gnutls_x509_privkey_t key = NULL;

	if (bits < RSAKEY_MIN_BITS || bits > RSAKEY_MAX_BITS)
		return CRYPTO_KEY;
	if (gnutls_x509_privkey_init(&key) < 0)
		return CRYPTO_NOMEM;
	int error = gnutls_x509_privkey_generate2(key, GNUTLS_PK_RSA, bits, 0, NULL, 0);
	enum crypto_status status = error < 0 ? status_of(error) : private_make(key, ret_key);
	gnutls_x509_privkey_deinit(key);
	return status;
}

enum crypto_status rsakey_private_to_pem(const struct rsakey_private *key, const char *passphrase, char **ret_pem,
					 size_t *ret_size)
{
	const struct rsa_public_key *pub = &key->public_half->rsa;
	const mpz_srcptr from[NUMBER_COUNT] = {
		[NUMBER_N] = pub->n,	 [NUMBER_E] = pub->e,	  [NUMBER_D] = key->rsa.d, [NUMBER_P] = key->rsa.p,
		[NUMBER_Q] = key->rsa.q, [NUMBER_C] = key->rsa.c, [NUMBER_A] = key->rsa.a, [NUMBER_B] = key->rsa.b,
	};
	uint8_t bytes[NUMBER_COUNT][RSAKEY_MAX_SIZE];
	gnutls_datum_t of[NUMBER_COUNT];
	gnutls_x509_privkey_t copy = NULL;

	if (gnutls_x509_privkey_init(&copy) < 0)
		return CRYPTO_NOMEM;
	for (int i = 0; i < NUMBER_COUNT; i++) {
		size_t size = mpz_size(from[i]) * LIMB_SIZE;
		if (size > RSAKEY_MAX_SIZE)
			size = RSAKEY_MAX_SIZE; /* limbs wider than the modulus' last byte */
		number_write(from[i], bytes[i], size);
		of[i] = (gnutls_datum_t){.data = bytes[i], .size = (unsigned)size};
	}
	int error =
		gnutls_x509_privkey_import_rsa_raw2(copy, &of[NUMBER_N], &of[NUMBER_E], &of[NUMBER_D], &of[NUMBER_P],
						    &of[NUMBER_Q], &of[NUMBER_C], &of[NUMBER_A], &of[NUMBER_B]);
	enum crypto_status status = error < 0 ? status_of(error) : pem_export(copy, passphrase, ret_pem, ret_size);
	gnutls_x509_privkey_deinit(copy);
	secret_wipe(bytes, sizeof(bytes));
	return status;
}

enum crypto_status rsakey_private_from_pem(const char *pem, size_t size, const char *passphrase,
					   struct rsakey_private **ret_key)
{
	gnutls_x509_privkey_t key = NULL;

	enum crypto_status status = pem_import(pem, size, passphrase, &key);
	if (status != CRYPTO_OK)
		return status;
	status = private_make(key, ret_key);
	gnutls_x509_privkey_deinit(key);
	return status;
}

const struct rsakey_public *rsakey_private_public(const struct rsakey_private *key)
{
	return key->public_half;
}

void rsakey_private_free(struct rsakey_private *key)
{
	if (!key)
		return;
	rsakey_public_free(key->public_half);
	secret_free(key->limbs, key->limbs_size); /* the numbers are views of it: nothing else to clear */
	secret_wipe(key, sizeof(*key));
	free(key);
}

/* --- the bare operations --- */

enum crypto_status rsakey_raw_public(const struct rsakey_public *key, const uint8_t *in, uint8_t *ret_out)
{
	return modexp_apply(key->modexp, in, ret_out);
}

struct blinding {
	bool failed;
};

/*
 * Nettle cannot be told that randomness failed, and would try zeros for ever: so it gets bytes that work, the failure
 * is remembered, and the result never leaves.
 */
static void blinding_random(void *context, size_t size, uint8_t *bytes)
{
	struct blinding *blinding = context;

	if (!blinding->failed && random_key(bytes, size) == CRYPTO_OK)
		return;
	blinding->failed = true;
	memset(bytes, 0x55, size);
}

enum crypto_status rsakey_raw_private(const struct rsakey_private *key, const uint8_t *in, uint8_t *ret_out)
{
	const struct rsa_public_key *pub = &key->public_half->rsa;
	const size_t bits = 2 * RSAKEY_MAX_BITS;
	struct blinding blinding = {0};
	enum crypto_status status = CRYPTO_FORMAT;
	mpz_t x;

	mpz_init2(x, bits);
	mpz_import(x, pub->size, 1, 1, 1, 0, in);
	if (mpz_cmp(x, pub->n) >= 0)
		goto out;
	int good = rsa_compute_root_tr(pub, &key->rsa, &blinding, blinding_random, x, x);
	status = blinding.failed ? CRYPTO_RANDOM : good ? CRYPTO_OK : CRYPTO_KEY;
	if (status == CRYPTO_OK)
		number_write(x, ret_out, pub->size);
out:
	number_wipe(x, bits);
	return status;
}
