/*
 * Private keys as PEM. The input is a byte, then PEM text, or the DER to be put into an armour, which the byte chooses:
 * a fuzzer that had to keep base64 intact would never see the inside. Or, for the same reason, just the numbers of an
 * RSA key. Without a passphrase, as stretching takes its time.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/identity.h"
#include "crypto/rsakey.h"
#include "crypto/secret.h"
#include "crypto/wire.h"
#include "tests/fuzz/fuzz.h"

enum { ARMOUR_PKCS1 = 2, NUMBERS = 255, DER_MAX = 32768 };

static const char *const ARMOURS[] = {NULL, "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY",
				      "ENCRYPTED PRIVATE KEY"};

/* One DER element with a length of three bytes. */
static void put_element(struct wire_out *out, uint8_t tag, const uint8_t *bytes, size_t size)
{
	wire_put_u8(out, tag);
	wire_put_u8(out, 0x82);
	wire_put_lp(out, bytes, size);
}

/* PKCS#1 (RFC 8017 §A.1.2) of the input's numbers, each an lp: a structure that is right, with any numbers in it. */
static size_t make_numbers(const uint8_t *data, size_t size, uint8_t *ret_der, size_t cap)
{
	uint8_t *body = malloc(cap);
	struct wire_out numbers, der;
	struct wire_in in;

	FUZZ_CHECK(body != NULL);
	wire_in_init(&in, data, size);
	wire_out_init(&numbers, body, cap);
	put_element(&numbers, 2, (const uint8_t[]){0}, 1);
	for (int i = 0; i < 8; i++) {
		size_t number_size;
		const uint8_t *number = wire_get_lp(&in, &number_size);

		put_element(&numbers, 2, number, number_size);
	}
	wire_out_init(&der, ret_der, cap);
	put_element(&der, 0x30, body, numbers.used);
	free(body);
	return der.used;
}

/* Of its very size, as the readers take it; free() it. */
static char *make_pem(uint8_t choice, const uint8_t *data, size_t size, size_t *ret_size)
{
	const char *armour = ARMOURS[choice % (sizeof(ARMOURS) / sizeof(ARMOURS[0]))];
	char *text = NULL, *base64 = malloc(ENCODE_BASE64_SIZE(size));
	FILE *out = open_memstream(&text, ret_size);

	FUZZ_CHECK(out != NULL && base64 != NULL);
	if (armour) {
		encode_base64(data, size, base64);
		fprintf(out, "-----BEGIN %s-----\n", armour);
		for (const char *line = base64; *line; line += strnlen(line, 64))
			fprintf(out, "%.64s\n", line);
		fprintf(out, "-----END %s-----\n", armour);
	} else {
		fwrite(data, 1, size, out);
	}
	FUZZ_CHECK(fclose(out) == 0);
	free(base64);
	char *exact = malloc(*ret_size ? *ret_size : 1);
	FUZZ_CHECK(exact != NULL);
	memcpy(exact, text, *ret_size);
	free(text);
	return exact;
}

static void check_status(enum crypto_status status, const char *pem, size_t size, bool made)
{
	FUZZ_CHECK(status == CRYPTO_OK || status == CRYPTO_FORMAT || status == CRYPTO_KEY || status == CRYPTO_LOCKED);
	FUZZ_CHECK((status == CRYPTO_OK) == made);
	FUZZ_CHECK(status != CRYPTO_LOCKED || memmem(pem, size, "ENCRYPTED", 9) != NULL);
}

static void try_rsa(const char *pem, size_t size)
{
	struct rsakey_private *key = NULL, *again = NULL;
	const enum crypto_status status = rsakey_private_from_pem(pem, size, NULL, &key);
	uint8_t id[DIGEST_SIZE], id_again[DIGEST_SIZE];
	char *written;
	size_t written_size;

	check_status(status, pem, size, key != NULL);
	if (!key)
		return;
	FUZZ_CHECK(rsakey_private_to_pem(key, NULL, &written, &written_size) == CRYPTO_OK);
	FUZZ_CHECK(rsakey_private_from_pem(written, written_size, NULL, &again) == CRYPTO_OK);
	rsakey_public_id(rsakey_private_public(key), id);
	rsakey_public_id(rsakey_private_public(again), id_again);
	FUZZ_CHECK(memcmp(id, id_again, sizeof(id)) == 0);
	secret_free(written, written_size + 1);
	rsakey_private_free(again);
	rsakey_private_free(key);
}

static void try_identity(const char *pem, size_t size)
{
	struct identity *identity = NULL, *again = NULL;
	const enum crypto_status status = identity_from_pem(pem, size, &identity);
	uint8_t id[IDENTITY_PUBLIC_SIZE], id_again[IDENTITY_PUBLIC_SIZE], signature[IDENTITY_SIGNATURE_SIZE];
	char *written;
	size_t written_size;

	check_status(status, pem, size, identity != NULL);
	if (!identity)
		return;
	FUZZ_CHECK(identity_to_pem(identity, &written, &written_size) == CRYPTO_OK);
	FUZZ_CHECK(identity_from_pem(written, written_size, &again) == CRYPTO_OK);
	identity_public(identity, id);
	identity_public(again, id_again);
	FUZZ_CHECK(memcmp(id, id_again, sizeof(id)) == 0);
	identity_sign(identity, pem, size, signature);
	FUZZ_CHECK(identity_verify(id, pem, size, signature) == CRYPTO_OK);
	secret_free(written, written_size + 1);
	identity_free(again);
	identity_free(identity);
}

static void try_pem(uint8_t choice, const uint8_t *data, size_t size)
{
	size_t pem_size;
	char *pem = make_pem(choice, data, size, &pem_size);

	try_rsa(pem, pem_size);
	try_identity(pem, pem_size);
	free(pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t der[DER_MAX];

	if (size == 0 || size > DER_MAX / 4)
		return 0;
	if (data[0] == NUMBERS)
		try_pem(ARMOUR_PKCS1, der, make_numbers(data + 1, size - 1, der, sizeof(der)));
	else
		try_pem(data[0], data + 1, size - 1);
	return 0;
}
