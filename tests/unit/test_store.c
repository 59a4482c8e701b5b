#include <criterion/criterion.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/unit/support/fixture.h"

static char dir[64], path[96];

static void setup(void)
{
	fixture_directory(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/coffer.db", dir);
}

static void teardown(void)
{
	fixture_remove(dir);
}

TestSuite(store, .init = setup, .fini = teardown);

/* A job that inserts one setting, or fails, or does both. */
struct put {
	struct store_job job;
	const char *name;
	enum store_status result;
	int applied, settled, committed;
};

static enum store_status put_apply(struct store_job *job, struct store_txn *txn)
{
	struct put *put = (struct put *)job;
	enum store_status status = store_setting_put(txn, put->name, put->name, strlen(put->name));

	put->applied++;
	return status == STORE_OK ? put->result : status;
}

static void put_settled(struct store_job *job, bool committed)
{
	struct put *put = (struct put *)job;

	put->settled++;
	put->committed += committed;
}

static bool has(struct store *store, const char *name)
{
	struct store_view *view;
	char value[64];
	size_t size;
	enum store_status status;

	cr_assert_eq(store_view_new(store, &view), STORE_OK);
	status = store_setting_get(view, name, value, sizeof(value), &size);
	store_view_free(view);
	return status == STORE_OK && size == strlen(name) && memcmp(value, name, size) == 0;
}

Test(store, what_was_committed_is_there_after_reopening)
{
	struct store *store = fixture_store(path);
	struct put put = {.job = {.apply = put_apply, .settled = put_settled}, .name = "kept"};

	cr_assert_eq(store_run(store, &put.job), STORE_OK);
	cr_assert_eq(put.committed, 1);
	store_close(store);
	store = fixture_store(path);
	cr_assert(has(store, "kept"));
	store_close(store);
}

Test(store, a_failing_job_undoes_itself_and_nothing_else)
{
	struct store *store = fixture_store(path);
	struct put good = {.job = {.apply = put_apply, .settled = put_settled}, .name = "good"};
	struct put bad = {.job = {.apply = put_apply, .settled = put_settled}, .name = "bad", .result = STORE_CONFLICT};

	cr_assert_eq(store_run(store, &bad.job), STORE_CONFLICT);
	cr_assert_eq(store_run(store, &good.job), STORE_OK);
	cr_assert_eq(bad.committed, 0);
	cr_assert_geq(bad.settled, 1);
	cr_assert_not(has(store, "bad"));
	cr_assert(has(store, "good"));
	store_close(store);
}

/* Holds the committer in its apply() until told, so that the jobs behind it make one batch. */
struct gate {
	struct store_job job;
	_Atomic int entered, open;
	int done;
};

static enum store_status gate_apply(struct store_job *job, struct store_txn *txn)
{
	struct gate *gate = (struct gate *)job;

	(void)txn;
	gate->entered = 1;
	while (!gate->open)
		usleep(200);
	return STORE_OK;
}

static void gate_done(struct store_job *job, enum store_status outcome)
{
	(void)outcome;
	((struct gate *)job)->done = 1;
}

static _Atomic int answers[8];

static void count_done(struct store_job *job, enum store_status outcome)
{
	(void)job;
	answers[outcome == STORE_OK ? 0 : 1]++;
}

Test(store, one_bad_job_in_a_batch_leaves_the_others_whole)
{
	struct store *store = fixture_store(path);
	struct gate gate = {.job = {.apply = gate_apply, .done = gate_done}};
	struct put puts[5];
	static const char *const NAMES[] = {"a", "b", "c", "d", "e"};

	cr_assert_eq(store_submit(store, &gate.job), STORE_OK);
	while (!gate.entered)
		usleep(200);
	for (int i = 0; i < 5; i++) {
		puts[i] = (struct put){.job = {.apply = put_apply, .settled = put_settled, .done = count_done},
				       .name = NAMES[i],
				       .result = i == 2 ? STORE_CONFLICT : STORE_OK};
		cr_assert_eq(store_submit(store, &puts[i].job), STORE_OK);
	}
	gate.open = 1;
	while (answers[0] + answers[1] < 5)
		usleep(200);
	cr_assert_eq(answers[0], 4);
	cr_assert_eq(answers[1], 1);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(has(store, NAMES[i]), i != 2, "%s", NAMES[i]);
	cr_assert_eq(puts[0].applied, 2, "rolled back with the batch, then run again");
	store_close(store);
}

Test(store, a_full_queue_is_busy)
{
	struct store_options options = {.path = path, .queue_depth = 2, .stage_bytes = 1 << 20};
	struct store *store;
	struct gate gate = {.job = {.apply = gate_apply, .done = gate_done}};
	struct put puts[3];

	cr_assert_eq(store_open(&options, &store), STORE_OK);
	cr_assert_eq(store_submit(store, &gate.job), STORE_OK);
	while (!gate.entered)
		usleep(200);
	for (int i = 0; i < 3; i++) {
		puts[i] = (struct put){.job = {.apply = put_apply, .done = count_done}, .name = "x"};
		cr_assert_eq(store_submit(store, &puts[i].job), i < 2 ? STORE_OK : STORE_BUSY);
	}
	gate.open = 1;
	store_close(store);
	cr_assert_eq(answers[0], 2, "closing finishes what is queued");
}

Test(store, a_second_opening_is_refused)
{
	struct store_options options = {.path = path, .queue_depth = 2, .stage_bytes = 1 << 20};
	struct store *store = fixture_store(path), *second = NULL;

	cr_assert_eq(store_open(&options, &second), STORE_LOCKED);
	store_close(store);
}

Test(store, a_file_that_is_no_database_is_refused)
{
	struct store_options options = {.path = path, .queue_depth = 2, .stage_bytes = 1 << 20};
	struct store *store = NULL;
	FILE *file = fopen(path, "w");

	for (int i = 0; i < 4096; i++)
		fputs("no database ", file);
	fclose(file);
	cr_assert_eq(store_open(&options, &store), STORE_CORRUPT);
}

/* ---- staging ---- */

static _Atomic int woken;

static void wake(void *arg)
{
	(void)arg;
	woken++;
}

struct link {
	struct store_job job;
	uint64_t blob_id, chunks;
};

static enum store_status link_apply(struct store_job *job, struct store_txn *txn)
{
	struct link *link = (struct link *)job;

	return store_blob_link(txn, link->blob_id, link->chunks);
}

static void put_chunk(struct store_stage *stage, uint64_t number, const uint8_t *bytes, size_t size)
{
	enum store_stage_result result;

	while ((result = store_stage_put(stage, number, bytes, size)) == STORE_STAGE_FULL) {
		while (!woken)
			usleep(200);
		woken = 0;
	}
	cr_assert_eq(result, STORE_STAGE_OK);
}

Test(store, staged_chunks_are_read_back_once_linked)
{
	enum { CHUNKS = 64, SIZE = 65552 };
	static uint8_t bytes[SIZE], back[SIZE];
	struct store *store = fixture_store(path);
	struct store_stage *stage;
	struct store_view *view;
	struct link link = {.job = {.apply = link_apply}, .chunks = CHUNKS};
	size_t size;

	cr_assert_eq(store_stage_new(store, wake, NULL, &stage), STORE_OK);
	for (uint64_t i = 0; i < CHUNKS; i++) {
		memset(bytes, (int)i, SIZE);
		put_chunk(stage, i, bytes, SIZE);
	}
	link.blob_id = store_stage_id(stage);
	cr_assert_eq(store_run(store, &link.job), STORE_OK);
	store_stage_free(stage);
	cr_assert_eq(store_view_new(store, &view), STORE_OK);
	for (uint64_t i = 0; i < CHUNKS; i++) {
		cr_assert_eq(store_chunk_get(view, link.blob_id, i, back, sizeof(back), &size), STORE_OK);
		cr_assert_eq(size, SIZE);
		cr_assert_eq(back[SIZE - 1], (uint8_t)i);
	}
	cr_assert_eq(store_chunk_get(view, link.blob_id, CHUNKS, back, sizeof(back), &size), STORE_NOT_FOUND);
	cr_assert_eq(store_chunk_get(view, link.blob_id, 0, back, SIZE - 1, &size), STORE_CORRUPT);
	store_view_free(view);
	store_close(store);
}

Test(store, a_blob_links_only_with_the_number_of_chunks_that_was_staged)
{
	static const uint8_t bytes[100];
	struct store *store = fixture_store(path);
	struct store_stage *stage;
	struct link link = {.job = {.apply = link_apply}, .chunks = 2};

	cr_assert_eq(store_stage_new(store, wake, NULL, &stage), STORE_OK);
	put_chunk(stage, 0, bytes, sizeof(bytes));
	link.blob_id = store_stage_id(stage);
	cr_assert_eq(store_run(store, &link.job), STORE_NOT_FOUND);
	link.chunks = 1;
	cr_assert_eq(store_run(store, &link.job), STORE_OK);
	store_stage_free(stage);
	store_close(store);
}

static bool chunk_there(struct store *store, uint64_t blob_id)
{
	uint8_t bytes[100];
	struct store_view *view;
	size_t size;
	enum store_status status;

	cr_assert_eq(store_view_new(store, &view), STORE_OK);
	status = store_chunk_get(view, blob_id, 0, bytes, sizeof(bytes), &size);
	store_view_free(view);
	return status == STORE_OK;
}

Test(store, what_was_never_linked_is_swept, .timeout = 30)
{
	static const uint8_t bytes[100];
	struct store *store = fixture_store(path);
	struct store_stage *stage;
	uint64_t blob_id;

	cr_assert_eq(store_stage_new(store, wake, NULL, &stage), STORE_OK);
	put_chunk(stage, 0, bytes, sizeof(bytes));
	blob_id = store_stage_id(stage);
	while (!chunk_there(store, blob_id))
		usleep(1000);
	store_stage_free(stage);
	while (chunk_there(store, blob_id))
		usleep(10000);
	store_close(store);
}

/* ---- a write that fails ------------------------------------------------------------------------------------------ */

static sem_t holding, go_on;

static void limit_files(rlim_t size)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void allow_files(void *arg, const char *line)
{
	(void)arg;
	(void)line;
	limit_files(RLIM_INFINITY);
}

static enum store_status hold_apply(struct store_job *job, struct store_txn *txn)
{
	(void)job;
	(void)txn;
	sem_post(&holding);
	sem_wait(&go_on);
	return STORE_OK;
}

/* Holds the committer, then lets no file grow, so that what is run apart cannot be committed. */
static enum store_status break_apply(struct store_job *job, struct store_txn *txn)
{
	static bool again;

	if (again)
		return STORE_OK;
	again = true;
	(void)hold_apply(job, txn);
	limit_files(1);
	return STORE_IO;
}

static void no_done(struct store_job *job, enum store_status outcome)
{
	(void)job;
	(void)outcome;
}

static void no_wake(void *arg)
{
	(void)arg;
}

Test(store, a_stage_whose_chunk_failed_writes_nothing_more, .timeout = 30)
{
	const struct store_options options = {
		.path = path, .queue_depth = 8, .stage_bytes = 1 << 20, .notice = allow_files};
	struct store_job hold = {.apply = hold_apply, .done = no_done}, bad = {.apply = break_apply, .done = no_done};
	struct put flush = {.job = {.apply = put_apply}, .name = "flush"};
	uint8_t sealed[1000] = {1}, back[1000];
	struct store *store;
	struct store_stage *stage;
	struct store_view *view;
	uint64_t blob_id;
	size_t size;

	signal(SIGXFSZ, SIG_IGN);
	sem_init(&holding, 0, 0);
	sem_init(&go_on, 0, 0);
	cr_assert_eq(store_open(&options, &store), STORE_OK);
	cr_assert_eq(store_submit(store, &hold), STORE_OK);
	sem_wait(&holding);
	cr_assert_eq(store_stage_new(store, no_wake, NULL, &stage), STORE_OK);
	blob_id = store_stage_id(stage);
	cr_assert_eq(store_stage_put(stage, 0, sealed, sizeof(sealed)), STORE_STAGE_OK);
	cr_assert_eq(store_submit(store, &bad), STORE_OK);
	sem_post(&go_on);
	sem_wait(&holding); /* chunk 0 and the job that will fail are in one batch; chunk 1 comes with the next */
	cr_assert_eq(store_stage_put(stage, 1, sealed, sizeof(sealed)), STORE_STAGE_OK);
	sem_post(&go_on);
	cr_assert_eq(store_run(store, &flush.job), STORE_OK);
	cr_assert_eq(store_stage_failure(stage), STORE_UNKNOWN);
	cr_assert_eq(store_stage_put(stage, 2, sealed, sizeof(sealed)), STORE_STAGE_FAILED);
	store_stage_free(stage);

	cr_assert_eq(store_view_new(store, &view), STORE_OK);
	cr_expect_eq(store_chunk_get(view, blob_id, 1, back, sizeof(back), &size), STORE_NOT_FOUND);
	store_view_free(view);
	store_close(store);
}
