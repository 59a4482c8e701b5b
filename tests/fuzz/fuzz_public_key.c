/*
 * Public keys as DER (rsakey_public_from_spki): a key has one spelling, which is the input; its size is an accepted
 * one; and it can be used.
 */
#include <string.h>

#include "crypto/digest.h"
#include "crypto/oaep.h"
#include "crypto/rsakey.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rsakey_public *key = NULL;
	const enum crypto_status status = rsakey_public_from_spki(data, size, &key);
	uint8_t id[DIGEST_SIZE], want[DIGEST_SIZE];
	size_t spki_size;

	FUZZ_CHECK(status == CRYPTO_OK || status == CRYPTO_FORMAT || status == CRYPTO_KEY);
	FUZZ_CHECK((status == CRYPTO_OK) == (key != NULL));
	if (!key)
		return 0;
	const uint8_t *spki = rsakey_public_spki(key, &spki_size);
	FUZZ_CHECK(spki_size == size && memcmp(spki, data, size) == 0);
	FUZZ_CHECK(rsakey_public_size(key) >= RSAKEY_MIN_BITS / 8 && rsakey_public_size(key) <= RSAKEY_MAX_SIZE);
	rsakey_public_id(key, id);
	digest_sha256(data, size, want);
	FUZZ_CHECK(memcmp(id, want, sizeof(id)) == 0);
	rsakey_public_free(key);
	return 0;
}
