#include "crypto/pubkey.h"

#include <gmp.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"

enum {
	TRIAL_LIMIT = 65536,
	NUMBER_MAX = 16384, /* bytes of any number that is computed with at all */
	PEM_LINE = 64,	    /* RFC 7468 §2 */
};

static const char *const TEXTS[] = {
	[PUBKEY_OK] = "accepted",
	[PUBKEY_NOMEM] = "out of memory",
	[PUBKEY_MALFORMED] = "not a public key: neither PEM, nor a certificate, nor a JWK",
	[PUBKEY_PRIVATE] = "a PRIVATE key, where a public key belongs: keep it to yourself",
	[PUBKEY_NOT_RSA] = "not an RSA key for encryption",
	[PUBKEY_MODULUS_SHORT] = "an RSA modulus of less than 2048 bits",
	[PUBKEY_MODULUS_LONG] = "an RSA modulus of more than 8192 bits",
	[PUBKEY_MODULUS_FACTOR] = "an RSA modulus with a small prime factor",
	[PUBKEY_EXPONENT_EVEN] = "an even RSA exponent",
	[PUBKEY_EXPONENT_SMALL] = "an RSA exponent below 65537",
	[PUBKEY_EXPONENT_LARGE] = "an RSA exponent of more than 32 bits",
};
_Static_assert(sizeof(TEXTS) / sizeof(TEXTS[0]) == PUBKEY_VERDICT_COUNT, "each verdict has its text");

const char *pubkey_verdict_text(enum pubkey_verdict verdict)
{
	return TEXTS[verdict];
}

/* ---- numbers ---- */

/* Every odd divisor serves as well as the primes alone, and needs no table of them. */
static bool has_small_factor(const mpz_t n)
{
	if (mpz_even_p(n))
		return true;
	for (unsigned long divisor = 3; divisor < TRIAL_LIMIT; divisor += 2)
		if (mpz_divisible_ui_p(n, divisor))
			return true;
	return false;
}

static enum pubkey_verdict judge(const mpz_t n, const mpz_t e)
{
	const size_t bits = mpz_sizeinbase(n, 2);

	if (bits < RSAKEY_MIN_BITS)
		return PUBKEY_MODULUS_SHORT;
	if (bits > RSAKEY_MAX_BITS)
		return PUBKEY_MODULUS_LONG;
	if (mpz_even_p(e))
		return PUBKEY_EXPONENT_EVEN;
	if (mpz_cmp_ui(e, 65537) < 0)
		return PUBKEY_EXPONENT_SMALL;
	if (mpz_sizeinbase(e, 2) > 32)
		return PUBKEY_EXPONENT_LARGE;
	return has_small_factor(n) ? PUBKEY_MODULUS_FACTOR : PUBKEY_OK;
}

enum pubkey_verdict pubkey_from_numbers(const uint8_t *n, size_t n_size, const uint8_t *e, size_t e_size,
					struct rsakey_public **ret_key)
{
	enum pubkey_verdict verdict;
	mpz_t modulus, exponent;

	if (n_size > NUMBER_MAX)
		return PUBKEY_MODULUS_LONG;
	if (e_size > NUMBER_MAX)
		return PUBKEY_EXPONENT_LARGE;
	mpz_init(modulus);
	mpz_init(exponent);
	mpz_import(modulus, n_size, 1, 1, 1, 0, n);
	mpz_import(exponent, e_size, 1, 1, 1, 0, e);
	verdict = judge(modulus, exponent);
	mpz_clear(modulus);
	mpz_clear(exponent);
	if (verdict != PUBKEY_OK)
		return verdict;
	switch (rsakey_public_from_numbers(n, n_size, e, e_size, ret_key)) {
	case CRYPTO_OK:
		return PUBKEY_OK;
	case CRYPTO_NOMEM:
		return PUBKEY_NOMEM;
	default:
		return PUBKEY_MALFORMED;
	}
}

/* ---- DER ---- */

static enum pubkey_verdict verdict_of(int error)
{
	switch (error) {
	case GNUTLS_E_MEMORY_ERROR:
		return PUBKEY_NOMEM;
	case GNUTLS_E_UNKNOWN_PK_ALGORITHM:
	case GNUTLS_E_UNIMPLEMENTED_FEATURE:
	case GNUTLS_E_ECC_UNSUPPORTED_CURVE:
	case GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM:
		return PUBKEY_NOT_RSA;
	default:
		return PUBKEY_MALFORMED;
	}
}

static enum pubkey_verdict from_gnutls(gnutls_pubkey_t key, struct rsakey_public **ret_key)
{
	gnutls_datum_t n = {0};
	gnutls_datum_t e = {0};

	if (gnutls_pubkey_get_pk_algorithm(key, NULL) != GNUTLS_PK_RSA)
		return PUBKEY_NOT_RSA;
	const int error = gnutls_pubkey_export_rsa_raw2(key, &n, &e, 0);
	const enum pubkey_verdict verdict =
		error < 0 ? verdict_of(error) : pubkey_from_numbers(n.data, n.size, e.data, e.size, ret_key);
	gnutls_free(n.data);
	gnutls_free(e.data);
	return verdict;
}

static enum pubkey_verdict from_spki(const gnutls_datum_t *der, struct rsakey_public **ret_key)
{
	gnutls_pubkey_t key = NULL;

	if (gnutls_pubkey_init(&key) < 0)
		return PUBKEY_NOMEM;
	const int error = gnutls_pubkey_import(key, der, GNUTLS_X509_FMT_DER);
	const enum pubkey_verdict verdict = error < 0 ? verdict_of(error) : from_gnutls(key, ret_key);
	gnutls_pubkey_deinit(key);
	return verdict;
}

static enum pubkey_verdict from_certificate(const gnutls_datum_t *der, struct rsakey_public **ret_key)
{
	gnutls_x509_crt_t certificate = NULL;
	gnutls_pubkey_t key = NULL;
	enum pubkey_verdict verdict = PUBKEY_NOMEM;

	if (gnutls_x509_crt_init(&certificate) < 0)
		return PUBKEY_NOMEM;
	if (gnutls_pubkey_init(&key) < 0)
		goto out;
	int error = gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER);
	if (error == 0)
		error = gnutls_pubkey_import_x509(key, certificate, 0);
	verdict = error < 0 ? verdict_of(error) : from_gnutls(key, ret_key);
out:
	if (key)
		gnutls_pubkey_deinit(key);
	gnutls_x509_crt_deinit(certificate);
	return verdict;
}

/* A cursor over DER (X.690 §10) for the one structure that GnuTLS does not read by itself. */
struct der {
	const uint8_t *at;
	size_t left;
};

/* Enters the next element, which must have this tag and its shortest length: its contents to *ret_inside. */
static bool der_take(struct der *der, uint8_t tag, struct der *ret_inside)
{
	size_t length, head = 2;

	if (der->left < 2 || der->at[0] != tag)
		return false;
	length = der->at[1];
	if (length >= 0x80) {
		const size_t octets = length & 0x7f;

		if (octets == 0 || octets > 3 || der->left < 2 + octets || der->at[2] == 0)
			return false;
		length = 0;
		for (size_t i = 0; i < octets; i++)
			length = length << 8 | der->at[2 + i];
		if (length < 0x80)
			return false;
		head += octets;
	}
	if (length > der->left - head)
		return false;
	*ret_inside = (struct der){der->at + head, length};
	der->at += head + length;
	der->left -= head + length;
	return true;
}

/* A positive INTEGER in its shortest form. */
static bool der_take_number(struct der *der, struct der *ret_number)
{
	struct der number;

	if (!der_take(der, 0x02, &number) || number.left == 0 || number.at[0] >= 0x80)
		return false;
	if (number.left > 1 && number.at[0] == 0 && number.at[1] < 0x80)
		return false;
	*ret_number = number;
	return true;
}

/* RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } */
static enum pubkey_verdict from_pkcs1(const gnutls_datum_t *bytes, struct rsakey_public **ret_key)
{
	struct der der = {bytes->data, bytes->size};
	struct der sequence, n, e;

	if (!der_take(&der, 0x30, &sequence) || der.left != 0 || !der_take_number(&sequence, &n) ||
	    !der_take_number(&sequence, &e) || sequence.left != 0)
		return PUBKEY_MALFORMED;
	return pubkey_from_numbers(n.at, n.left, e.at, e.left, ret_key);
}

/* ---- PEM ---- */

static const struct {
	const char *label;
	enum pubkey_verdict (*read)(const gnutls_datum_t *der, struct rsakey_public **ret_key);
} FORMS[] = {
	{.label = "PUBLIC KEY", .read = from_spki},
	{.label = "RSA PUBLIC KEY", .read = from_pkcs1},
	{.label = "CERTIFICATE", .read = from_certificate},
	{.label = "X509 CERTIFICATE", .read = from_certificate},
};

static const char BEGIN[] = "-----BEGIN ";

/* How many blocks begin in the text; the first one's label, up to its dashes, to *ret_label. */
static size_t count_blocks(const char *pem, size_t size, const char **ret_label)
{
	const char *const end = pem + size;
	size_t count = 0;

	for (const char *at = pem; (at = memmem(at, (size_t)(end - at), BEGIN, sizeof(BEGIN) - 1)); count++) {
		at += sizeof(BEGIN) - 1;
		if (count == 0)
			*ret_label = at;
	}
	return count;
}

static bool label_is(const char *label, const char *end, const char *name)
{
	const size_t size = strlen(name);

	return (size_t)(end - label) >= size + 5 && memcmp(label, name, size) == 0 &&
	       memcmp(label + size, "-----", 5) == 0;
}

enum pubkey_verdict pubkey_from_pem(char *pem, size_t size, struct rsakey_public **ret_key)
{
	const gnutls_datum_t text = {.data = (unsigned char *)pem, .size = (unsigned)size};
	const char *label = NULL;

	if (memmem(pem, size, "PRIVATE KEY-----", strlen("PRIVATE KEY-----"))) {
		secret_wipe(pem, size);
		return PUBKEY_PRIVATE;
	}
	if (size > PUBKEY_PEM_MAX || count_blocks(pem, size, &label) != 1)
		return PUBKEY_MALFORMED;
	for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++) {
		gnutls_datum_t der = {0};

		if (!label_is(label, pem + size, FORMS[i].label))
			continue;
		const int error = gnutls_pem_base64_decode2(FORMS[i].label, &text, &der);
		if (error < 0)
			return error == GNUTLS_E_MEMORY_ERROR ? PUBKEY_NOMEM : PUBKEY_MALFORMED;
		const enum pubkey_verdict verdict = FORMS[i].read(&der, ret_key);
		gnutls_free(der.data);
		return verdict;
	}
	return PUBKEY_MALFORMED;
}

enum crypto_status pubkey_to_pem(const struct rsakey_public *key, char **ret_pem, size_t *ret_size)
{
	static const char head[] = "-----BEGIN PUBLIC KEY-----\n", tail[] = "-----END PUBLIC KEY-----\n";
	size_t spki_size;
	const uint8_t *spki = rsakey_public_spki(key, &spki_size);
	const size_t room = ENCODE_BASE64_SIZE(spki_size);
	char *text = malloc(room);
	char *pem = malloc(sizeof(head) + room + room / PEM_LINE + 1 + sizeof(tail));
	char *to = pem;

	if (!text || !pem) {
		free(text);
		free(pem);
		return CRYPTO_NOMEM;
	}
	encode_base64(spki, spki_size, text);
	to = stpcpy(to, head);
	for (const char *at = text; *at;) {
		const size_t line = strnlen(at, PEM_LINE);

		to = mempcpy(to, at, line);
		*to++ = '\n';
		at += line;
	}
	to = stpcpy(to, tail);
	free(text);
	*ret_pem = pem;
	*ret_size = (size_t)(to - pem);
	return CRYPTO_OK;
}
