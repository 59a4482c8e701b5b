/* What the store does by itself: checkpoints, sweeping doomed blobs, watching the disk, one integrity check. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "db/internal.h"

enum { SWEEP_CHUNKS = 16, CHECK_AFTER_TURNS = 5, NICENESS = 5 };

static void watch_disk(struct store *store)
{
	struct statvfs fs;
	uint64_t available;
	enum store_space space = STORE_SPACE_OK;

	if (statvfs(store->path, &fs) != 0)
		return; /* the last figure stands */
	available = (uint64_t)fs.f_bavail * fs.f_frsize;
	atomic_store(&store->free_bytes, available);
	if (available < store->options.reserve_bytes)
		space = STORE_SPACE_NONE;
	else if (available < store->options.watermark_bytes)
		space = STORE_SPACE_LOW;
	if (atomic_exchange(&store->space, (int)space) != (int)space)
		store_notice(store, space == STORE_SPACE_OK ? "there is enough disk space again"
							    : "the disk is nearly full: writes are refused");
}

/* ---- sweeping: a few chunks a transaction, so that secure_delete's page images do not fill the log -----------------
 */

struct sweep {
	struct store_job job; /* first */
	bool more;
};

static enum store_status sweep_apply(struct store_job *job, struct store_txn *txn)
{
	struct sweep *sweep = (struct sweep *)job;
	struct sql *sql = store_txn_view(txn)->sql;
	struct sql_call call;
	uint64_t blob_id = 0, removed = 0;
	enum store_status status;

	sweep->more = false;
	sql_call(sql, STATEMENT_BLOB_DOOMED, &call);
	if (sql_step(&call))
		blob_id = sql_get_u64(&call);
	status = sql_end(&call);
	if (status != STORE_OK || blob_id == 0)
		return status;
	sql_call(sql, STATEMENT_CHUNK_DELETE_SOME, &call);
	sql_put_u64(&call, blob_id);
	sql_put_u64(&call, SWEEP_CHUNKS);
	status = sql_run(sql, &call, &removed);
	sweep->more = true;
	if (status != STORE_OK || removed == SWEEP_CHUNKS)
		return status;
	sql_call(sql, STATEMENT_BLOB_DELETE, &call);
	sql_put_u64(&call, blob_id);
	return sql_run(sql, &call, NULL);
}

static bool doomed_blobs(struct sql *sql)
{
	struct sql_call call;
	bool found;

	sql_call(sql, STATEMENT_BLOB_DOOMED, &call);
	found = sql_step(&call);
	return sql_end(&call) == STORE_OK && found;
}

static bool stopping(void *arg)
{
	struct store *store = arg;
	bool stop;

	pthread_mutex_lock(&store->lock);
	stop = store->stopping;
	pthread_mutex_unlock(&store->lock);
	return stop;
}

static void sweep_doomed(struct store *store, struct sql *sql)
{
	struct sweep sweep = {.job = {.apply = sweep_apply}, .more = doomed_blobs(sql)};

	while (sweep.more && !stopping(store))
		if (store_run(store, &sweep.job) != STORE_OK)
			return; /* the next turn tries again */
}

/* ---- integrity ----------------------------------------------------------------------------------------------------
 */

static void check_integrity(struct store *store, struct sql *sql)
{
	struct sql_call call;
	bool good = true;

	sql_set_interrupt(sql, stopping, store);
	sql_call(sql, STATEMENT_QUICK_CHECK, &call);
	while (sql_step(&call)) {
		struct store_bytes line = sql_get_bytes(&call);

		good = good && line.size == 2 && memcmp(line.data, "ok", 2) == 0;
	}
	/* Interrupted by the end is BUSY, and no finding. */
	if (sql_end(&call) == STORE_CORRUPT)
		good = false;
	sql_set_interrupt(sql, NULL, NULL);
	if (good)
		return;
	atomic_store(&store->healthy, false);
	store_notice(store, "the integrity check found the database damaged: restore a backup, or run coffer check");
}

static bool take_care(struct store *store)
{
	bool wanted;

	pthread_mutex_lock(&store->lock);
	wanted = store->care_wanted;
	store->care_wanted = false;
	pthread_mutex_unlock(&store->lock);
	return wanted;
}

static void turn(struct store *store, struct sql *sql, unsigned number)
{
	watch_disk(store);
	if (take_care(store) && sql_checkpoint(sql, SQL_PASSIVE) == STORE_CORRUPT)
		store_notice(store, "a checkpoint found the database damaged");
	sweep_doomed(store, sql);
	if (number == CHECK_AFTER_TURNS)
		check_integrity(store, sql);
}

void *maintenance_main(void *arg)
{
	struct store *store = arg;
	struct sql *sql = NULL;

	/* On Linux a niceness belongs to a thread. The check of a large file must not be felt by those who wait. */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS);
	for (unsigned number = 0;; number += number <= CHECK_AFTER_TURNS) {
		struct timespec until;

		if (!sql && sql_open(store->path, SQL_WRITE, &sql) != STORE_OK)
			sql = NULL;
		if (sql)
			turn(store, sql, number);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_mutex_lock(&store->lock);
		if (!store->stopping && !(sql && store->care_wanted))
			pthread_cond_timedwait(&store->care, &store->lock, &until);
		pthread_mutex_unlock(&store->lock);
		if (stopping(store))
			break;
	}
	sql_close(sql);
	return NULL;
}
