/*
 * The committing thread, as its callers see it. fsync(2) and fdatasync(2) are this program's own, and stand before the
 * C library's for SQLite too: so a COMMIT can be made to fail.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/support/fixture.h"

static atomic_int syncs, syncs_to_fail;

static int sync_by(long number, int fd)
{
	syncs++;
	if (syncs_to_fail > 0) {
		syncs_to_fail--;
		errno = EIO;
		return -1;
	}
	return (int)syscall(number, fd);
}

int fsync(int fd)
{
	return sync_by(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_by(SYS_fdatasync, fd);
}

enum { JOBS = 50, CHUNK = 65552 };

static char dir[64], path[96];
static struct store *store;
static atomic_int flushes, notices;

static void on_flush(void *arg)
{
	(void)arg;
	flushes++;
}

static void on_notice(void *arg, const char *line)
{
	(void)arg;
	cr_assert_gt(strlen(line), 0);
	notices++;
}

/* What was told of the last transaction, and of how many. */
static struct store_commit last_commit;
static atomic_int commits, failed_commits;

static void on_committed(void *arg, const struct store_commit *commit)
{
	cr_assert_eq(arg, &commits);
	last_commit = *commit;
	commits += commit->good;
	failed_commits += !commit->good;
}

static void open_store(unsigned commit_delay_us)
{
	const struct store_options options = {.path = path,
					      .commit_delay_us = commit_delay_us,
					      .queue_depth = 2 * JOBS,
					      .stage_bytes = 100000,
					      .flush = on_flush,
					      .notice = on_notice,
					      .committed = on_committed,
					      .committed_arg = &commits};

	cr_assert_eq(store_open(&options, &store), STORE_OK);
}

static void setup(void)
{
	fixture_directory(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/coffer.db", dir);
	open_store(0);
}

static void teardown(void)
{
	store_close(store);
	fixture_remove(dir);
}

TestSuite(committer, .init = setup, .fini = teardown, .timeout = 30);

static void wait_for(atomic_int *value, int wanted)
{
	while (*value < wanted)
		usleep(200);
}

/* Holds the committer in its apply() until told, so that what comes behind it makes one batch. */
struct gate {
	struct store_job job; /* first */
	atomic_int entered, open, done;
};

static enum store_status gate_apply(struct store_job *job, struct store_txn *txn)
{
	struct gate *gate = (struct gate *)job;

	(void)txn;
	gate->entered = 1;
	wait_for(&gate->open, 1);
	return STORE_OK;
}

static void gate_done(struct store_job *job, enum store_status outcome)
{
	(void)outcome;
	((struct gate *)job)->done = 1;
}

static void gate_close(struct gate *gate)
{
	*gate = (struct gate){.job = {.apply = gate_apply, .done = gate_done}};
	cr_assert_eq(store_submit(store, &gate->job), STORE_OK);
	wait_for(&gate->entered, 1);
}

struct put {
	struct store_job job; /* first */
	char name[16];
	int applied, settled, committed;
	atomic_int done;
	enum store_status outcome;
	int settled_at_done; /* of all jobs */
};

static atomic_int settled_in_all;

static enum store_status put_apply(struct store_job *job, struct store_txn *txn)
{
	struct put *put = (struct put *)job;

	put->applied++;
	return store_setting_put(txn, put->name, "x", 1);
}

static void put_settled(struct store_job *job, bool committed)
{
	struct put *put = (struct put *)job;

	put->settled++;
	put->committed += committed;
	settled_in_all++;
}

static void put_done(struct store_job *job, enum store_status outcome)
{
	struct put *put = (struct put *)job;

	put->outcome = outcome;
	put->settled_at_done = settled_in_all;
	put->done++;
}

static struct put put_named(int number)
{
	struct put put = {.job = {.apply = put_apply, .settled = put_settled, .done = put_done}};

	snprintf(put.name, sizeof(put.name), "n%d", number);
	return put;
}

static bool has(const char *name)
{
	struct store_view *view = NULL;
	char value[8];
	size_t size = 0;

	cr_assert_eq(store_view_new(store, &view), STORE_OK);
	const enum store_status status = store_setting_get(view, name, value, sizeof(value), &size);
	store_view_free(view);
	cr_assert(status == STORE_OK || status == STORE_NOT_FOUND);
	return status == STORE_OK;
}

Test(committer, many_callers_share_one_commit)
{
	static struct put puts[JOBS];
	struct gate gate;

	gate_close(&gate);
	for (int i = 0; i < JOBS; i++) {
		puts[i] = put_named(i);
		cr_assert_eq(store_submit(store, &puts[i].job), STORE_OK);
	}
	const int syncs_before = syncs;
	gate.open = 1;
	for (int i = 0; i < JOBS; i++)
		wait_for(&puts[i].done, 1);
	wait_for(&flushes, 2); /* the gate's batch and this */
	cr_expect_eq(flushes, 2);
	cr_expect_leq(syncs - syncs_before, 4, "%d syncs for %d jobs", syncs - syncs_before, JOBS);
	cr_expect(commits == 2 && failed_commits == 0 && last_commit.good);
	cr_expect_eq(last_commit.jobs, JOBS);
	cr_expect(last_commit.microseconds > 0 && last_commit.microseconds < 30000000);
	for (int i = 0; i < JOBS; i++) {
		cr_expect_eq(puts[i].outcome, STORE_OK);
		cr_expect(puts[i].applied == 1 && puts[i].settled == 1 && puts[i].committed == 1 && puts[i].done == 1);
		cr_expect_eq(puts[i].settled_at_done, JOBS, "every job is settled before any is answered");
		cr_expect(has(puts[i].name));
	}
}

Test(committer, a_failed_commit_is_of_unknown_outcome_and_the_store_goes_on)
{
	static struct put puts[5];
	struct put later = put_named(99);
	struct gate gate;

	cr_assert_eq(store_run(store, &later.job), STORE_OK, "the log exists, its header is synced");
	gate_close(&gate);
	for (int i = 0; i < 5; i++) {
		puts[i] = put_named(i);
		cr_assert_eq(store_submit(store, &puts[i].job), STORE_OK);
	}
	/* The gate's own transaction wrote nothing, so the next sync is that of these five. */
	syncs_to_fail = 1;
	gate.open = 1;
	for (int i = 0; i < 5; i++)
		wait_for(&puts[i].done, 1);
	cr_assert_eq(syncs_to_fail, 0);
	for (int i = 0; i < 5; i++) {
		cr_expect_eq(puts[i].outcome, STORE_UNKNOWN, "%s", store_status_text(puts[i].outcome));
		cr_expect_eq(puts[i].committed, 0);
		cr_expect_geq(puts[i].settled, 1);
		cr_expect_eq(puts[i].done, 1);
	}
	cr_expect_gt(notices, 0, "the operator is told");
	cr_expect(failed_commits == 1 && !last_commit.good && last_commit.jobs == 5);
	later = put_named(100);
	cr_assert_eq(store_run(store, &later.job), STORE_OK);
	cr_expect(store_healthy(store));
	cr_expect(has("n100"));
	cr_expect(has("n99"));
	for (int i = 1; i < 5; i++)
		cr_expect_eq(has(puts[i].name), has(puts[0].name), "all of the batch or nothing");
}

Test(committer, what_was_committed_before_a_failed_commit_survives_reopening)
{
	struct put first = put_named(1), lost = put_named(2), last = put_named(3);

	cr_assert_eq(store_run(store, &first.job), STORE_OK);
	syncs_to_fail = 1;
	cr_assert_eq(store_run(store, &lost.job), STORE_UNKNOWN);
	cr_assert_eq(store_run(store, &last.job), STORE_OK);
	store_close(store);
	store = fixture_store(path);
	cr_expect(has("n1"));
	cr_expect(has("n3"));
}

/* ---- staging ---- */

static atomic_int woken;

static void wake(void *arg)
{
	cr_assert_eq(arg, &woken);
	woken++;
}

Test(committer, a_full_stage_is_woken_once_there_is_room)
{
	static uint8_t bytes[CHUNK];
	struct store_stage *stage = NULL;
	struct gate gate;
	uint64_t number = 0;

	cr_assert_eq(store_stage_new(store, wake, &woken, &stage), STORE_OK);
	gate_close(&gate);
	while (store_stage_put(stage, number, bytes, sizeof(bytes)) == STORE_STAGE_OK)
		cr_assert_lt(++number, 10, "more was taken than stage_bytes allow");
	cr_assert_eq(number, 1, "an empty queue takes a chunk, this one no second");
	cr_assert_eq(store_stage_put(stage, number, bytes, sizeof(bytes)), STORE_STAGE_FULL, "asking again");
	cr_assert_eq(woken, 0, "there is no room yet");
	gate.open = 1;
	wait_for(&woken, 1);
	cr_assert_eq(store_stage_put(stage, number, bytes, sizeof(bytes)), STORE_STAGE_OK);
	struct put put = put_named(1);
	cr_assert_eq(store_run(store, &put.job), STORE_OK);
	cr_assert_eq(woken, 1, "once");
	store_stage_free(stage);
}

Test(committer, a_stage_that_was_let_go_is_not_woken)
{
	static uint8_t bytes[CHUNK];
	struct store_stage *stage = NULL;
	struct gate gate;
	struct put put = put_named(1);

	cr_assert_eq(store_stage_new(store, wake, &woken, &stage), STORE_OK);
	gate_close(&gate);
	cr_assert_eq(store_stage_put(stage, 0, bytes, sizeof(bytes)), STORE_STAGE_OK);
	cr_assert_eq(store_stage_put(stage, 1, bytes, sizeof(bytes)), STORE_STAGE_FULL);
	store_stage_free(stage);
	gate.open = 1;
	cr_assert_eq(store_run(store, &put.job), STORE_OK);
	cr_assert_eq(store_run(store, &put.job), STORE_OK);
	cr_assert_eq(woken, 0);
}

Test(committer, a_stage_whose_chunk_was_not_written_fails_from_then_on)
{
	static uint8_t bytes[CHUNK];
	struct store_stage *stage = NULL;
	struct put put = put_named(1);

	cr_assert_eq(store_run(store, &put.job), STORE_OK);
	cr_assert_eq(store_stage_new(store, wake, &woken, &stage), STORE_OK);
	syncs_to_fail = 1;
	cr_assert_eq(store_stage_put(stage, 0, bytes, sizeof(bytes)), STORE_STAGE_OK);
	while (store_stage_failure(stage) == STORE_OK)
		usleep(200);
	cr_assert_eq(store_stage_put(stage, 1, bytes, sizeof(bytes)), STORE_STAGE_FAILED);
	store_stage_free(stage);
}

/* More than the suite's timeout: whoever waited for it would fail. */
enum { MINUTE_US = 60000000, GATHERED = 24 };

/* One commit of several, behind which the next waits for company. */
static void commit_several(void)
{
	static struct put puts[8];
	struct gate gate;

	gate_close(&gate);
	for (int i = 0; i < 8; i++) {
		puts[i] = put_named(i);
		cr_assert_eq(store_submit(store, &puts[i].job), STORE_OK);
	}
	gate.open = 1;
	for (int i = 0; i < 8; i++)
		wait_for(&puts[i].done, 1);
}

Test(committer, one_that_waits_for_company_does_not_when_enough_has_come)
{
	static struct put puts[GATHERED];

	store_close(store);
	open_store(MINUTE_US);
	commit_several();
	for (int i = 0; i < GATHERED; i++) {
		puts[i] = put_named(i);
		cr_assert_eq(store_submit(store, &puts[i].job), STORE_OK);
	}
	for (int i = 0; i < GATHERED; i++)
		wait_for(&puts[i].done, 1);
	cr_expect_eq(last_commit.jobs, GATHERED);
}

Test(committer, one_that_waits_for_company_ends_with_the_store)
{
	static struct put alone;

	store_close(store);
	open_store(MINUTE_US);
	commit_several();
	alone = put_named(1);
	cr_assert_eq(store_submit(store, &alone.job), STORE_OK);
	store_close(store);
	cr_expect(alone.done == 1 && alone.outcome == STORE_OK);
	open_store(0);
}
