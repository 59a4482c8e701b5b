#include "crypto/oaep.h"

#include "crypto/eme.h"
#include "crypto/random.h"
#include "crypto/rsakey_raw.h"
#include "crypto/secret.h"

size_t oaep_max_message(const struct rsakey_public *key, enum oaep_hash hash)
{
	return rsakey_public_size(key) - 2 * eme_hash_size(hash) - 2;
}

enum crypto_status oaep_encrypt(const struct rsakey_public *key, enum oaep_hash hash, const void *label,
				size_t label_size, const uint8_t *message, size_t size, uint8_t *ret_ciphertext)
{
	const struct eme_oaep oaep = {.hash = hash, .label = label, .label_size = label_size};
	uint8_t seed[EME_HASH_MAX];
	uint8_t em[RSAKEY_MAX_SIZE];

	enum crypto_status status = random_key(seed, eme_hash_size(hash));
	if (status != CRYPTO_OK)
		goto out;
	status = eme_oaep_encode(&oaep, seed, message, size, em, rsakey_public_size(key));
	if (status != CRYPTO_OK)
		goto out;
	status = rsakey_raw_public(key, em, ret_ciphertext);
out:
	secret_wipe(seed, sizeof(seed));
	secret_wipe(em, sizeof(em));
	return status;
}

enum crypto_status oaep_decrypt(const struct rsakey_private *key, enum oaep_hash hash, const void *label,
				size_t label_size, const uint8_t *ciphertext, size_t ciphertext_size,
				uint8_t *ret_message, size_t *ret_size)
{
	const struct rsakey_public *public_half = rsakey_private_public(key);
	const struct eme_oaep oaep = {.hash = hash, .label = label, .label_size = label_size};
	uint8_t em[RSAKEY_MAX_SIZE];
	enum crypto_status status = CRYPTO_AUTH;

	if (ciphertext_size != rsakey_public_size(public_half))
		goto out;
	status = rsakey_raw_private(key, ciphertext, em);
	if (status == CRYPTO_FORMAT) /* not below the modulus: to the caller a wrong ciphertext like any other */
		status = CRYPTO_AUTH;
	if (status == CRYPTO_OK)
		status = eme_oaep_decode(&oaep, em, ciphertext_size, ret_message, ret_size);
out:
	if (status != CRYPTO_OK)
		secret_wipe(ret_message, oaep_max_message(public_half, hash));
	secret_wipe(em, sizeof(em));
	return status;
}
