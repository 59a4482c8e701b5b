#include <criterion/criterion.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/rsakey.h"
#include "crypto/rsakey_raw.h"
#include "crypto/secret.h"

/* A PEM by GnuTLS of a key that coffer would not make itself. */
static char *foreign_pem(gnutls_pk_algorithm_t algorithm, unsigned bits, unsigned encryption, const char *passphrase)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t out;

	cr_assert_eq(gnutls_x509_privkey_init(&key), 0);
	cr_assert_eq(gnutls_x509_privkey_generate(key, algorithm, bits, 0), 0);
	cr_assert_eq(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, passphrase, encryption, &out), 0);
	char *pem = strdup((const char *)out.data);
	gnutls_free(out.data);
	gnutls_x509_privkey_deinit(key);
	return pem;
}

static struct rsakey_private *generate(void)
{
	struct rsakey_private *key = NULL;
	cr_assert_eq(rsakey_generate(2048, &key), CRYPTO_OK);
	return key;
}

/* Same key: same SPKI. */
static void assert_same(const struct rsakey_private *a, const struct rsakey_private *b)
{
	uint8_t id_a[DIGEST_SIZE], id_b[DIGEST_SIZE];

	rsakey_public_id(rsakey_private_public(a), id_a);
	rsakey_public_id(rsakey_private_public(b), id_b);
	cr_assert_arr_eq(id_a, id_b, DIGEST_SIZE);
}

Test(rsakey, public_undoes_private_and_the_other_way_round)
{
	struct rsakey_private *key = generate();
	const struct rsakey_public *pub = rsakey_private_public(key);
	uint8_t in[256] = {0}, middle[256], out[256];

	cr_assert_eq(rsakey_public_size(pub), 256);
	for (int round = 0; round < 20; round++) {
		for (size_t i = (size_t)round; i < sizeof(in); i++) /* ever more leading zeros */
			in[i] = (uint8_t)(i * 31 + (size_t)round);
		in[round] &= 0x7f;
		in[0] = 0;
		cr_assert_eq(rsakey_raw_public(pub, in, middle), CRYPTO_OK);
		cr_assert_eq(rsakey_raw_private(key, middle, out), CRYPTO_OK);
		cr_assert_arr_eq(out, in, sizeof(in));
		cr_assert_eq(rsakey_raw_private(key, in, middle), CRYPTO_OK);
		cr_assert_eq(rsakey_raw_public(pub, middle, out), CRYPTO_OK);
		cr_assert_arr_eq(out, in, sizeof(in));
		memset(in, 0, sizeof(in));
	}
	memset(in, 0xff, sizeof(in)); /* not below the modulus */
	cr_assert_eq(rsakey_raw_public(pub, in, out), CRYPTO_FORMAT);
	cr_assert_eq(rsakey_raw_private(key, in, out), CRYPTO_FORMAT);
	rsakey_private_free(key);
}

Test(rsakey, generates_only_accepted_sizes)
{
	static const unsigned wrong[] = {0, 1, 512, 1024, 2047, 8193, 16384, ~0U};
	struct rsakey_private *key = NULL;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_assert_eq(rsakey_generate(wrong[i], &key), CRYPTO_KEY);
	cr_assert_null(key);
	rsakey_private_free(NULL);
	rsakey_public_free(NULL);
}

Test(rsakey, pem_comes_back_with_and_without_passphrase)
{
	static const char *const passphrases[] = {NULL, "correct horse", "", "p\xc3\xa4ss"};
	struct rsakey_private *key = generate();

	for (size_t i = 0; i < sizeof(passphrases) / sizeof(passphrases[0]); i++) {
		struct rsakey_private *again = NULL;
		char *pem = NULL;
		size_t size = 0;
		cr_assert_eq(rsakey_private_to_pem(key, passphrases[i], &pem, &size), CRYPTO_OK);
		cr_assert_eq(strlen(pem), size);
		cr_assert_eq(strstr(pem, "BEGIN ENCRYPTED PRIVATE KEY") != NULL, passphrases[i] != NULL);
		cr_assert_eq(strstr(pem, "BEGIN PRIVATE KEY") != NULL, passphrases[i] == NULL);
		cr_assert_eq(rsakey_private_from_pem(pem, size, passphrases[i], &again), CRYPTO_OK, "%zu", i);
		assert_same(key, again);
		secret_free(pem, size + 1);
		rsakey_private_free(again);
	}
	rsakey_private_free(key);
}

Test(rsakey, a_wrong_or_missing_passphrase_is_locked)
{
	struct rsakey_private *key = generate();
	struct rsakey_private *again = NULL;
	char *pem = NULL;
	char wrong[32];
	size_t size = 0;

	cr_assert_eq(rsakey_private_to_pem(key, "right", &pem, &size), CRYPTO_OK);
	cr_assert_eq(rsakey_private_from_pem(pem, size, NULL, &again), CRYPTO_LOCKED);
	for (int i = 0; i < 40; i++) { /* one in some hundred survives the padding */
		snprintf(wrong, sizeof(wrong), "wrong %d", i);
		cr_assert_eq(rsakey_private_from_pem(pem, size, wrong, &again), CRYPTO_LOCKED);
	}
	cr_assert_null(again);
	secret_free(pem, size + 1);
	rsakey_private_free(key);
}

Test(rsakey, pkcs1_pem_is_read)
{
	struct rsakey_private *key = NULL;
	gnutls_x509_privkey_t made;
	gnutls_datum_t out;

	cr_assert_eq(gnutls_x509_privkey_init(&made), 0);
	cr_assert_eq(gnutls_x509_privkey_generate(made, GNUTLS_PK_RSA, 2048, 0), 0);
	cr_assert_eq(gnutls_x509_privkey_export2(made, GNUTLS_X509_FMT_PEM, &out), 0);
	cr_assert_not_null(strstr((const char *)out.data, "BEGIN RSA PRIVATE KEY"));
	cr_assert_eq(rsakey_private_from_pem((const char *)out.data, out.size, NULL, &key), CRYPTO_OK);
	rsakey_private_free(key);
	cr_assert_eq(rsakey_private_from_pem((const char *)out.data, out.size, "unused", &key), CRYPTO_OK);
	rsakey_private_free(key);
	gnutls_free(out.data);
	gnutls_x509_privkey_deinit(made);
}

Test(rsakey, keys_that_are_short_or_not_rsa_are_refused)
{
	struct rsakey_private *key = NULL;
	char *ec =
		foreign_pem(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), GNUTLS_PKCS_PLAIN, NULL);
	char *ed = foreign_pem(GNUTLS_PK_EDDSA_ED25519, 0, GNUTLS_PKCS_PLAIN, NULL);
	char *small = foreign_pem(GNUTLS_PK_RSA, 1024, GNUTLS_PKCS_PLAIN, NULL);

	cr_assert_eq(rsakey_private_from_pem(ec, strlen(ec), NULL, &key), CRYPTO_KEY);
	cr_assert_eq(rsakey_private_from_pem(ed, strlen(ed), NULL, &key), CRYPTO_KEY);
	cr_assert_eq(rsakey_private_from_pem(small, strlen(small), NULL, &key), CRYPTO_KEY);
	cr_assert_null(key);
	free(ec);
	free(ed);
	free(small);
}

Test(rsakey, garbage_is_a_format_error)
{
	static const char *const wrong[] = {
		"",
		"hello",
		"-----BEGIN PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
	};
	struct rsakey_private *key = NULL;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_assert_eq(rsakey_private_from_pem(wrong[i], strlen(wrong[i]), NULL, &key), CRYPTO_FORMAT, "%zu", i);
	cr_assert_null(key);
}

/* Some encoders leave the parameters out; were that accepted, the key would have a second fingerprint. */
Test(rsakey, spki_without_null_parameters_is_refused)
{
	static const uint8_t usual[] = {0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f};
	static const uint8_t bare[] = {0x30, 0x82, 0x01, 0x20, 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
				       0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x03, 0x82, 0x01, 0x0f};
	struct rsakey_private *key = generate();
	struct rsakey_public *again = NULL;
	uint8_t bytes[512];
	size_t size;
	const uint8_t *spki = rsakey_public_spki(rsakey_private_public(key), &size);

	cr_assert(size == 294 && memcmp(spki, usual, sizeof(usual)) == 0);
	memcpy(bytes, bare, sizeof(bare));
	memcpy(bytes + sizeof(bare), spki + sizeof(usual), size - sizeof(usual));
	cr_assert_eq(rsakey_public_from_spki(bytes, size - 2, &again), CRYPTO_FORMAT);
	cr_assert_null(again);
	rsakey_private_free(key);
}

Test(rsakey, spki_comes_back_and_any_other_bytes_are_refused)
{
	struct rsakey_private *key = generate();
	struct rsakey_public *again = NULL;
	uint8_t id[DIGEST_SIZE], digest[DIGEST_SIZE];
	uint8_t bytes[1024];
	size_t size, got;
	const uint8_t *spki = rsakey_public_spki(rsakey_private_public(key), &size);

	cr_assert_lt(size, sizeof(bytes));
	memcpy(bytes, spki, size);
	cr_assert_eq(rsakey_public_from_spki(bytes, size, &again), CRYPTO_OK);
	cr_assert_arr_eq(rsakey_public_spki(again, &got), spki, size);
	cr_assert_eq(got, size);
	rsakey_public_id(again, id);
	digest_sha256(bytes, size, digest);
	cr_assert_arr_eq(id, digest, DIGEST_SIZE);
	rsakey_public_free(again);
	again = NULL;

	bytes[size] = 0;
	cr_assert_neq(rsakey_public_from_spki(bytes, size + 1, &again), CRYPTO_OK); /* a trailing byte */
	for (size_t cut = 0; cut < size; cut++)
		cr_assert_neq(rsakey_public_from_spki(bytes, cut, &again), CRYPTO_OK);
	/* Whatever is accepted after damage must be another key, spelt exactly so. */
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 0x20;
		if (rsakey_public_from_spki(bytes, size, &again) == CRYPTO_OK) {
			cr_assert_arr_eq(rsakey_public_spki(again, &got), bytes, size);
			rsakey_public_free(again);
			again = NULL;
		}
		bytes[i] ^= 0x20;
	}
	cr_assert_null(again);
	bytes[size - 1] = 3; /* e = 65539 > 65537: accepted; below: refused */
	cr_assert_eq(rsakey_public_from_spki(bytes, size, &again), CRYPTO_OK);
	rsakey_public_free(again);
	bytes[size - 1] = 0; /* even */
	cr_assert_eq(rsakey_public_from_spki(bytes, size, &again), CRYPTO_KEY);
	rsakey_private_free(key);
}
