#include "server/core/care.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "server/core/clock.h"
#include "server/core/record.h"

enum { EXPIRE_AT_ONCE = 1000 };

struct care {
	struct store_job job; /* first: apply() is handed a pointer to it */
	const struct vault *vault;
	int64_t shred_delay_ms;
	int64_t idempotency_ttl_ms;
	sem_t stop;
	pthread_t thread;
};

static enum store_status expire_apply(struct store_job *job, struct store_txn *txn)
{
	const struct care *care = (struct care *)job;

	return store_idempotency_expire(txn, clock_unix_ms() - care->idempotency_ttl_ms, EXPIRE_AT_ONCE);
}

static void *take_care(void *arg)
{
	struct care *care = arg;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	for (;;) {
		struct store_view *view = NULL;
		uint64_t count;

		until.tv_sec += (time_t)(care->shred_delay_ms / 1000) + 1;
		if (sem_timedwait(&care->stop, &until) == 0)
			return NULL;
		/* What fails now is tried again at the next turn. */
		if (store_view_new(care->vault->store, &view) == STORE_OK &&
		    record_shred_pending(care->vault, view, &count) != CORE_OK)
			count = 0;
		store_view_free(view);
		if (store_run(care->vault->store, &care->job) != STORE_OK)
			continue;
	}
}

struct care *care_new(const struct vault *vault, int64_t shred_delay_ms, int64_t idempotency_ttl_ms)
{
	struct care *care = calloc(1, sizeof(*care));

	if (!care)
		return NULL;
	care->job.apply = expire_apply;
	care->vault = vault;
	care->shred_delay_ms = shred_delay_ms;
	care->idempotency_ttl_ms = idempotency_ttl_ms;
	sem_init(&care->stop, 0, 0);
	if (pthread_create(&care->thread, NULL, take_care, care) != 0) {
		free(care);
		return NULL;
	}
	return care;
}

void care_free(struct care *care)
{
	if (!care)
		return;
	sem_post(&care->stop);
	pthread_join(care->thread, NULL);
	sem_destroy(&care->stop);
	free(care);
}
