#include "server/core/inflight.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

/* Buckets by the first bytes of the MAC, which no client can steer. */
struct inflight {
	pthread_mutex_t lock;
	struct inflight_entry *buckets[BUCKETS];
};

struct inflight *inflight_new(void)
{
	struct inflight *inflight = calloc(1, sizeof(*inflight));

	if (inflight && pthread_mutex_init(&inflight->lock, NULL) != 0) {
		free(inflight);
		return NULL;
	}
	return inflight;
}

void inflight_free(struct inflight *inflight)
{
	if (!inflight)
		return;
	pthread_mutex_destroy(&inflight->lock);
	free(inflight);
}

static struct inflight_entry **bucket_of(struct inflight *inflight, const struct inflight_entry *entry)
{
	return &inflight->buckets[((unsigned)entry->key_mac[0] << 8 | entry->key_mac[1]) % BUCKETS];
}

bool inflight_enter(struct inflight *inflight, struct inflight_entry *entry)
{
	struct inflight_entry **bucket = bucket_of(inflight, entry);
	bool absent = true;

	pthread_mutex_lock(&inflight->lock);
	for (const struct inflight_entry *e = *bucket; e; e = e->next)
		if (memcmp(e->key_mac, entry->key_mac, sizeof(e->key_mac)) == 0)
			absent = false;
	if (absent) {
		entry->next = *bucket;
		*bucket = entry;
		entry->entered = true;
	}
	pthread_mutex_unlock(&inflight->lock);
	return absent;
}

void inflight_leave(struct inflight *inflight, struct inflight_entry *entry)
{
	if (!entry->entered)
		return;
	pthread_mutex_lock(&inflight->lock);
	for (struct inflight_entry **p = bucket_of(inflight, entry); *p; p = &(*p)->next) {
		if (*p == entry) {
			*p = entry->next;
			break;
		}
	}
	pthread_mutex_unlock(&inflight->lock);
	entry->entered = false;
}
