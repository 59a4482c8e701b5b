/*
 * Public keys as PEM (pubkey_from_pem, crypto/pubkey.h). The input is a byte, then PEM text, or the DER to be put into
 * an armour, which the byte chooses: a fuzzer that had to keep base64 intact would never see the inside. What is read
 * is written and read again, the same; what names a private key is wiped, and nothing else is touched.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/pubkey.h"
#include "tests/fuzz/fuzz.h"

enum { DER_MAX = 16384 };

static const char *const ARMOURS[] = {NULL,	     "PUBLIC KEY",	 "RSA PUBLIC KEY",
				      "CERTIFICATE", "X509 CERTIFICATE", "EC PRIVATE KEY"};

/* Of its very size, as the reader takes it; free() it. */
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

static void check_key(const struct rsakey_public *key)
{
	struct rsakey_public *again = NULL;
	uint8_t id[DIGEST_SIZE], id_again[DIGEST_SIZE];
	char *pem = NULL;
	size_t size;

	FUZZ_CHECK(rsakey_public_bits(key) >= RSAKEY_MIN_BITS && rsakey_public_bits(key) <= RSAKEY_MAX_BITS);
	FUZZ_CHECK(rsakey_public_exponent(key) >= 65537 && rsakey_public_exponent(key) % 2 == 1);
	FUZZ_CHECK(pubkey_to_pem(key, &pem, &size) == CRYPTO_OK && size == strlen(pem));
	FUZZ_CHECK(pubkey_from_pem(pem, size, &again) == PUBKEY_OK);
	rsakey_public_id(key, id);
	rsakey_public_id(again, id_again);
	FUZZ_CHECK(memcmp(id, id_again, sizeof(id)) == 0);
	rsakey_public_free(again);
	free(pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rsakey_public *key = NULL;
	char *pem, *copy;
	size_t pem_size, zeros = 0;

	if (size == 0 || size > DER_MAX)
		return 0;
	pem = make_pem(data[0], data + 1, size - 1, &pem_size);
	copy = malloc(pem_size + 1);
	FUZZ_CHECK(copy != NULL);
	memcpy(copy, pem, pem_size);
	const enum pubkey_verdict verdict = pubkey_from_pem(pem, pem_size, &key);

	FUZZ_CHECK(verdict != PUBKEY_NOMEM && verdict < PUBKEY_VERDICT_COUNT);
	FUZZ_CHECK((verdict == PUBKEY_OK) == (key != NULL));
	FUZZ_CHECK((verdict == PUBKEY_PRIVATE) == (memmem(copy, pem_size, "PRIVATE KEY-----", 16) != NULL));
	while (zeros < pem_size && pem[zeros] == '\0')
		zeros++;
	FUZZ_CHECK(verdict == PUBKEY_PRIVATE ? zeros == pem_size : memcmp(pem, copy, pem_size) == 0);
	if (key)
		check_key(key);
	rsakey_public_free(key);
	free(copy);
	free(pem);
	return 0;
}
