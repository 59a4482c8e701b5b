/* The store with each allocation failing in turn: its own, SQLite's, and the threads it starts. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/audit.h"
#include "db/store.h"
#include "tests/unit/support/fixture.h"
#include "tests/unit/support/nomem.h"

enum {
	CHUNK = 65552,
	CHUNKS = 3,
	META = 300,
	WRAP = 384,
	NO_END = 20000,
	AGAIN = 5 /* every how many failures to open again: it takes as long as all else */
};

static char dir[64], path[96];
static struct store_options options = {.path = path, .queue_depth = 16, .stage_bytes = 1 << 20};

static void setup(void)
{
	nomem_sqlite();
	fixture_directory(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/coffer.db", dir);
}

static void teardown(void)
{
	fixture_remove(dir);
	cr_assert_eq(nomem_live(), 0, "%ld blocks were not given back", nomem_live());
}

TestSuite(nomem_store, .init = setup, .fini = teardown, .timeout = 60);

/* What a call may answer when memory ran out in it. SQLite's own I/O may fail for lack of memory, hence STORE_IO. */
static void assert_told(enum store_status status, size_t n, const char *what)
{
	cr_assert(status == STORE_NOMEM || status == STORE_IO || status == STORE_UNKNOWN, "%s, allocation %zu: %s",
		  what, n, store_status_text(status));
}

static struct store *open_now(void)
{
	struct store *store = NULL;

	cr_assert_eq(store_open(&options, &store), STORE_OK);
	return store;
}

/* ---- one record with everything around it --------------------------------------------------------------------------
 */

static const uint8_t FILLING[META + CHUNK];

struct write {
	struct store_job job;
	uint8_t id[16];
	uint64_t number;
	uint64_t blob_id;
	bool erase;
};

static void id_of(uint64_t number, uint8_t ret_id[static 16])
{
	memset(ret_id, 0x55, 16);
	for (int i = 0; i < 8; i++)
		ret_id[i] = (uint8_t)(number >> (56 - 8 * i));
}

static enum store_status write_apply(struct store_job *job, struct store_txn *txn)
{
	const struct write *write = (struct write *)job;
	struct store_version version = {.version = 1,
					.revision = 1,
					.state = STORE_VERSION_CURRENT,
					.suite = 1,
					.blob_id = write->blob_id,
					.meta = {FILLING, META},
					.wrap = {.revision = 1, .rsa = {FILLING, WRAP}},
					.inline_chunk = {FILLING, write->blob_id ? 0 : CHUNK}};
	struct store_audit_event event = {.sequence = write->number, .event = {FILLING, 100}};
	enum store_status status;

	if (write->erase)
		return store_record_erase(txn, write->id);
	memcpy(version.record_id, write->id, sizeof(version.record_id));
	status = store_version_insert(txn, &version);
	if (status == STORE_OK)
		status = store_audit_insert(txn, &event);
	if (status == STORE_OK)
		status = store_setting_put(txn, "number", &write->number, sizeof(write->number));
	if (status == STORE_OK && write->blob_id)
		status = store_blob_link(txn, write->blob_id, CHUNKS);
	return status;
}

static enum store_status write_record(struct store *store, uint64_t number, uint64_t blob_id)
{
	struct write write = {.job = {.apply = write_apply}, .number = number, .blob_id = blob_id};

	id_of(number, write.id);
	return store_run(store, &write.job);
}

static enum store_status erase_record(struct store *store, uint64_t number)
{
	struct write write = {.job = {.apply = write_apply}, .erase = true};

	id_of(number, write.id);
	return store_run(store, &write.job);
}

/* All of a record is there, or (false) nothing. */
static bool is_whole(struct store *store, uint64_t number)
{
	struct store_view *view = NULL;
	struct store_version *version = NULL;
	uint8_t id[16];

	id_of(number, id);
	cr_assert_eq(store_view_new(store, &view), STORE_OK);
	const enum store_status have_version = store_version_get(view, id, 1, &version);
	store_view_free(view);
	cr_assert(have_version == STORE_OK || have_version == STORE_NOT_FOUND);
	free(version);
	return have_version == STORE_OK;
}

/* ---- opening -------------------------------------------------------------------------------------------------------
 */

/* The store's files begin anew. */
static void start_over(void)
{
	static const char *const ENDINGS[] = {"", "-wal", "-shm", ".lock"};
	char name[128];

	for (size_t i = 0; i < sizeof(ENDINGS) / sizeof(ENDINGS[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ENDINGS[i]);
		unlink(name);
	}
}

/* Each allocation that is a multiple of `step`. Returns the first that opening does not reach. */
static size_t open_starving(size_t step, bool anew)
{
	for (size_t n = 0; n < NO_END; n += step) {
		struct store *store = NULL;

		if (anew)
			start_over();
		nomem_arm(n, NOMEM_ONCE);
		const enum store_status status = store_open(&options, &store);
		/* Closing allocates too, and must not fail for that. */
		store_close(store);
		const bool starved = nomem_disarm();

		cr_assert_eq(nomem_live(), 0, "allocation %zu: a leak", n);
		if (status == STORE_OK && !starved)
			return n;
		if (status != STORE_OK) {
			assert_told(status, n, "store_open");
			cr_assert_null(store);
		}
		if (!anew && n % AGAIN)
			continue;
		store = open_now();
		cr_assert_eq(is_whole(store, 1), !anew, "after allocation %zu failed", n);
		store_close(store);
	}
	cr_assert_fail("no end");
	return 0;
}

Test(nomem_store, opening_an_old_store_fails_whole_or_not_at_all)
{
	struct store *store = open_now();

	cr_assert_eq(write_record(store, 1, 0), STORE_OK);
	store_close(store);
	cr_assert_gt(open_starving(1, false), 50, "SQLite did not take part");
}

/* Its allocations come by the thousand, most of them in SQLite's parser at work on the same few kinds of statement. */
Test(nomem_store, a_new_store_can_be_made_after_a_failure_to)
{
	cr_assert_gt(open_starving(41, true), 100, "SQLite did not take part");
}

Test(nomem_store, a_read_only_store_fails_whole_or_not_at_all)
{
	struct store *store = open_now();
	size_t n = 0;

	store_close(store);
	for (bool starved = true; starved; n++) {
		cr_assert_lt(n, NO_END);
		store = NULL;
		nomem_arm(n, NOMEM_ONCE);
		const enum store_status status = store_open_readonly(path, &store);
		store_close(store);
		starved = nomem_disarm();
		cr_assert_eq(nomem_live(), 0, "allocation %zu: a leak", n);
		if (status != STORE_OK)
			assert_told(status, n, "store_open_readonly");
	}
	cr_assert_gt(n, 20, "SQLite did not take part");
}

/* ---- writing -------------------------------------------------------------------------------------------------------
 */

static void write_starving(enum nomem_mode mode)
{
	struct store *store = open_now();
	size_t n = 0;

	for (bool starved = true; starved; n++) {
		cr_assert_lt(n, NO_END);
		nomem_arm(n, mode);
		const enum store_status status = write_record(store, n + 1, 0);
		starved = nomem_disarm();

		if (status != STORE_OK)
			assert_told(status, n, "a write");
		if (status != STORE_UNKNOWN)
			cr_assert_eq(is_whole(store, n + 1), status == STORE_OK, "allocation %zu", n);
		cr_assert_eq(write_record(store, NO_END + n, 0), STORE_OK, "after allocation %zu failed", n);
	}
	cr_assert_gt(n, 10, "SQLite did not take part");
	store_close(store);
}

Test(nomem_store, a_write_happens_whole_or_not_at_all)
{
	write_starving(NOMEM_ONCE);
}

Test(nomem_store, so_it_does_when_memory_stays_short)
{
	write_starving(NOMEM_AFTER);
}

Test(nomem_store, an_erasure_happens_whole_or_not_at_all)
{
	struct store *store = open_now();
	size_t n = 0;

	for (bool starved = true; starved; n++) {
		cr_assert_lt(n, NO_END);
		cr_assert_eq(write_record(store, n + 1, 0), STORE_OK, "after allocation %zu failed", n);
		nomem_arm(n, NOMEM_ONCE);
		const enum store_status status = erase_record(store, n + 1);
		starved = nomem_disarm();

		if (status != STORE_OK)
			assert_told(status, n, "an erasure");
		if (status != STORE_UNKNOWN)
			cr_assert_eq(is_whole(store, n + 1), status != STORE_OK, "allocation %zu", n);
	}
	cr_assert_gt(n, 10, "SQLite did not take part");
	store_close(store);
}

/* ---- reading -------------------------------------------------------------------------------------------------------
 */

static bool count_version(void *arg, const struct store_version *row)
{
	cr_assert_eq(row->meta.size, META);
	++*(size_t *)arg;
	return true;
}

static bool count_event(void *arg, const struct store_audit_event *row)
{
	cr_assert_eq(row->event.size, 100);
	++*(size_t *)arg;
	return true;
}

/* What no function wrote: an output stays as it was unless there is a row to give. */
static void *const UNWRITTEN = path;

static void free_written(void *row)
{
	cr_assert_not_null(row, "a failed read wrote its output");
	if (row != UNWRITTEN)
		free(row);
}

/* Reads two records in every way; a failure that is not about memory, or a wrong value, ends the test. */
static enum store_status read_all(struct store *store, size_t n)
{
	static const uint8_t owner[16];
	struct store_view *view = NULL;
	struct store_version *version = UNWRITTEN;
	struct store_audit_event *event = UNWRITTEN;
	uint8_t id[16];
	uint64_t number = 0, rows = UINT64_MAX;
	size_t size = 0, records = 0, versions = 0, events = 0;
	enum store_status status = store_view_new(store, &view);

	id_of(2, id);
	if (status == STORE_OK)
		status = store_view_begin(view);
	if (status == STORE_OK)
		status = store_version_latest(view, id, &version);
	if (status == STORE_OK)
		status = store_setting_get(view, "number", &number, sizeof(number), &size);
	if (status == STORE_OK)
		status = store_audit_last(view, &event);
	if (status == STORE_OK)
		status = store_record_list(view, owner, NULL, 10, count_version, &records);
	if (status == STORE_OK)
		status = store_version_list(view, id, 0, 10, count_version, &versions);
	if (status == STORE_OK)
		status = store_audit_list(view, 0, 10, count_event, &events);
	if (status == STORE_OK)
		status = store_version_count(view, &rows);
	if (view)
		store_view_end(view);
	store_view_free(view);
	if (status == STORE_OK) {
		cr_assert_eq(version->inline_chunk.size, CHUNK, "allocation %zu", n);
		cr_assert_eq(version->wrap.rsa.size, WRAP, "allocation %zu", n);
		cr_assert_eq(event->sequence, 2, "allocation %zu", n);
		cr_assert(number == 2 && size == sizeof(number), "allocation %zu", n);
		cr_assert(records == 2 && versions == 1 && events == 2 && rows == 2, "allocation %zu", n);
	} else {
		assert_told(status, n, "a read");
		cr_assert_eq(rows, UINT64_MAX, "allocation %zu", n);
	}
	free_written(event);
	free_written(version);
	return status;
}

/* Of a store that nobody writes to: it has no threads, which would allocate on their own. */
static void read_starving(enum nomem_mode mode)
{
	struct store *store = open_now();
	size_t n = 0;

	cr_assert_eq(write_record(store, 1, 0), STORE_OK);
	cr_assert_eq(write_record(store, 2, 0), STORE_OK);
	store_close(store);
	cr_assert_eq(store_open_readonly(path, &store), STORE_OK);
	const long live = nomem_live();
	for (bool starved = true; starved; n++) {
		cr_assert_lt(n, NO_END);
		nomem_arm(n, mode);
		const enum store_status status = read_all(store, n);
		starved = nomem_disarm();
		cr_assert(starved || status == STORE_OK);
		cr_assert_eq(nomem_live(), live, "allocation %zu: a leak", n);
	}
	cr_assert_gt(n, 50, "SQLite did not take part");
	store_close(store);
}

/* Above all never as if it were not there, or damaged. */
Test(nomem_store, what_cannot_be_read_is_told_as_such)
{
	read_starving(NOMEM_ONCE);
}

Test(nomem_store, so_it_is_when_memory_stays_short)
{
	read_starving(NOMEM_AFTER);
}

/* ---- staging -------------------------------------------------------------------------------------------------------
 */

static void wake(void *arg)
{
	(void)arg;
}

/* Whether chunk `number` of the blob is in the database. */
static bool has_chunk(struct store *store, uint64_t blob_id, uint64_t number)
{
	static uint8_t bytes[CHUNK];
	struct store_view *view = NULL;
	size_t size = 0;

	cr_assert_eq(store_view_new(store, &view), STORE_OK);
	const enum store_status status = store_chunk_get(view, blob_id, number, bytes, sizeof(bytes), &size);
	store_view_free(view);
	cr_assert(status == STORE_NOT_FOUND || (status == STORE_OK && size == CHUNK));
	return status == STORE_OK;
}

static enum store_status stage_record(struct store *store, uint64_t number, uint64_t *ret_blob_id)
{
	struct store_stage *stage = NULL;
	enum store_status status = store_stage_new(store, wake, NULL, &stage);

	if (status != STORE_OK)
		return status;
	*ret_blob_id = store_stage_id(stage);
	for (uint64_t i = 0; i < CHUNKS && status == STORE_OK; i++) {
		const enum store_stage_result result = store_stage_put(stage, i, FILLING, CHUNK);

		cr_assert_neq(result, STORE_STAGE_FULL);
		if (result == STORE_STAGE_FAILED)
			status = store_stage_failure(stage);
	}
	if (status == STORE_OK)
		status = write_record(store, number, *ret_blob_id);
	/* A chunk that could not be written leaves nothing to link; the stage knows why. */
	if (status == STORE_NOT_FOUND)
		status = store_stage_failure(stage);
	store_stage_free(stage);
	return status;
}

Test(nomem_store, a_staged_record_is_stored_whole_or_not_at_all)
{
	struct store *store = open_now();
	size_t n = 0;

	for (bool starved = true; starved; n++) {
		uint64_t blob_id = 0;

		cr_assert_lt(n, NO_END);
		nomem_arm(n, NOMEM_ONCE);
		const enum store_status status = stage_record(store, n + 1, &blob_id);
		starved = nomem_disarm();

		if (status != STORE_OK)
			assert_told(status, n, "staging");
		if (status != STORE_UNKNOWN)
			cr_assert_eq(is_whole(store, n + 1), status == STORE_OK, "allocation %zu", n);
		for (uint64_t i = 0; i < CHUNKS && status == STORE_OK; i++)
			cr_assert(has_chunk(store, blob_id, i), "allocation %zu, chunk %lu", n, (unsigned long)i);
	}
	cr_assert_gt(n, 4, "nothing failed");
	store_close(store);
}

Test(nomem_store, sweeping_that_ran_out_of_memory_is_taken_up_again)
{
	struct store *store = open_now();
	struct store_stage *stage = NULL;
	unsigned waited = 0;

	cr_assert_eq(store_stage_new(store, wake, NULL, &stage), STORE_OK);
	const uint64_t blob_id = store_stage_id(stage);
	cr_assert_eq(store_stage_put(stage, 0, FILLING, CHUNK), STORE_STAGE_OK);
	while (!has_chunk(store, blob_id, 0))
		usleep(1000);
	store_stage_free(stage);
	cr_assert_eq(write_record(store, 1, 0), STORE_OK, "by now the committer has doomed the blob");
	nomem_arm(0, NOMEM_AFTER);
	while (!nomem_failed() && waited++ < 3000) /* at worst it was swept just before */
		usleep(1000);
	nomem_disarm();
	while (has_chunk(store, blob_id, 0))
		usleep(1000);
	store_close(store);
}
