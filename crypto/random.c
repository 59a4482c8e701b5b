#include "crypto/random.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

enum { COUNTER_BITS = 12, SEED_BITS = 11, BACK_MS = 10000 };

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

/*
 * The milliseconds and the counter of the last id, in one number: a counter that overflows borrows from the
 * milliseconds to come. The order is the process's, whoever asks: so this is no state of a caller's.
 */
static uint64_t next_tick(uint64_t fresh)
{
	static _Atomic uint64_t last;
	uint64_t before = atomic_load(&last), next;

	do {
		bool set_back = before > fresh && before - fresh > (uint64_t)BACK_MS << COUNTER_BITS;

		next = fresh > before || set_back ? fresh : before + 1;
	} while (!atomic_compare_exchange_weak(&last, &before, next));
	return next;
}

enum crypto_status random_uuid7(int64_t unix_ms, uint8_t ret_id[static 16])
{
	uint8_t id[16];
	enum crypto_status status = random_nonce(id + 6, 10);
	uint64_t tick, seed;

	if (status != CRYPTO_OK)
		return status;
	seed = ((uint64_t)id[6] << 8 | id[7]) & ((1u << SEED_BITS) - 1);
	tick = next_tick((uint64_t)unix_ms << COUNTER_BITS | seed);
	for (int i = 0; i < 6; i++)
		id[i] = (uint8_t)(tick >> (COUNTER_BITS + 40 - 8 * i));
	id[6] = (uint8_t)(tick >> 8);
	id[7] = (uint8_t)tick;
	uuid_stamp(id, 7);
	memcpy(ret_id, id, sizeof(id));
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
