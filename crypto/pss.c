#include "crypto/pss.h"

#include <gmp.h>
#include <nettle/nettle-meta.h>
#include <nettle/pss.h>
#include <stdbool.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/rsakey_raw.h"

enum { SALT_SIZE = 32 };

enum crypto_status pss_sign(const struct rsakey_private *key, const void *message, size_t size, uint8_t *ret_signature)
{
	const struct rsakey_public *half = rsakey_private_public(key);
	const size_t k = rsakey_public_size(half);
	uint8_t salt[SALT_SIZE], digest[DIGEST_SIZE], encoded[RSAKEY_MAX_SIZE] = {0};
	mpz_t m;

	enum crypto_status status = random_nonce(salt, sizeof(salt));
	if (status != CRYPTO_OK)
		return status;
	digest_sha256(message, size, digest);
	mpz_init(m);
	if (pss_encode_mgf1(m, rsakey_public_bits(half) - 1, &nettle_sha256, SALT_SIZE, salt, digest)) {
		const size_t used = (mpz_sizeinbase(m, 2) + 7) / 8;

		mpz_export(encoded + k - used, NULL, 1, 1, 1, 0, m);
		status = rsakey_raw_private(key, encoded, ret_signature);
	} else {
		status = CRYPTO_KEY;
	}
	mpz_clear(m);
	return status;
}

enum crypto_status pss_verify(const struct rsakey_public *key, const void *message, size_t size,
			      const uint8_t *signature, size_t signature_size)
{
	uint8_t digest[DIGEST_SIZE], encoded[RSAKEY_MAX_SIZE];
	mpz_t m;

	if (signature_size != rsakey_public_size(key))
		return CRYPTO_AUTH;
	const enum crypto_status status = rsakey_raw_public(key, signature, encoded);
	if (status != CRYPTO_OK)
		return status == CRYPTO_FORMAT ? CRYPTO_AUTH : status;
	digest_sha256(message, size, digest);
	mpz_init(m);
	mpz_import(m, signature_size, 1, 1, 1, 0, encoded);
	const bool good = pss_verify_mgf1(m, rsakey_public_bits(key) - 1, &nettle_sha256, SALT_SIZE, digest);
	mpz_clear(m);
	return good ? CRYPTO_OK : CRYPTO_AUTH;
}
