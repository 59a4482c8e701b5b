#include "crypto/random.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

static enum crypto_status fill(gnutls_rnd_level_t level, void *bytes, size_t size)
{
	if (!size)
		return CRYPTO_OK;
	return gnutls_rnd(level, bytes, size) == 0 ? CRYPTO_OK : CRYPTO_RANDOM;
}

enum crypto_status random_nonce(void *ret_bytes, size_t size)
{
	return fill(GNUTLS_RND_NONCE, ret_bytes, size);
}

enum crypto_status random_key(void *ret_bytes, size_t size)
{
	return fill(GNUTLS_RND_KEY, ret_bytes, size);
}

/* The version's four bits and the variant's two, RFC 9562 §4. */
static void uuid_stamp(uint8_t id[static 16], unsigned version)
{
	id[6] = (uint8_t)(version << 4 | (id[6] & 0x0f));
	id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
}

enum crypto_status random_uuid7(int64_t unix_ms, uint8_t ret_id[static 16])
{
	enum crypto_status status = random_nonce(ret_id + 6, 10);
	if (status != CRYPTO_OK)
		return status;
	for (int i = 0; i < 6; i++)
		ret_id[i] = (uint8_t)((uint64_t)unix_ms >> (40 - 8 * i));
	uuid_stamp(ret_id, 7);
	return CRYPTO_OK;
}

enum crypto_status random_uuid4(uint8_t ret_id[static 16])
{
	enum crypto_status status = random_nonce(ret_id, 16);
	if (status != CRYPTO_OK)
		return status;
	uuid_stamp(ret_id, 4);
	return CRYPTO_OK;
}
