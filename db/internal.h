/* What the files of db/ share. */
#ifndef COFFER_DB_INTERNAL_H
#define COFFER_DB_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "db/sql.h"
#include "db/store.h"

/* With so many jobs a commit's own cost is a small part of what each costs. */
enum { STORE_GATHERED = 24 };

struct store_view {
	struct sql *sql;
	const struct store *store; /* of views that linger */
	bool begun;
	uint64_t linger_us; /* 0: it does not */
	bool lingering;	    /* the snapshot is open, though it has been ended */
	uint64_t changes;   /* of the store, before the snapshot began */
	uint64_t since_us;
};

/* The committer's: its view is the writing connection. */
struct store_txn {
	struct store_view view;
	uint64_t rows_before; /* sql_rows_written() when the transaction began */
	uint64_t log_rows;    /* written since, to the audit log and its index */
};

/* A sealed chunk on its way. */
struct staged_chunk {
	struct staged_chunk *next;
	struct store_stage *stage;
	uint64_t number;
	size_t size;
	uint8_t bytes[];
};

/* Shared by its owner and its queued chunks, under the store's lock; the last to let go frees it. */
struct store_stage {
	struct store *store;
	uint64_t blob_id;
	void (*wake)(void *arg);
	void *arg;
	size_t references;
	bool waiting;	/* was told FULL, wants wake() */
	bool abandoned; /* its owner has let go */
	enum store_status failure;
	struct store_stage *next_waiting;
};

/*
 * Under `lock`: everything from `jobs` to `care_wanted`. Only the committer touches `txn` and the counts of pages, and
 * only who asks store_moved() `steps_seen`. Atomics stand alone. Invariant: chunks taken from the queue in one go are
 * written before the jobs taken with them, so that a blob is whole when the job that links it runs.
 */
struct store {
	struct store_options options;
	char *path;
	int lock_fd;
	bool read_only;
	struct store_txn txn;
	size_t kept_bytes;  /* of the log, when a reader kept it from being restarted; else 0 */
	size_t cared_bytes; /* of the log, when a checkpoint was last asked for */

	pthread_mutex_t lock;
	pthread_cond_t work;	/* for the committer */
	pthread_cond_t settled; /* for those who wait in store_run and store_checkpoint_truncate */
	pthread_cond_t care;	/* for the maintenance thread */
	struct store_job *jobs, **jobs_end;
	size_t job_count;
	bool gathering; /* the committer waits for STORE_GATHERED jobs, or for its time */
	struct staged_chunk *chunks, **chunks_end;
	size_t chunk_bytes;
	struct store_stage *waiting;
	struct store_stage *abandoned; /* by next_waiting: blobs to doom, stages to free */
	struct store_stage *undoomed;  /* by next_waiting: the same, after a failure; they wait for other work */
	uint64_t next_blob;
	bool stopping;
	bool truncate_wanted;
	bool truncate_running;
	uint64_t truncate_count;
	enum store_status truncate_result;
	bool care_wanted; /* a checkpoint by the maintenance thread */

	pthread_t committer, maintenance;
	bool committer_runs, maintenance_runs;
	_Atomic int space;
	_Atomic uint64_t free_bytes;
	_Atomic bool healthy;
	_Atomic uint64_t changes;    /* odd: a COMMIT is under way that changes more than the audit log */
	_Atomic unsigned long steps; /* of the committer, done or waited */
	unsigned long steps_seen;
};

/* Copies `bytes` to *at, moves *at behind them, and returns the copy: for rows with their bytes in one allocation. */
struct store_bytes row_copy_bytes(uint8_t **at, struct store_bytes bytes);

/*
 * A row and the one byte string it points to, in one allocation. `row` is the struct as read, `size` its size, `bytes`
 * its member; NULL when the call failed or memory ran out.
 */
void *row_copy(const struct sql_call *call, const void *row, size_t size, struct store_bytes bytes);
/* Ends a look-up of one row: `copy` is what row_copy() gave when there was one, and is freed on failure. */
enum store_status row_end(struct sql_call *call, bool found, void *copy);
/* Runs a statement that changes a row. STORE_NOT_FOUND when there is none. */
enum store_status row_change(struct store_txn *txn, struct sql_call *call);

/* Runs a statement that writes to the audit log, or to its index, and to nothing else. */
enum store_status txn_run_log(struct store_txn *txn, struct sql_call *call);

uint64_t store_now_us(void); /* CLOCK_MONOTONIC */

/* The first failure of a stage stands. Takes the store's lock. */
void stage_fail(struct store_stage *stage, enum store_status status);

void *committer_main(void *store);
void *maintenance_main(void *store);
void store_notice(struct store *store, const char *line);

#endif
