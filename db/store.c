#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "db/internal.h"
#include "db/schema.h"

void store_notice(struct store *store, const char *line)
{
	if (store->options.notice)
		store->options.notice(store->options.arg, line);
}

/* flock(2): it goes with the process, and it also keeps a second store of the same process out. */
static enum store_status take_lock(struct store *store)
{
	char *name = NULL;

	if (asprintf(&name, "%s.lock", store->path) < 0)
		return STORE_NOMEM;
	store->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(name);
	if (store->lock_fd < 0)
		return STORE_IO;
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? STORE_LOCKED : STORE_IO;
	return STORE_OK;
}

/* Blobs that an earlier process staged and never linked are nobody's. */
static enum store_status doom_leftovers(struct store *store)
{
	struct sql *sql = store->txn.view.sql;
	struct sql_call call;
	enum store_status status;

	sql_call(sql, STATEMENT_BLOB_DOOM_ALL_STAGED, &call);
	status = sql_run(sql, &call, NULL);
	if (status != STORE_OK)
		return status;
	sql_call(sql, STATEMENT_BLOB_LAST, &call);
	if (sql_step(&call))
		store->next_blob = sql_get_u64(&call) + 1;
	return sql_end(&call);
}

/* The committer waits for so long at most, whatever is done to the clock on the wall. */
static void init_work(pthread_cond_t *work)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(work, &attributes);
	pthread_condattr_destroy(&attributes);
}

static struct store *store_alloc(const char *path)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	store->lock_fd = -1;
	store->jobs_end = &store->jobs;
	store->chunks_end = &store->chunks;
	store->path = strdup(path);
	pthread_mutex_init(&store->lock, NULL);
	init_work(&store->work);
	pthread_cond_init(&store->settled, NULL);
	pthread_cond_init(&store->care, NULL);
	atomic_store(&store->healthy, true);
	if (!store->path) {
		store_close(store);
		return NULL;
	}
	return store;
}

static enum store_status bring_up_to_date(struct store *store)
{
	struct sql *const sql = store->txn.view.sql;
	const bool older = schema_check(sql) == STORE_OLDER;
	enum store_status status;

	if (older)
		store_notice(store, "the database is of an earlier release and is being brought up to date: "
				    "every record may be copied within it");
	status = schema_migrate(sql);
	/* All of it is in the write-ahead log, and the first to write would have to wait until it is copied. */
	if (older && status == STORE_OK && sql_checkpoint(sql, SQL_TRUNCATE) != STORE_OK)
		store_notice(store, "the checkpoint after it did not finish; a later one does");
	return status;
}

enum store_status store_open(const struct store_options *options, struct store **ret_store)
{
	struct store *store = store_alloc(options->path);
	enum store_status status;

	if (!store)
		return STORE_NOMEM;
	store->options = *options;
	status = take_lock(store);
	if (status == STORE_OK)
		status = sql_open(store->path, SQL_WRITE, &store->txn.view.sql);
	if (status == STORE_OK)
		status = bring_up_to_date(store);
	if (status == STORE_OK)
		status = doom_leftovers(store);
	if (status == STORE_OK) {
		store->committer_runs = pthread_create(&store->committer, NULL, committer_main, store) == 0;
		store->maintenance_runs = store->committer_runs &&
					  pthread_create(&store->maintenance, NULL, maintenance_main, store) == 0;
		if (!store->maintenance_runs)
			status = STORE_NOMEM;
	}
	if (status != STORE_OK) {
		store_close(store);
		return status;
	}
	*ret_store = store;
	return STORE_OK;
}

enum store_status store_open_readonly(const char *path, struct store **ret_store)
{
	struct store *store = store_alloc(path);
	enum store_status status;

	if (!store)
		return STORE_NOMEM;
	store->read_only = true;
	status = sql_open(path, SQL_READ, &store->txn.view.sql);
	if (status == STORE_OK)
		status = schema_check(store->txn.view.sql);
	if (status != STORE_OK) {
		store_close(store);
		return status;
	}
	*ret_store = store;
	return STORE_OK;
}

static void stop_threads(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	store->stopping = true;
	pthread_cond_broadcast(&store->work);
	pthread_cond_broadcast(&store->care);
	pthread_mutex_unlock(&store->lock);
	if (store->maintenance_runs)
		pthread_join(store->maintenance, NULL);
	if (store->committer_runs)
		pthread_join(store->committer, NULL);
	/* The next start dooms what could not be doomed. */
	for (struct store_stage *stage; (stage = store->undoomed);) {
		store->undoomed = stage->next_waiting;
		free(stage);
	}
}

void store_close(struct store *store)
{
	if (!store)
		return;
	stop_threads(store);
	if (store->committer_runs && store->txn.view.sql &&
	    sql_checkpoint(store->txn.view.sql, SQL_TRUNCATE) != STORE_OK)
		store_notice(store, "the last checkpoint did not finish; the next start does it");
	sql_close(store->txn.view.sql);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	pthread_mutex_destroy(&store->lock);
	pthread_cond_destroy(&store->work);
	pthread_cond_destroy(&store->settled);
	pthread_cond_destroy(&store->care);
	free(store->path);
	free(store);
}

enum store_space store_space(const struct store *store)
{
	return (enum store_space)atomic_load(&store->space);
}

bool store_healthy(const struct store *store)
{
	return atomic_load(&store->healthy);
}

bool store_moved(struct store *store)
{
	const unsigned long steps = atomic_load(&store->steps);
	const bool moved = steps != store->steps_seen;

	store->steps_seen = steps;
	return moved;
}

/* ---- jobs ------------------------------------------------------------------------------------------------------- */

static enum store_status queue_job(struct store *store, struct store_job *job, bool bounded)
{
	enum store_status status = STORE_OK;

	pthread_mutex_lock(&store->lock);
	if (store->stopping || store->read_only) {
		status = STORE_STOPPED;
	} else if (bounded && store->job_count >= store->options.queue_depth) {
		status = STORE_BUSY;
	} else {
		job->next = NULL;
		*store->jobs_end = job;
		store->jobs_end = &job->next;
		store->job_count++;
		if (!store->gathering || store->job_count == STORE_GATHERED)
			pthread_cond_signal(&store->work);
	}
	pthread_mutex_unlock(&store->lock);
	return status;
}

enum store_status store_submit(struct store *store, struct store_job *job)
{
	return queue_job(store, job, true);
}

/* Stands in the queue for a job whose submitter waits. */
struct awaited {
	struct store_job job; /* first: the callbacks are handed a pointer to it */
	struct store_job *inner;
	struct store *store;
	enum store_status outcome;
	bool over;
};

static enum store_status awaited_apply(struct store_job *job, struct store_txn *txn)
{
	struct awaited *awaited = (struct awaited *)job;

	return awaited->inner->apply(awaited->inner, txn);
}

static void awaited_settled(struct store_job *job, bool committed)
{
	struct store_job *inner = ((struct awaited *)job)->inner;

	if (inner->settled)
		inner->settled(inner, committed);
}

static void awaited_done(struct store_job *job, enum store_status outcome)
{
	struct awaited *awaited = (struct awaited *)job;
	struct store *store = awaited->store;

	if (awaited->inner->done)
		awaited->inner->done(awaited->inner, outcome);
	pthread_mutex_lock(&store->lock);
	awaited->outcome = outcome;
	awaited->over = true;
	pthread_cond_broadcast(&store->settled);
	pthread_mutex_unlock(&store->lock);
}

enum store_status store_run(struct store *store, struct store_job *job)
{
	struct awaited awaited = {
		.job = {.apply = awaited_apply, .settled = awaited_settled, .done = awaited_done},
		.inner = job,
		.store = store,
	};
	enum store_status status = queue_job(store, &awaited.job, false);

	if (status != STORE_OK)
		return status;
	pthread_mutex_lock(&store->lock);
	while (!awaited.over)
		pthread_cond_wait(&store->settled, &store->lock);
	pthread_mutex_unlock(&store->lock);
	return awaited.outcome;
}

enum store_status store_checkpoint_truncate(struct store *store)
{
	enum store_status status = STORE_STOPPED;
	uint64_t wanted;

	pthread_mutex_lock(&store->lock);
	if (!store->stopping && !store->read_only) {
		/* One that runs already may have begun before this call. */
		wanted = store->truncate_count + (store->truncate_running ? 2 : 1);
		store->truncate_wanted = true;
		pthread_cond_signal(&store->work);
		while (store->truncate_count < wanted)
			pthread_cond_wait(&store->settled, &store->lock);
		status = store->truncate_result;
	}
	pthread_mutex_unlock(&store->lock);
	return status;
}
