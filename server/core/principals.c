#include "server/core/principals.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/core/clock.h"

/* The hash is a MAC: its first bits are as good as random, and a token that shares its place only pushes out. */
enum { PLACES = 4096 };

struct entry {
	uint8_t hash[32];
	struct principal principal;
	uint64_t generation; /* 0: empty; else the one that it was kept in, plus 1 */
	int64_t until_ms;    /* CLOCK_MONOTONIC */
	int64_t expires_ms;  /* Unix time; 0: never */
};

struct principals {
	int64_t ttl_ms;
	_Atomic uint64_t generation;
	pthread_mutex_t lock;
	struct entry entries[PLACES]; /* under `lock` */
};

struct principals *principals_new(int64_t ttl_ms)
{
	struct principals *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->ttl_ms = ttl_ms;
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void principals_free(struct principals *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	secret_wipe(p->entries, sizeof(p->entries));
	free(p);
}

static struct entry *place_of(struct principals *p, const uint8_t hash[static 32])
{
	return &p->entries[(hash[0] | (unsigned)hash[1] << 8) % PLACES];
}

uint64_t principals_generation(const struct principals *p)
{
	return p->generation;
}

void principals_keep(struct principals *p, uint64_t generation, const uint8_t hash[static 32],
		     const struct principal *principal, int64_t expires_ms)
{
	struct entry *entry = place_of(p, hash);

	if (p->ttl_ms == 0)
		return;
	pthread_mutex_lock(&p->lock);
	entry->generation = generation + 1;
	memcpy(entry->hash, hash, sizeof(entry->hash));
	entry->principal = *principal;
	entry->until_ms = clock_monotonic_ms() + p->ttl_ms;
	entry->expires_ms = expires_ms;
	pthread_mutex_unlock(&p->lock);
}

bool principals_find(struct principals *p, const uint8_t hash[static 32], struct principal *ret_principal)
{
	const struct entry *entry = place_of(p, hash);
	bool found;

	if (p->ttl_ms == 0)
		return false;
	pthread_mutex_lock(&p->lock);
	found = entry->generation == p->generation + 1 && secret_equal(entry->hash, hash, sizeof(entry->hash)) &&
		clock_monotonic_ms() < entry->until_ms &&
		(entry->expires_ms == 0 || clock_unix_ms() < entry->expires_ms);
	if (found)
		*ret_principal = entry->principal;
	pthread_mutex_unlock(&p->lock);
	return found;
}

void principals_forget(struct principals *p)
{
	p->generation++;
}
