#include "server/core/rates.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "server/core/clock.h"

enum { PLACES = 8192, KEY_SIZE = 16 };

struct bucket {
	uint8_t key[KEY_SIZE];
	double level;	 /* what is left in it */
	int64_t seen_ms; /* CLOCK_MONOTONIC: as of when; 0: nobody's */
};

struct rates {
	unsigned per_minute;
	pthread_mutex_t lock;
	struct bucket buckets[PLACES]; /* under `lock` */
};

struct rates *rates_new(unsigned per_minute)
{
	struct rates *rates = calloc(1, sizeof(*rates));

	if (!rates)
		return NULL;
	rates->per_minute = per_minute;
	pthread_mutex_init(&rates->lock, NULL);
	return rates;
}

void rates_free(struct rates *rates)
{
	if (!rates)
		return;
	pthread_mutex_destroy(&rates->lock);
	free(rates);
}

/* One client has a whole /64 to itself. A digest, so that nobody chooses whose place he shares. */
static void key_of(const struct rates *rates, const char *who, uint8_t ret_key[static KEY_SIZE])
{
	struct {
		const struct rates *salt;
		char text[72];
	} input = {.salt = rates};
	uint8_t digest[DIGEST_SIZE];
	struct in6_addr address;

	strncpy(input.text, who, sizeof(input.text) - 1);
	if (inet_pton(AF_INET6, who, &address) == 1 && !IN6_IS_ADDR_V4MAPPED(&address)) {
		memset(address.s6_addr + 8, 0, 8);
		memset(input.text, 0, sizeof(input.text));
		(void)inet_ntop(AF_INET6, &address, input.text, sizeof(input.text));
	}
	digest_sha256(&input, sizeof(input), digest);
	memcpy(ret_key, digest, KEY_SIZE);
}

/* Under `lock`: the bucket of a key, filled up to now. */
static struct bucket *bucket_of(struct rates *rates, const uint8_t key[static KEY_SIZE])
{
	struct bucket *bucket = &rates->buckets[(key[0] | (unsigned)key[1] << 8) % PLACES];
	const int64_t now = clock_monotonic_ms();

	if (bucket->seen_ms == 0 || memcmp(bucket->key, key, KEY_SIZE) != 0) {
		memcpy(bucket->key, key, KEY_SIZE);
		bucket->level = rates->per_minute;
	} else {
		bucket->level += (double)(now - bucket->seen_ms) * rates->per_minute / CLOCK_MINUTE_MS;
		if (bucket->level > rates->per_minute)
			bucket->level = rates->per_minute;
	}
	bucket->seen_ms = now ? now : 1;
	return bucket;
}

static unsigned ask(struct rates *rates, const char *who, bool take)
{
	uint8_t key[KEY_SIZE];
	struct bucket *bucket;
	unsigned wait = 0;

	if (rates->per_minute == 0)
		return 0;
	key_of(rates, who, key);
	pthread_mutex_lock(&rates->lock);
	bucket = bucket_of(rates, key);
	if (bucket->level < 1)
		wait = (unsigned)((1 - bucket->level) * CLOCK_MINUTE_MS / rates->per_minute + 999) / 1000;
	else if (take)
		bucket->level -= 1;
	pthread_mutex_unlock(&rates->lock);
	return wait;
}

unsigned rates_take(struct rates *rates, const char *who)
{
	return ask(rates, who, true);
}

unsigned rates_look(struct rates *rates, const char *who)
{
	return ask(rates, who, false);
}
