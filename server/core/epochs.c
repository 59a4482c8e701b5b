#include "server/core/epochs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/random.h"
#include "server/core/clock.h"
#include "server/core/keyring.h"
#include "server/core/rowmac.h"

enum {
	TURN_MS = 5000, /* between two looks */
	RESERVE = 1 << 20,
	RESERVE_LOW = RESERVE / 2, /* at 50,000 writes a second this lasts for two turns */
};

struct epochs {
	struct epochs_options options;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* CLOCK_MONOTONIC */
	bool stopping, woken;
	bool failed; /* said so already */
	pthread_t thread;
};

/* ---- one turn -----------------------------------------------------------------------------------------------------
 */

struct epoch_job {
	struct store_job job; /* first */
	struct store_epoch row;
	bool is_new;
};

static enum store_status write_epoch(struct store_job *job, struct store_txn *txn)
{
	struct epoch_job *epoch = (struct epoch_job *)job;

	return epoch->is_new ? store_epoch_insert(txn, &epoch->row) : store_epoch_update(txn, &epoch->row);
}

/* Reserves the next block of wraps in the row, then lets the ring make them. */
static enum core_status use(const struct vault *vault, struct epoch_job *epoch)
{
	enum core_status status;

	epoch->job.apply = write_epoch;
	epoch->row.revision++;
	epoch->row.reserved += RESERVE;
	if (!rowmac_seal_epoch(vault, &epoch->row))
		return CORE_INTERNAL;
	status = core_from_store(store_run(vault->store, &epoch->job));
	if (status == CORE_OK)
		keyring_epoch_use(vault->ring, epoch->row.epoch_id, RESERVE);
	return status;
}

static enum core_status begin(const struct vault *vault, int64_t now_ms)
{
	uint8_t wrap[RSAKEY_MAX_SIZE];
	struct epoch_job epoch = {.row = {.created_ms = now_ms}, .is_new = true};
	enum core_status status;

	if (random_uuid7(now_ms, epoch.row.epoch_id) != CRYPTO_OK)
		return CORE_INTERNAL;
	memcpy(epoch.row.kek_id, vault->kek_id, sizeof(epoch.row.kek_id));
	status = keyring_epoch_make(vault->ring, epoch.row.epoch_id, wrap);
	if (status != CORE_OK)
		return status;
	epoch.row.wrap = (struct store_bytes){wrap, rsakey_public_size(vault->kek_public)};
	return use(vault, &epoch);
}

enum core_status epochs_load(const struct vault *vault, const struct store_epoch *row)
{
	if (!rowmac_check_epoch(vault, row) || memcmp(row->kek_id, vault->kek_id, sizeof(row->kek_id)) != 0)
		return CORE_DAMAGED;
	return keyring_epoch_load(vault->ring, row->epoch_id, row->wrap.data, row->wrap.size);
}

enum core_status epochs_renew(const struct vault *vault, struct store_view *view, int64_t age_ms, int64_t now_ms)
{
	struct store_epoch *row = NULL;
	struct epoch_job epoch = {.is_new = false};
	uint8_t used[16];
	uint64_t left;
	int64_t after_ms;
	enum store_status found;
	enum core_status status;

	if (keyring_sealed(vault->ring))
		return CORE_SEALED;
	left = keyring_epoch_left(vault->ring, used);
	found = store_epoch_latest(view, vault->kek_id, &row);
	if (found == STORE_NOT_FOUND)
		return begin(vault, now_ms);
	if (found != STORE_OK)
		return core_from_store(found);
	/* A clock that was set back makes an epoch young, not old; the next one must still be the newest. */
	after_ms = now_ms > row->created_ms ? now_ms : row->created_ms + 1;
	if (now_ms - row->created_ms >= age_ms || row->reserved + RESERVE > EPOCHS_WRAPS_MAX) {
		status = begin(vault, after_ms);
	} else if (left > RESERVE_LOW && memcmp(used, row->epoch_id, sizeof(used)) == 0) {
		status = CORE_OK;
	} else {
		epoch.row = *row;
		status = epochs_load(vault, row);
		/* A row that does not verify is not built upon. */
		status = status == CORE_DAMAGED ? begin(vault, after_ms)
			 : status == CORE_OK	? use(vault, &epoch)
						: status;
	}
	free(row);
	return status;
}

/* ---- the thread ---------------------------------------------------------------------------------------------------
 */

static void turn(struct epochs *e)
{
	struct store_view *view = NULL;
	enum core_status status = core_from_store(store_view_new(e->options.vault->store, &view));

	if (status == CORE_OK)
		status = epochs_renew(e->options.vault, view, e->options.age_ms, clock_unix_ms());
	store_view_free(view);
	if (status == CORE_OK || status == CORE_SEALED) {
		e->failed = false;
		return;
	}
	/* Nothing is lost: versions are written with their RSA wrap alone. */
	if (!e->failed && e->options.log)
		e->options.log("no epoch key could be made or taken up: records will be slow to read until one can");
	e->failed = true;
}

static void *keep(void *arg)
{
	struct epochs *e = arg;
	struct timespec until;

	pthread_mutex_lock(&e->lock);
	while (!e->stopping) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += TURN_MS / 1000;
		while (!e->stopping && !e->woken)
			if (pthread_cond_timedwait(&e->changed, &e->lock, &until) != 0)
				break;
		e->woken = false;
		if (e->stopping)
			break;
		pthread_mutex_unlock(&e->lock);
		turn(e);
		pthread_mutex_lock(&e->lock);
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

static void destroy(struct epochs *e)
{
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

struct epochs *epochs_new(const struct epochs_options *options)
{
	struct epochs *e = calloc(1, sizeof(*e));
	pthread_condattr_t monotonic;

	if (!e)
		return NULL;
	e->options = *options;
	pthread_mutex_init(&e->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&e->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	turn(e);
	if (pthread_create(&e->thread, NULL, keep, e) != 0) {
		destroy(e);
		return NULL;
	}
	return e;
}

void epochs_wake(struct epochs *e)
{
	pthread_mutex_lock(&e->lock);
	e->woken = true;
	pthread_cond_signal(&e->changed);
	pthread_mutex_unlock(&e->lock);
}

void epochs_free(struct epochs *e)
{
	if (!e)
		return;
	pthread_mutex_lock(&e->lock);
	e->stopping = true;
	pthread_cond_signal(&e->changed);
	pthread_mutex_unlock(&e->lock);
	pthread_join(e->thread, NULL);
	destroy(e);
}
