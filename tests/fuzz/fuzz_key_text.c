/*
 * Public keys as a body has them (key_text_read, server/api/key_text.h): a JWK or PEM. A key that is read is written
 * and read again, the same, in both forms. A private one is wiped, and nothing else is touched.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/key_text.h"
#include "tests/fuzz/fuzz.h"

static bool same_key(const struct rsakey_public *a, const struct rsakey_public *b)
{
	size_t a_size, b_size;
	const uint8_t *a_spki = rsakey_public_spki(a, &a_size), *b_spki = rsakey_public_spki(b, &b_size);

	return a_size == b_size && memcmp(a_spki, b_spki, a_size) == 0;
}

static void reads_back(const struct rsakey_public *key, char *text, size_t size)
{
	struct rsakey_public *again = NULL;

	FUZZ_CHECK(text != NULL && key_text_read(text, size, &again) == PUBKEY_OK);
	FUZZ_CHECK(same_key(key, again));
	rsakey_public_free(again);
	free(text);
}

static void check_key(const struct rsakey_public *key)
{
	char *text = NULL;
	size_t size;

	FUZZ_CHECK(rsakey_public_bits(key) >= RSAKEY_MIN_BITS && rsakey_public_bits(key) <= RSAKEY_MAX_BITS);
	text = key_text_jwk(key, &size);
	reads_back(key, text, size);
	FUZZ_CHECK(pubkey_to_pem(key, &text, &size) == CRYPTO_OK);
	reads_back(key, text, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rsakey_public *key = NULL;
	char *text = malloc(size + 1);
	enum pubkey_verdict verdict;
	bool wiped = true;

	FUZZ_CHECK(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	verdict = key_text_read(text, size, &key);
	FUZZ_CHECK(verdict != PUBKEY_NOMEM && verdict < PUBKEY_VERDICT_COUNT);
	FUZZ_CHECK((verdict == PUBKEY_OK) == (key != NULL));
	for (size_t i = 0; i < size; i++)
		wiped = wiped && text[i] == '\0';
	FUZZ_CHECK(verdict == PUBKEY_PRIVATE ? wiped : memcmp(text, data, size) == 0);
	if (key)
		check_key(key);
	rsakey_public_free(key);
	free(text);
	return 0;
}
