/*
 * The committer: the one thread that writes. It takes what waits, writes the staged chunks, runs every job's apply() in
 * one transaction, commits once, and answers all. When anything fails unexpectedly the batch is rolled back and each
 * job runs again, alone.
 */
#include <stdlib.h>
#include <time.h>

#include "db/internal.h"

enum { WAL_CARE_BYTES = 8 << 20, WAL_RESTART_BYTES = 64 << 20 };
/* So many jobs in one commit mean that others are on their way. */
enum { SIBLINGS = 4 };

struct batch {
	struct store_job *jobs;
	struct staged_chunk *chunks;
	struct store_stage *abandoned;
	bool truncate;
	size_t job_count;
};

/* ---- transactions ----------------------------------------------------------------------------------------------- */

uint64_t store_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void tell(const struct store *store, size_t jobs, uint64_t begun_us, bool good)
{
	const struct store_commit commit = {.jobs = jobs, .microseconds = store_now_us() - begun_us, .good = good};

	if (store->options.committed)
		store->options.committed(store->options.committed_arg, &commit);
}

static enum store_status begin(struct store *store)
{
	if (!store->txn.view.sql) {
		enum store_status status = sql_open(store->path, SQL_WRITE, &store->txn.view.sql);

		if (status != STORE_OK)
			return status;
		atomic_store(&store->healthy, true);
		store_notice(store, "the database has been opened again");
	}
	store->txn.rows_before = sql_rows_written(store->txn.view.sql);
	store->txn.log_rows = 0;
	return sql_do(store->txn.view.sql, STATEMENT_BEGIN_IMMEDIATE);
}

static void rollback(struct store *store)
{
	if (sql_in_transaction(store->txn.view.sql) && sql_exec(store->txn.view.sql, "ROLLBACK") != STORE_OK) {
		sql_close(store->txn.view.sql);
		store->txn.view.sql = NULL;
	}
}

/* STORE_UNKNOWN when the last frame may or may not have reached the disk: the connection is not used again. */
static enum store_status commit(struct store *store)
{
	/* Around what others may see at any moment of it. */
	const bool changes = sql_rows_written(store->txn.view.sql) - store->txn.rows_before != store->txn.log_rows;
	enum store_status status;

	atomic_fetch_add(&store->changes, changes);
	status = sql_do(store->txn.view.sql, STATEMENT_COMMIT);
	atomic_fetch_add(&store->changes, changes);
	if (status == STORE_OK)
		return STORE_OK;
	store_notice(store, "a COMMIT failed; the database is being reopened");
	sql_close(store->txn.view.sql);
	store->txn.view.sql = NULL;
	atomic_store(&store->healthy, false);
	return STORE_UNKNOWN;
}

/* Ends the transaction that begin() opened. */
static enum store_status end(struct store *store, enum store_status status)
{
	if (status == STORE_OK)
		return commit(store);
	rollback(store);
	return status;
}

/* What store_moved() looks at. */
static void step(struct store *store)
{
	atomic_fetch_add_explicit(&store->steps, 1, memory_order_relaxed);
}

/* ---- chunks ----------------------------------------------------------------------------------------------------- */

static enum store_status write_chunk(struct sql *sql, const struct staged_chunk *chunk)
{
	struct sql_call call;
	enum store_status status = STORE_OK;

	if (chunk->number == 0) {
		sql_call(sql, STATEMENT_BLOB_STAGE, &call);
		sql_put_u64(&call, chunk->stage->blob_id);
		status = sql_run(sql, &call, NULL);
	}
	if (status != STORE_OK)
		return status;
	sql_call(sql, STATEMENT_CHUNK_INSERT, &call);
	sql_put_u64(&call, chunk->stage->blob_id);
	sql_put_u64(&call, chunk->number);
	sql_put_blob(&call, chunk->bytes, chunk->size);
	return sql_run(sql, &call, NULL);
}

/* After a failure nothing of a stage is written any more: a chunk without its blob's row would be nobody's. */
static enum store_status write_chunks(struct store *store, const struct batch *batch)
{
	enum store_status status = STORE_OK;

	for (const struct staged_chunk *c = batch->chunks; c && status == STORE_OK; c = c->next) {
		step(store);
		if (store_stage_failure(c->stage) == STORE_OK)
			status = write_chunk(store->txn.view.sql, c);
	}
	return status;
}

static enum store_status doom_abandoned(struct store *store, const struct batch *batch)
{
	enum store_status status = STORE_OK;

	for (const struct store_stage *s = batch->abandoned; s && status == STORE_OK; s = s->next_waiting) {
		struct sql_call call;

		sql_call(store->txn.view.sql, STATEMENT_BLOB_DOOM_STAGED, &call);
		sql_put_u64(&call, s->blob_id);
		status = sql_run(store->txn.view.sql, &call, NULL);
	}
	return status;
}

static void release_stage(struct store_stage *stage)
{
	if (--stage->references == 0)
		free(stage);
}

/* Calls those who wait for room. Under the lock: an owner that lets go of its stage waits until its wake() has
 * returned. */
static void wake_waiting(struct store *store)
{
	struct store_stage *woken = store->waiting;

	store->waiting = NULL;
	for (struct store_stage *s = woken; s; s = s->next_waiting)
		s->waiting = false;
	while (woken) {
		struct store_stage *stage = woken;

		woken = stage->next_waiting;
		stage->next_waiting = NULL;
		if (!stage->abandoned)
			stage->wake(stage->arg);
		release_stage(stage);
	}
}

/* Gives back the chunks and the stages that were let go of. Blobs that could not be doomed wait for the next batch. */
static void finish_chunks(struct store *store, struct batch *batch, bool doomed)
{
	pthread_mutex_lock(&store->lock);
	while (batch->chunks) {
		struct staged_chunk *chunk = batch->chunks;

		batch->chunks = chunk->next;
		release_stage(chunk->stage);
		free(chunk);
	}
	while (batch->abandoned) {
		struct store_stage *stage = batch->abandoned;

		batch->abandoned = stage->next_waiting;
		if (doomed) {
			release_stage(stage);
		} else {
			stage->next_waiting = store->undoomed;
			store->undoomed = stage;
		}
	}
	wake_waiting(store);
	pthread_mutex_unlock(&store->lock);
}

static void fail_chunks(struct store *store, struct batch *batch, enum store_status status)
{
	for (const struct staged_chunk *c = batch->chunks; c; c = c->next)
		stage_fail(c->stage, status);
	finish_chunks(store, batch, false);
}

/* ---- jobs ------------------------------------------------------------------------------------------------------- */

static void answer(struct store_job *job, enum store_status outcome)
{
	job->next = NULL;
	job->done(job, outcome);
}

static void settle(struct store_job *first, const struct store_job *end, bool committed)
{
	for (struct store_job *job = first; job != end; job = job->next)
		if (job->settled)
			job->settled(job, committed);
}

static void answer_all(struct store_job *jobs, enum store_status outcome)
{
	while (jobs) {
		struct store_job *next = jobs->next;

		answer(jobs, outcome);
		jobs = next;
	}
}

static enum store_status run_alone(struct store *store, struct store_job *job)
{
	const uint64_t begun = store_now_us();
	enum store_status status = begin(store);

	step(store);
	if (status != STORE_OK) {
		tell(store, 1, begun, false);
		return status;
	}
	status = end(store, job->apply(job, &store->txn));
	tell(store, 1, begun, status == STORE_OK);
	if (job->settled)
		job->settled(job, status == STORE_OK);
	return status;
}

/* After a failure: each chunk in a transaction of its own, then what is to be doomed, then each job. */
static void run_apart(struct store *store, struct batch *batch)
{
	enum store_status status;

	for (const struct staged_chunk *c = batch->chunks; c; c = c->next) {
		step(store);
		if (store_stage_failure(c->stage) != STORE_OK)
			continue;
		status = begin(store);
		if (status == STORE_OK)
			status = end(store, write_chunk(store->txn.view.sql, c));
		if (status != STORE_OK)
			stage_fail(c->stage, status);
	}
	status = batch->abandoned ? begin(store) : STORE_OK;
	if (status == STORE_OK && batch->abandoned)
		status = end(store, doom_abandoned(store, batch));
	finish_chunks(store, batch, status == STORE_OK);
	while (batch->jobs) {
		struct store_job *job = batch->jobs;

		batch->jobs = job->next;
		answer(job, run_alone(store, job));
	}
}

static void run_batch(struct store *store, struct batch *batch)
{
	const uint64_t begun = store_now_us();
	struct store_job *failed = NULL;
	enum store_status status = begin(store);

	if (status != STORE_OK) {
		tell(store, batch->job_count, begun, false);
		fail_chunks(store, batch, status);
		answer_all(batch->jobs, status);
		return;
	}
	status = write_chunks(store, batch);
	if (status == STORE_OK)
		status = doom_abandoned(store, batch);
	for (struct store_job *job = batch->jobs; job && status == STORE_OK; job = job->next) {
		step(store);
		status = job->apply(job, &store->txn);
		failed = job->next;
	}
	if (status != STORE_OK) {
		rollback(store);
		tell(store, batch->job_count, begun, false);
		settle(batch->jobs, failed, false);
		run_apart(store, batch);
		return;
	}
	status = commit(store);
	tell(store, batch->job_count, begun, status == STORE_OK);
	settle(batch->jobs, NULL, status == STORE_OK);
	if (status == STORE_OK)
		finish_chunks(store, batch, true);
	else
		fail_chunks(store, batch, status);
	answer_all(batch->jobs, status);
}

/* ---- the thread ------------------------------------------------------------------------------------------------- */

/* `wait_us` from now, for pthread_cond_timedwait(). */
static struct timespec time_after(uint64_t wait_us)
{
	const uint64_t at = store_now_us() + wait_us;

	return (struct timespec){.tv_sec = (time_t)(at / 1000000), .tv_nsec = (long)(at % 1000000 * 1000)};
}

/*
 * Whoever was not alone a moment ago has company on the way: one commit for more of them costs each less. But when
 * enough are there, the rest had better be served while these are committed than wait for the same moment.
 */
static void gather(struct store *store, const struct batch *before)
{
	struct timespec until;

	if (before->job_count < SIBLINGS || store->options.commit_delay_us == 0)
		return;
	until = time_after(store->options.commit_delay_us);
	pthread_mutex_lock(&store->lock);
	store->gathering = true;
	while (store->job_count < STORE_GATHERED && !store->stopping &&
	       pthread_cond_timedwait(&store->work, &store->lock, &until) == 0)
		continue;
	store->gathering = false;
	pthread_mutex_unlock(&store->lock);
}

/* Until there is work, or the store is stopping. Under the lock. */
static void wait_for_work(struct store *store)
{
	while (!store->jobs && !store->chunks && !store->abandoned && !store->truncate_wanted && !store->stopping) {
		const struct timespec until = time_after(STORE_PULSE_MS * 1000);

		step(store);
		pthread_cond_timedwait(&store->work, &store->lock, &until);
	}
}

/* False when the store is stopping and nothing is left. */
static bool take(struct store *store, struct batch *ret_batch)
{
	pthread_mutex_lock(&store->lock);
	wait_for_work(store);
	step(store);
	for (struct store_stage *stage; (stage = store->undoomed);) {
		store->undoomed = stage->next_waiting;
		stage->next_waiting = store->abandoned;
		store->abandoned = stage;
	}
	*ret_batch =
		(struct batch){store->jobs, store->chunks, store->abandoned, store->truncate_wanted, store->job_count};
	store->jobs = NULL;
	store->jobs_end = &store->jobs;
	store->job_count = 0;
	store->chunks = NULL;
	store->chunks_end = &store->chunks;
	store->chunk_bytes = 0;
	store->abandoned = NULL;
	store->truncate_wanted = false;
	store->truncate_running = ret_batch->truncate;
	pthread_mutex_unlock(&store->lock);
	return ret_batch->jobs || ret_batch->chunks || ret_batch->abandoned || ret_batch->truncate;
}

static void truncate_wal(struct store *store)
{
	enum store_status status = store->txn.view.sql ? sql_checkpoint(store->txn.view.sql, SQL_TRUNCATE) : STORE_IO;

	pthread_mutex_lock(&store->lock);
	store->truncate_result = status;
	store->truncate_running = false;
	store->truncate_count++;
	pthread_cond_broadcast(&store->settled);
	pthread_mutex_unlock(&store->lock);
}

/* Of the maintenance thread: a checkpoint beside the writes, so that little is left for one that they wait for. */
static void want_care(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	store->care_wanted = true;
	pthread_cond_signal(&store->care);
	pthread_mutex_unlock(&store->lock);
}

static void mind_wal(struct store *store)
{
	const size_t bytes = store->txn.view.sql ? sql_wal_bytes(store->txn.view.sql) : 0;

	if (bytes < store->kept_bytes || bytes < store->cared_bytes)
		store->kept_bytes = store->cared_bytes = 0; /* it has been restarted */
	if (bytes > store->kept_bytes + WAL_RESTART_BYTES) {
		/* PASSIVE checkpoints never catch up with continuous writes. BUSY: a reader; were the next batch to try
		 * again, every write would wait for as long as that reader stays. */
		enum store_status status = sql_checkpoint(store->txn.view.sql, SQL_RESTART);

		store->kept_bytes = status == STORE_BUSY ? bytes : 0;
		if (status != STORE_OK && status != STORE_BUSY)
			store_notice(store, "a checkpoint failed");
	} else if (bytes > store->cared_bytes + WAL_CARE_BYTES) {
		store->cared_bytes = bytes;
		want_care(store);
	}
}

void *committer_main(void *arg)
{
	struct store *store = arg;
	struct batch batch = {.job_count = 0};

	(void)pthread_setname_np(pthread_self(), "committer"); /* a name is a convenience */
	for (;;) {
		gather(store, &batch);
		if (!take(store, &batch))
			return NULL;
		if (batch.jobs || batch.chunks || batch.abandoned) {
			run_batch(store, &batch);
			if (store->options.flush)
				store->options.flush(store->options.arg);
		}
		if (batch.truncate)
			truncate_wal(store);
		mind_wal(store);
	}
}
