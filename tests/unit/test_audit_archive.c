/* Segments of the audit log: the format of their files, moving events into them, and what is told of damaged ones. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/core/audit.h"
#include "server/core/audit_archive.h"
#include "server/core/audit_archiver.h"
#include "server/core/audit_read.h"
#include "server/core/clock.h"
#include "server/core/rowmac.h"
#include "tests/unit/support/fixture.h"

static struct fixture f;
static char archive[PATH_MAX];
static struct store_view *view;

static void open_all(void)
{
	fixture_open(&f);
	snprintf(archive, sizeof(archive), "%s/audit-archive", f.dir);
	f.vault.archive = archive;
	cr_assert_eq(store_view_new(f.vault.store, &view), STORE_OK);
}

static void close_all(void)
{
	store_view_free(view);
	if (access(archive, F_OK) == 0)
		fixture_remove(archive);
	fixture_close(&f);
}

TestSuite(audit_archive, .init = open_all, .fini = close_all);

/* ---- making events, and moving them -------------------------------------------------------------------------------
 */

struct append {
	struct store_job job; /* first */
	size_t count;
	int64_t time_ms;
};

static enum store_status append_apply(struct store_job *job, struct store_txn *txn)
{
	const struct append *append = (struct append *)job;
	enum store_status status = STORE_OK;

	for (size_t i = 0; i < append->count && status == STORE_OK; i++) {
		struct audit_event event = {
			.time_ms = append->time_ms, .action = AUDIT_RECORD_READ, .outcome = 200, .peer = "127.0.0.1"};

		status = audit_append(&f.vault, txn, &event);
	}
	return status;
}

static void append_settled(struct store_job *job, bool committed)
{
	(void)job;
	audit_settled(&f.vault, committed);
}

static void append(size_t count, int64_t time_ms)
{
	struct append append = {
		.job = {.apply = append_apply, .settled = append_settled}, .count = count, .time_ms = time_ms};

	cr_assert_eq(store_run(f.vault.store, &append.job), STORE_OK);
}

/* Steps to the end; how many there were. */
static size_t move(int64_t before_ms, int64_t late_ms)
{
	const struct audit_archiver_options options = {.before_ms = before_ms, .late_ms = late_ms};
	char text[256] = "";
	size_t steps = 0;
	bool more = true;

	for (; more; steps++)
		cr_assert_eq(
			audit_archiver_step(&f.vault, view, &options, &more, &(struct files_error){text, sizeof(text)}),
			CORE_OK, "%s", text);
	return steps;
}

static void move_all(void)
{
	move(INT64_MAX, INT64_MAX);
}

static bool first_row(void *arg, const struct store_audit_event *row)
{
	*(uint64_t *)arg = row->sequence;
	return false;
}

static uint64_t first_in_database(void)
{
	uint64_t first = 0;

	cr_assert_eq(store_audit_list(view, 0, 1, first_row, &first), STORE_OK);
	return first;
}

/* What audit_verify() says: its lines in `report`, of which there is room for a few. */
static bool verify(char report[static 1024], uint64_t *ret_count)
{
	FILE *file = fmemopen(report, 1024, "w");
	bool good;

	cr_assert_not_null(file);
	cr_assert_eq(audit_verify(view, &f.vault, file, NULL, ret_count, &good), CORE_OK);
	fclose(file);
	return good;
}

static void assert_whole(uint64_t events)
{
	char report[1024] = "";
	uint64_t count = 0;

	cr_assert(verify(report, &count), "%s", report);
	cr_assert_eq(count, events, "%" PRIu64, count);
}

/* ---- what is moved ------------------------------------------------------------------------------------------------
 */

Test(audit_archive, all_but_the_last_event_is_moved_and_the_chain_goes_on)
{
	append(50, 1000);
	move_all();
	cr_assert_eq(first_in_database(), 51);
	assert_whole(51);
	append(3, 1000);
	assert_whole(54);
	move_all();
	cr_assert_eq(first_in_database(), 54);
	assert_whole(54);
	store_view_free(view);
	fixture_reopen(&f);
	cr_assert_eq(store_view_new(f.vault.store, &view), STORE_OK);
	append(1, 1000);
	assert_whole(55);
}

Test(audit_archive, a_segment_is_made_when_it_is_full_or_its_first_event_has_waited)
{
	append(AUDIT_SEGMENT_EVENTS - 2, 1000);
	move(2000, 1000); /* the store's own first event is younger, and no segment is full */
	cr_assert_eq(first_in_database(), 1);
	append(2, 1000);
	move(2000, 1000);
	cr_assert_eq(first_in_database(), AUDIT_SEGMENT_EVENTS + 1);
	append(10, 1000);
	move(2000, 1000);
	cr_assert_eq(first_in_database(), AUDIT_SEGMENT_EVENTS + 1, "they are not late yet");
	move(2000, 1001);
	cr_assert_eq(first_in_database(), AUDIT_SEGMENT_EVENTS + 11);
	assert_whole(AUDIT_SEGMENT_EVENTS + 11);
}

Test(audit_archive, an_event_is_as_old_as_the_oldest_behind_it)
{
	const int64_t now = clock_unix_ms();

	append(1, now + 1000000000); /* a clock that ran ahead */
	append(5, now);
	append(5, now + 5000);
	move(now + 1, now + 1);
	cr_assert_eq(first_in_database(), 8);
	assert_whole(12);
}

static bool expect_next(void *arg, uint64_t sequence, const struct audit_event *event, const uint8_t hash[static 32])
{
	uint64_t *last = arg;

	(void)hash;
	cr_assert_eq(sequence, *last + 1);
	cr_assert(sequence == 1 || event->action == AUDIT_RECORD_READ);
	*last = sequence;
	return true;
}

Test(audit_archive, reading_begins_anywhere_and_crosses_from_file_to_file_to_database)
{
	append(9, 1000);
	move_all();
	append(10, 1000);
	move_all();
	append(5, 1000);
	for (uint64_t begin = 0; begin <= 25; begin++) {
		for (size_t limit = 1; limit <= 26; limit += 5) {
			uint64_t after = begin, last = begin;
			const uint64_t end = begin + limit < 25 ? begin + limit : 25;

			cr_assert_eq(audit_read(view, &f.vault, &after, limit, expect_next, &last), CORE_OK);
			cr_assert_eq(after, end, "from %" PRIu64 ", %zu", begin, limit);
			cr_assert_eq(last, end);
		}
	}
}

/* ---- what is told of damage ---------------------------------------------------------------------------------------
 */

static size_t read_file(const char *path, uint8_t *ret_bytes, size_t cap)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	cr_assert_not_null(file);
	size = fread(ret_bytes, 1, cap, file);
	fclose(file);
	return size;
}

static void write_file(const char *path, const uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(bytes, 1, size, file), size);
	cr_assert_eq(fclose(file), 0);
}

Test(audit_archive, every_byte_and_every_length_counts)
{
	static uint8_t bytes[8192];
	char path[PATH_MAX];
	size_t size;

	append(9, 1000);
	move_all();
	append(3, 1000);
	cr_assert_eq(audit_archive_path(&f.vault, 1, path), CORE_OK);
	size = read_file(path, bytes, sizeof(bytes));
	cr_assert_lt(size, sizeof(bytes));
	for (size_t i = 0; i <= 2 * size; i++) {
		char report[1024] = "", *end;
		uint64_t count = 0, lost;
		const size_t at = i / 2;

		if (i == 2 * size) {
			write_file(path, bytes, size + 1);
		} else if (i % 2) {
			write_file(path, bytes, at);
		} else {
			bytes[at] ^= 0x10;
			write_file(path, bytes, size);
			bytes[at] ^= 0x10;
		}
		cr_assert_not(verify(report, &count), "at %zu", at);
		cr_assert_eq(strncmp(report, "audit event ", 12), 0, "%s", report);
		lost = strtoull(report + 12, &end, 10);
		cr_assert_not_null(strstr(end, "audit-archive/00000000000000000001.audit"), "%s", report);
		if (i < 2 * size) {
			cr_assert(lost >= 1 && lost <= 9);
			/* Of the file all before the lost one, of the database all. */
			cr_assert_eq(count, lost - 1 + 4, "%s", report);
			cr_assert(at >= AUDIT_SEGMENT_HEADER || lost == 1);
		}
	}
	write_file(path, bytes, size);
	assert_whole(13);
	cr_assert_eq(unlink(path), 0);
}

/* What the store would have written had its last archived event been another: as before a backup was put back. */
static size_t write_another_history(uint8_t *bytes, size_t size, uint8_t *ret_bytes, size_t cap)
{
	struct audit_segment_reader reader;
	struct store_audit_event row;
	struct wire_out out;
	uint8_t link[DIGEST_SIZE + AUDIT_EVENT_MAX], encoded[AUDIT_EVENT_MAX];

	cr_assert(audit_segment_open(bytes, size, &reader));
	wire_out_init(&out, ret_bytes, cap);
	audit_segment_put_header(&out, &reader.segment);
	while (audit_segment_next(&reader, &row)) {
		if (row.sequence == reader.segment.last) {
			struct audit_event event;
			uint64_t sequence;

			cr_assert(audit_decode(row.event.data, row.event.size, &sequence, &event));
			event.outcome = 404;
			row.event = (struct store_bytes){encoded, audit_encode(sequence, &event, encoded)};
			memcpy(link + DIGEST_SIZE, encoded, row.event.size);
			digest_sha256(link, DIGEST_SIZE + row.event.size, row.hash);
			mac_compute(&f.keys.audit, row.hash, sizeof(row.hash), row.mac);
		}
		memcpy(link, row.hash, DIGEST_SIZE);
		audit_segment_put_event(&out, &row);
	}
	return out.used;
}

Test(audit_archive, a_file_of_another_history_is_not_that_of_its_segment)
{
	static uint8_t bytes[8192], another[8192];
	char path[PATH_MAX], report[1024] = "";
	uint64_t count = 0, after = 0, last = 0;
	size_t size;

	append(9, 1000);
	move_all();
	append(3, 1000);
	cr_assert_eq(audit_archive_path(&f.vault, 1, path), CORE_OK);
	size = read_file(path, bytes, sizeof(bytes));
	write_file(path, another, write_another_history(bytes, size, another, sizeof(another)));
	cr_assert_not(verify(report, &count));
	cr_assert_str_eq(report, "audit event 9: is another than its segment was made with "
				 "(audit-archive/00000000000000000001.audit)\n");
	cr_assert_eq(audit_read(view, &f.vault, &after, 20, expect_next, &last), CORE_DAMAGED);
	write_file(path, bytes, size);
	assert_whole(13);
}

Test(audit_archive, what_does_not_verify_is_not_moved)
{
	const struct audit_archiver_options options = {.before_ms = INT64_MAX, .late_ms = INT64_MAX};
	char text[256] = "", path[PATH_MAX];
	uint8_t key = f.keys.audit.b[0];
	bool more = true;

	append(9, 1000);
	f.keys.audit.b[0] ^= 1;
	cr_assert_eq(audit_archiver_step(&f.vault, view, &options, &more, &(struct files_error){text, sizeof(text)}),
		     CORE_DAMAGED);
	cr_assert_not_null(strstr(text, "does not verify"));
	f.keys.audit.b[0] = key;
	cr_assert_eq(audit_archive_path(&f.vault, 1, path), CORE_OK);
	cr_assert_eq(access(path, F_OK), -1);
	cr_assert_eq(first_in_database(), 1);
	/* Nor is anything dropped on the word of a row that is not ours. */
	move_all();
	append(5, 1000);
	f.keys.row.b[0] ^= 1;
	cr_assert_eq(audit_archiver_step(&f.vault, view, &options, &more, &(struct files_error){text, sizeof(text)}),
		     CORE_DAMAGED);
	cr_assert_not_null(strstr(text, "row of its last segment"));
	f.keys.row.b[0] ^= 1;
	assert_whole(15);
}

Test(audit_archive, what_has_lost_its_file_stays_in_the_database)
{
	const struct audit_archiver_options options = {.before_ms = INT64_MAX, .late_ms = INT64_MAX};
	static uint8_t bytes[8192];
	char text[256] = "", path[PATH_MAX];
	bool more = false;
	size_t size;

	append(9, 1000);
	/* The segment is made; its events are dropped by the next step. */
	cr_assert_eq(audit_archiver_step(&f.vault, view, &options, &more, &(struct files_error){text, sizeof(text)}),
		     CORE_OK);
	cr_assert(more);
	cr_assert_eq(audit_archive_path(&f.vault, 1, path), CORE_OK);
	size = read_file(path, bytes, sizeof(bytes));
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			cr_assert_eq(unlink(path), 0);
		else
			write_file(path, bytes, size - 1);
		cr_assert_eq(
			audit_archiver_step(&f.vault, view, &options, &more, &(struct files_error){text, sizeof(text)}),
			CORE_DAMAGED);
		cr_assert_not_null(strstr(text, "audit-archive/00000000000000000001.audit"), "%s", text);
		cr_assert_eq(first_in_database(), 1);
	}
	write_file(path, bytes, size);
	move_all();
	cr_assert_eq(first_in_database(), 10);
	assert_whole(10);
}

Test(audit_archive, a_directory_that_cannot_be_written_is_told_and_nothing_is_lost)
{
	const struct audit_archiver_options options = {.before_ms = INT64_MAX, .late_ms = INT64_MAX};
	char text[256] = "";
	bool more = true;

	append(9, 1000);
	write_file(archive, (const uint8_t *)"", 0);
	cr_assert_neq(audit_archiver_step(&f.vault, view, &options, &more, &(struct files_error){text, sizeof(text)}),
		      CORE_OK);
	cr_assert_not_null(strstr(text, "not a directory"), "%s", text);
	cr_assert_eq(unlink(archive), 0);
	assert_whole(10);
}

/* ---- the format ----------------------------------------------------------------------------------------------------
 */

Test(audit_segment, what_is_written_is_read)
{
	static uint8_t bytes[4096];
	struct audit_segment segment = {.first = 7, .last = 9};
	struct audit_segment_reader reader;
	struct store_audit_event row = {.event = {(const uint8_t *)"event", 5}}, back;
	struct wire_out out;

	memset(segment.store_id, 1, sizeof(segment.store_id));
	memset(segment.previous, 2, sizeof(segment.previous));
	memset(row.hash, 3, sizeof(row.hash));
	memset(row.mac, 4, sizeof(row.mac));
	wire_out_init(&out, bytes, sizeof(bytes));
	audit_segment_put_header(&out, &segment);
	cr_assert_eq(out.used, AUDIT_SEGMENT_HEADER);
	for (int i = 0; i < 3; i++)
		audit_segment_put_event(&out, &row);
	cr_assert(audit_segment_open(bytes, out.used, &reader));
	cr_assert_eq(memcmp(&reader.segment, &segment, sizeof(segment)), 0);
	for (uint64_t sequence = 7; sequence <= 9; sequence++) {
		cr_assert(audit_segment_next(&reader, &back));
		cr_assert_eq(back.sequence, sequence);
		cr_assert(back.event.size == 5 && memcmp(back.event.data, "event", 5) == 0);
		cr_assert_eq(memcmp(back.hash, row.hash, 32) || memcmp(back.mac, row.mac, 32), 0);
	}
	cr_assert_not(audit_segment_next(&reader, &back));
	cr_assert_not(reader.failed);
}

Test(audit_segment, headers_that_are_none)
{
	struct audit_segment good = {.first = 1, .last = AUDIT_SEGMENT_EVENTS}, segment;
	static const struct {
		uint64_t first, last;
	} BOUNDS[] = {{0, 5}, {5, 4}, {1, AUDIT_SEGMENT_EVENTS + 1}, {UINT64_MAX - 5, UINT64_MAX}, {1, UINT64_MAX}};
	uint8_t bytes[AUDIT_SEGMENT_HEADER];
	struct audit_segment_reader reader;
	struct wire_out out;

	for (size_t i = 0; i < sizeof(BOUNDS) / sizeof(BOUNDS[0]); i++) {
		segment = good;
		segment.first = BOUNDS[i].first;
		segment.last = BOUNDS[i].last;
		wire_out_init(&out, bytes, sizeof(bytes));
		audit_segment_put_header(&out, &segment);
		cr_assert_not(audit_segment_open(bytes, sizeof(bytes), &reader), "%zu", i);
	}
	wire_out_init(&out, bytes, sizeof(bytes));
	audit_segment_put_header(&out, &good);
	cr_assert(audit_segment_open(bytes, sizeof(bytes), &reader));
	for (size_t size = 0; size < sizeof(bytes); size++)
		cr_assert_not(audit_segment_open(bytes, size, &reader), "%zu", size);
	for (size_t i = 0; i < 8; i++) { /* the stream */
		bytes[24 + i] = 1;
		cr_assert_not(audit_segment_open(bytes, sizeof(bytes), &reader));
		bytes[24 + i] = 0;
	}
}
