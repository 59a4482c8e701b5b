#include "crypto/digest.h"

#include <assert.h>
#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"

_Static_assert(DIGEST_SIZE == SHA256_DIGEST_SIZE, "digests are SHA-256");

struct digest {
	struct sha256_ctx sha256;
};

enum crypto_status digest_new(struct digest **ret_digest)
{
	struct digest *digest = malloc(sizeof(*digest));
	if (!digest)
		return CRYPTO_NOMEM;
	sha256_init(&digest->sha256);
	*ret_digest = digest;
	return CRYPTO_OK;
}

void digest_update(struct digest *digest, const void *bytes, size_t size)
{
	if (size)
		sha256_update(&digest->sha256, size, bytes);
}

void digest_finish(struct digest *digest, uint8_t ret_digest[static DIGEST_SIZE])
{
	sha256_digest(&digest->sha256, DIGEST_SIZE, ret_digest);
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	secret_wipe(digest, sizeof(*digest));
	free(digest);
}

void digest_sha256(const void *bytes, size_t size, uint8_t ret_digest[static DIGEST_SIZE])
{
	struct digest digest;

	sha256_init(&digest.sha256);
	digest_update(&digest, bytes, size);
	digest_finish(&digest, ret_digest);
	secret_wipe(&digest, sizeof(digest));
}

void mac_key_derive(const struct store_key *root, const uint8_t store_id[static 16], const char *purpose,
		    struct mac_key *ret_key)
{
	hkdf_sha256(root->b, sizeof(root->b), store_id, 16, purpose, strlen(purpose), ret_key->b, sizeof(ret_key->b));
}

void mac_compute(const struct mac_key *key, const void *bytes, size_t size, uint8_t ret_mac[static DIGEST_SIZE])
{
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, sizeof(key->b), key->b);
	if (size)
		hmac_sha256_update(&hmac, size, bytes);
	hmac_sha256_digest(&hmac, DIGEST_SIZE, ret_mac);
	secret_wipe(&hmac, sizeof(hmac));
}

enum crypto_status mac_verify(const struct mac_key *key, const void *bytes, size_t size,
			      const uint8_t mac[static DIGEST_SIZE])
{
	uint8_t expected[DIGEST_SIZE];

	mac_compute(key, bytes, size, expected);
	bool equal = secret_equal(expected, mac, DIGEST_SIZE);
	secret_wipe(expected, sizeof(expected));
	return equal ? CRYPTO_OK : CRYPTO_AUTH;
}

void hkdf_sha256(const void *ikm, size_t ikm_size, const void *salt, size_t salt_size, const void *info,
		 size_t info_size, void *ret_okm, size_t okm_size)
{
	struct hmac_sha256_ctx hmac;
	uint8_t prk[DIGEST_SIZE];
	const struct nettle_mac *mac = &nettle_hmac_sha256;

	assert(okm_size <= 255 * DIGEST_SIZE);
	hmac_sha256_set_key(&hmac, salt_size, salt);
	hkdf_extract(&hmac, mac->update, mac->digest, DIGEST_SIZE, ikm_size, ikm, prk);
	hmac_sha256_set_key(&hmac, sizeof(prk), prk);
	hkdf_expand(&hmac, mac->update, mac->digest, DIGEST_SIZE, info_size, info, okm_size, ret_okm);
	secret_wipe(&hmac, sizeof(hmac));
	secret_wipe(prk, sizeof(prk));
}
