/* What the store lists, and the ways of opening it. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/fixture.h"

enum { RECORDS = 20, MANY = 1000 };

static char dir[64], path[96];
static struct store *store;
static struct store_view *view;

static void setup(void)
{
	fixture_directory(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/coffer.db", dir);
	store = fixture_store(path);
	cr_assert_eq(store_view_new(store, &view), STORE_OK);
}

static void teardown(void)
{
	store_view_free(view);
	store_close(store);
	fixture_remove(dir);
}

TestSuite(store_lists, .init = setup, .fini = teardown);

/* ---- writing versions ---- */

struct put {
	struct store_job job; /* first */
	struct store_version row;
	enum { PUT_INSERT, PUT_UPDATE, PUT_ERASE } what;
};

static enum store_status put_apply(struct store_job *job, struct store_txn *txn)
{
	const struct put *put = (struct put *)job;

	switch (put->what) {
	case PUT_INSERT:
		return store_version_insert(txn, &put->row);
	case PUT_UPDATE:
		return store_version_update(txn, &put->row);
	default:
		return store_record_erase(txn, put->row.record_id);
	}
}

/* A version of record `id` (every byte of it) of owner `owner`. */
static struct put version(uint8_t id, uint64_t number, uint8_t owner, enum store_version_state state,
			  int64_t changed_ms)
{
	struct put put = {.job = {.apply = put_apply},
			  .row = {.version = number,
				  .revision = 1,
				  .state = (uint8_t)state,
				  .suite = 1,
				  .changed_ms = changed_ms,
				  .meta = {(const uint8_t *)"meta", 4},
				  .inline_chunk = {(const uint8_t *)"inline", 6}}};

	memset(put.row.record_id, id, 16);
	memset(put.row.owner, owner, 16);
	return put;
}

static enum store_status run(struct put put)
{
	return store_run(store, &put.job);
}

/* Records 1 to RECORDS, inserted in an order that is not theirs; the even ones are owner 2's. */
static void fill(void)
{
	for (unsigned i = 0; i < RECORDS; i++) {
		const uint8_t id = (uint8_t)(i * 7 % RECORDS + 1);

		cr_assert_eq(run(version(id, 1, id % 2 ? 1 : 2, STORE_VERSION_CURRENT, id)), STORE_OK);
	}
}

/* ---- lists as text: "id.version " for each row ---- */

struct listing {
	char text[4 * 1024];
	size_t used, stop_after, rows;
};

static bool note(void *arg, const struct store_version *row)
{
	struct listing *listing = arg;

	cr_assert_eq(row->inline_chunk.size, 0);
	cr_assert(row->meta.size == 4 && memcmp(row->meta.data, "meta", 4) == 0);
	listing->used += (size_t)snprintf(listing->text + listing->used, sizeof(listing->text) - listing->used,
					  "%u.%u ", row->record_id[7], (unsigned)row->version);
	return ++listing->rows != listing->stop_after;
}

static void assert_list(uint8_t owner, const uint8_t *after, size_t limit, const char *expected)
{
	struct listing listing = {.stop_after = 0};
	uint8_t who[16];

	memset(who, owner, sizeof(who));
	cr_assert_eq(store_record_list(view, who, after, limit, note, &listing), STORE_OK);
	cr_expect_str_eq(listing.text, expected);
}

static const uint8_t *all(uint8_t value)
{
	static uint8_t id[16];

	memset(id, value, sizeof(id));
	return id;
}

Test(store_lists, an_owner_s_records_come_by_id_after_the_key)
{
	fill();
	assert_list(1, NULL, MANY, "1.1 3.1 5.1 7.1 9.1 11.1 13.1 15.1 17.1 19.1 ");
	assert_list(2, NULL, 3, "2.1 4.1 6.1 ");
	assert_list(2, all(6), 3, "8.1 10.1 12.1 ");
	assert_list(2, all(7), 3, "8.1 10.1 12.1 "); /* the key need not be there any more, nor be the owner's */
	assert_list(2, all(18), 3, "20.1 ");
	assert_list(2, all(20), 3, "");
	assert_list(2, all(0xff), 3, "");
	assert_list(2, NULL, 0, "");
	assert_list(3, NULL, MANY, "");
}

Test(store_lists, pages_make_up_the_whole_list)
{
	uint8_t owner[16], after[16] = {0};
	size_t seen = 0;

	fill();
	memset(owner, 1, sizeof(owner));
	for (size_t rows = 4; rows == 4;) {
		struct listing page = {.stop_after = 0};

		cr_assert_eq(store_record_list(view, owner, seen ? after : NULL, 4, note, &page), STORE_OK);
		rows = page.rows;
		seen += rows;
		memset(after, (int)(2 * seen - 1), sizeof(after));
	}
	cr_assert_eq(seen, RECORDS / 2);
}

Test(store_lists, a_visit_that_has_enough_ends_the_list)
{
	struct listing listing = {.stop_after = 2};
	uint8_t owner[16];

	fill();
	memset(owner, 1, sizeof(owner));
	cr_assert_eq(store_record_list(view, owner, NULL, MANY, note, &listing), STORE_OK);
	cr_expect_str_eq(listing.text, "1.1 3.1 ");
	assert_list(1, NULL, 1, "1.1 "); /* and the view can be used again */
}

Test(store_lists, only_current_versions_are_records)
{
	cr_assert_eq(run(version(1, 1, 1, STORE_VERSION_SUPERSEDED, 1)), STORE_OK);
	cr_assert_eq(run(version(1, 2, 1, STORE_VERSION_CURRENT, 2)), STORE_OK);
	cr_assert_eq(run(version(2, 1, 1, STORE_VERSION_TOMBSTONE, 3)), STORE_OK);
	cr_assert_eq(run(version(3, 1, 1, STORE_VERSION_SHREDDED, 4)), STORE_OK);
	assert_list(1, NULL, MANY, "1.2 ");
}

Test(store_lists, versions_come_oldest_first_and_the_latest_is_the_highest)
{
	static const uint64_t ORDER[] = {3, 1, 300, 2};
	struct store_version *row = NULL;

	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(run(version(5, ORDER[i], 1, STORE_VERSION_SUPERSEDED, 0)), STORE_OK);
	cr_assert_eq(run(version(6, 7, 1, STORE_VERSION_CURRENT, 0)), STORE_OK);

	struct listing whole = {.stop_after = 0}, rest = {.stop_after = 0};
	cr_assert_eq(store_version_list(view, all(5), 0, MANY, note, &whole), STORE_OK);
	cr_expect_str_eq(whole.text, "5.1 5.2 5.3 5.300 ");
	cr_assert_eq(store_version_list(view, all(5), 2, 1, note, &rest), STORE_OK);
	cr_expect_str_eq(rest.text, "5.3 ");
	cr_assert_eq(store_version_latest(view, all(5), &row), STORE_OK);
	cr_expect_eq(row->version, 300);
	free(row);
	uint64_t count = 0;
	cr_assert_eq(store_version_count(view, &count), STORE_OK);
	cr_expect_eq(count, 5);
}

Test(store_lists, a_walk_names_each_record_once_in_pages)
{
	uint8_t ids[4][16], last[16];
	const uint8_t *after = NULL;
	size_t count, seen = 0;

	cr_assert_eq(store_record_last(view, last), STORE_NOT_FOUND);
	fill();
	cr_assert_eq(run(version(3, 2, 1, STORE_VERSION_CURRENT, 1)), STORE_OK);
	do {
		cr_assert_eq(store_record_walk(view, after, 4, ids, &count), STORE_OK);
		for (size_t i = 0; i < count; i++)
			cr_expect_arr_eq(ids[i], all((uint8_t)(seen + i + 1)), 16);
		seen += count;
		after = ids[3];
	} while (count == 4);
	cr_expect_eq(seen, RECORDS);
	cr_assert_eq(store_record_last(view, last), STORE_OK);
	cr_expect_arr_eq(last, all(RECORDS), 16);
}

Test(store_lists, a_version_is_inserted_once)
{
	cr_assert_eq(run(version(1, 1, 1, STORE_VERSION_CURRENT, 1)), STORE_OK);
	cr_assert_eq(run(version(1, 1, 1, STORE_VERSION_CURRENT, 1)), STORE_CONFLICT);
}

/* ---- tombstones ---- */

Test(store_lists, tombstones_are_listed_by_age_until_they_are_shredded)
{
	cr_assert_eq(run(version(1, 1, 1, STORE_VERSION_TOMBSTONE, 300)), STORE_OK);
	cr_assert_eq(run(version(2, 1, 1, STORE_VERSION_TOMBSTONE, 100)), STORE_OK);
	cr_assert_eq(run(version(3, 1, 1, STORE_VERSION_TOMBSTONE, 200)), STORE_OK);
	cr_assert_eq(run(version(4, 1, 1, STORE_VERSION_CURRENT, 100)), STORE_OK);
	cr_assert_eq(run(version(5, 1, 1, STORE_VERSION_SHREDDED, 100)), STORE_OK);
	struct listing until = {.stop_after = 0}, first = {.stop_after = 0}, after = {.stop_after = 0};
	cr_assert_eq(store_tombstone_list(view, 200, MANY, note, &until), STORE_OK);
	cr_expect_str_eq(until.text, "2.1 3.1 ");
	cr_assert_eq(store_tombstone_list(view, INT64_MAX, 1, note, &first), STORE_OK);
	cr_expect_str_eq(first.text, "2.1 ");

	struct put shred = version(2, 1, 1, STORE_VERSION_SHREDDED, 100);
	shred.what = PUT_UPDATE;
	shred.row.revision = 2;
	cr_assert_eq(run(shred), STORE_OK);
	cr_assert_eq(store_tombstone_list(view, INT64_MAX, MANY, note, &after), STORE_OK);
	cr_expect_str_eq(after.text, "3.1 1.1 ");
	shred = version(9, 1, 1, STORE_VERSION_SHREDDED, 100);
	shred.what = PUT_UPDATE;
	cr_assert_eq(run(shred), STORE_NOT_FOUND);
}

/* The mark of a deleted key must not be found in any file of the store after the checkpoint. */
Test(store_lists, an_erased_record_is_gone_from_the_files_after_the_checkpoint)
{
	static const char MARK[] = "0123456789 this is the mark 9876543210";
	static const char *const ENDINGS[] = {"", "-wal"};
	static char bytes[1 << 22];
	struct put put = version(1, 1, 1, STORE_VERSION_CURRENT, 1);
	bool seen_before = false;

	put.row.inline_chunk = (struct store_bytes){(const uint8_t *)MARK, sizeof(MARK) - 1};
	cr_assert_eq(run(put), STORE_OK);
	for (int erased = 0; erased < 2; erased++) {
		for (size_t i = 0; i < 2; i++) {
			char name[128];

			snprintf(name, sizeof(name), "%s%s", path, ENDINGS[i]);
			FILE *file = fopen(name, "r");
			cr_assert_not_null(file);
			const size_t size = fread(bytes, 1, sizeof(bytes), file);
			fclose(file);
			cr_assert_lt(size, sizeof(bytes));
			const bool found = memmem(bytes, size, MARK, sizeof(MARK) - 1) != NULL;
			cr_expect(!erased || !found, "the mark is still in %s", name);
			seen_before = seen_before || found;
		}
		put.what = PUT_ERASE;
		cr_assert_eq(run(put), STORE_OK);
		cr_assert_eq(store_checkpoint_truncate(store), STORE_OK);
	}
	cr_assert(seen_before);
}

/* ---- opening ---- */

/* The user_version of SQLite's file header: four bytes at offset 60. */
static void set_schema(uint8_t number)
{
	const uint8_t bytes[4] = {0, 0, 0, number};
	const int fd = open(path, O_WRONLY);

	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, bytes, sizeof(bytes), 60), 4);
	close(fd);
}

static void shut(void)
{
	store_view_free(view);
	view = NULL;
	store_close(store);
	store = NULL;
}

Test(store_lists, a_later_schema_is_refused_and_left_alone)
{
	const struct store_options options = {.path = path, .queue_depth = 4, .stage_bytes = 1 << 20};
	struct store *newer = NULL;
	uint8_t after[4] = {0};

	cr_assert_eq(run(version(1, 1, 1, STORE_VERSION_CURRENT, 1)), STORE_OK);
	shut();
	set_schema(200);
	cr_assert_eq(store_open(&options, &newer), STORE_NEWER);
	cr_assert_eq(store_open_readonly(path, &newer), STORE_NEWER);
	cr_assert_null(newer);
	cr_expect_str_neq(store_status_text(STORE_NEWER), store_status_text(STORE_CORRUPT));
	const int fd = open(path, O_RDONLY);
	cr_assert_eq(pread(fd, after, sizeof(after), 60), 4);
	close(fd);
	cr_assert_eq(after[3], 200);
}

Test(store_lists, reading_only_reads)
{
	struct store *reader = NULL;
	struct store_view *look = NULL;
	struct put put = version(2, 1, 1, STORE_VERSION_CURRENT, 1);
	struct store_version *row = NULL;

	cr_assert_eq(run(version(1, 1, 1, STORE_VERSION_CURRENT, 1)), STORE_OK);
	cr_assert_eq(store_open_readonly(path, &reader), STORE_OK, "beside the one that writes");
	cr_assert_eq(store_view_new(reader, &look), STORE_OK);
	cr_assert_eq(store_version_latest(look, all(1), &row), STORE_OK);
	free(row);
	cr_assert_eq(store_submit(reader, &put.job), STORE_STOPPED);
	cr_assert_eq(store_run(reader, &put.job), STORE_STOPPED);
	cr_assert_eq(store_checkpoint_truncate(reader), STORE_STOPPED);
	cr_assert_eq(run(put), STORE_OK, "the writer goes on");
	cr_assert_eq(store_version_latest(look, all(2), &row), STORE_OK, "and the reader sees it");
	free(row);
	store_view_free(look);
	store_close(reader);
}

Test(store_lists, reading_only_makes_nothing)
{
	struct store *reader = NULL;
	char other[128];

	snprintf(other, sizeof(other), "%s/other.db", dir);
	cr_assert_neq(store_open_readonly(other, &reader), STORE_OK);
	cr_assert_neq(access(other, F_OK), 0);
	cr_assert_null(reader);
}

Test(store_lists, the_files_are_their_owner_s_alone)
{
	static const char *const ENDINGS[] = {"", "-wal", "-shm", ".lock"};

	for (size_t i = 0; i < 4; i++) {
		char name[128];
		struct stat st;

		snprintf(name, sizeof(name), "%s%s", path, ENDINGS[i]);
		cr_assert_eq(stat(name, &st), 0, "no %s", name);
		cr_expect_eq(st.st_mode & 07777, 0600, "%s", name);
	}
}
