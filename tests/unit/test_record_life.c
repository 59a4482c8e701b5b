/* Records through core/, with a real store and real keys. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/core/audit.h"
#include "server/core/inflight.h"
#include "server/core/record.h"
#include "tests/unit/support/fixture.h"

static struct fixture f;
static struct inflight *inflight;
static struct store_view *view;

static void setup(void)
{
	fixture_open(&f);
	inflight = inflight_new();
	cr_assert_eq(store_view_new(f.vault.store, &view), STORE_OK);
}

static void teardown(void)
{
	store_view_free(view);
	inflight_free(inflight);
	fixture_close(&f);
}

TestSuite(record_life, .init = setup, .fini = teardown, .timeout = 120);

static _Atomic int room;

static void wake(void *arg)
{
	(void)arg;
	room = 1;
}

static void wait_for_room(void)
{
	while (!room)
		usleep(200);
	room = 0;
}

struct write_job {
	struct store_job job;
	struct record_writer *writer;
	enum core_status result;
};

static enum store_status write_apply(struct store_job *job, struct store_txn *txn)
{
	struct write_job *write = (struct write_job *)job;

	return record_writer_apply(write->writer, txn, &write->result);
}

/* Writes a record, or its next version; *ret_info when it went well. */
static enum core_status write_record(const uint8_t *id, uint64_t if_version, const char *key, const uint8_t *bytes,
				     size_t size, struct record_info *ret_info)
{
	struct record_write_options options = {.inflight = inflight,
					       .principal = &f.principal,
					       .media_type = "text/plain",
					       .labels = "kind=test",
					       .record_id = id,
					       .if_version = if_version,
					       .idempotency_key = key,
					       .route = "test",
					       .wake = wake};
	struct write_job write = {.job = {.apply = write_apply}};
	size_t used = 0, at = 0;
	bool full = false;

	cr_assert_eq(record_writer_new(&f.vault, &options, &write.writer), CORE_OK);
	while (at < size) {
		cr_assert_eq(record_writer_put(write.writer, bytes + at, size - at, &used), CORE_OK);
		at += used;
		if (at < size)
			wait_for_room();
	}
	for (;;) {
		cr_assert_eq(record_writer_finish(write.writer, &full), CORE_OK);
		if (!full)
			break;
		wait_for_room();
	}
	cr_assert_eq(store_run(f.vault.store, &write.job), STORE_OK);
	*ret_info = *record_writer_info(write.writer);
	record_writer_free(write.writer);
	return write.result;
}

static void expect_content(const uint8_t id[static 16], uint64_t version, const uint8_t *bytes, size_t size)
{
	struct record_reader *reader;
	uint8_t *back = malloc(size + 1);
	size_t at = 0, n;

	cr_assert_eq(record_reader_new(&f.vault, view, &f.principal, id, version, &reader), CORE_OK);
	cr_assert_eq(record_reader_unlock(reader), CORE_OK);
	cr_assert_eq(record_reader_info(reader)->size, size);
	cr_assert_str_eq(record_reader_info(reader)->media_type, "text/plain");
	cr_assert_str_eq(record_reader_info(reader)->labels, "kind=test");
	while (at < size && (n = record_reader_get(reader, view, at, back + at, size - at)) > 0)
		at += n;
	cr_assert_eq(at, size);
	cr_assert_eq(memcmp(back, bytes, size), 0);
	cr_assert_eq(record_reader_get(reader, view, size, back, 1), 0);
	record_reader_free(reader);
	free(back);
}

Test(record_life, content_of_every_awkward_size_comes_back_also_after_reopening)
{
	static const size_t SIZES[] = {0, 1, 65535, 65536, 65537, 131072, 3 * 1024 * 1024 + 7};
	enum { COUNT = sizeof(SIZES) / sizeof(SIZES[0]) };
	uint8_t *bytes = malloc(SIZES[COUNT - 1]);
	struct record_info infos[COUNT];

	for (size_t i = 0; i < SIZES[COUNT - 1]; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 65536);
	for (size_t i = 0; i < COUNT; i++) {
		cr_assert_eq(write_record(NULL, 0, NULL, bytes, SIZES[i], &infos[i]), CORE_OK);
		expect_content(infos[i].record_id, 0, bytes, SIZES[i]);
	}
	store_view_free(view);
	fixture_reopen(&f);
	cr_assert_eq(store_view_new(f.vault.store, &view), STORE_OK);
	for (size_t i = 0; i < COUNT; i++)
		expect_content(infos[i].record_id, 0, bytes, SIZES[i]);
	free(bytes);
}

Test(record_life, versions_stay_readable_and_a_stale_writer_is_refused)
{
	struct record_info first, second, third;

	cr_assert_eq(write_record(NULL, 0, NULL, (const uint8_t *)"one", 3, &first), CORE_OK);
	cr_assert_eq(write_record(first.record_id, 1, NULL, (const uint8_t *)"two!", 4, &second), CORE_OK);
	cr_assert_eq(second.version, 2);
	cr_assert_eq(write_record(first.record_id, 1, NULL, (const uint8_t *)"lost", 4, &third), CORE_STALE);
	cr_assert_eq(third.version, 2, "the current version is told");
	expect_content(first.record_id, 1, (const uint8_t *)"one", 3);
	expect_content(first.record_id, 0, (const uint8_t *)"two!", 4);
}

Test(record_life, a_foreign_record_looks_like_an_absent_one)
{
	struct principal stranger = f.principal;
	struct record_reader *reader;
	struct record_info info;
	uint8_t nobody[16] = {9};

	stranger.account_id[0] ^= 1;
	cr_assert_eq(write_record(NULL, 0, NULL, (const uint8_t *)"x", 1, &info), CORE_OK);
	cr_assert_eq(record_reader_new(&f.vault, view, &stranger, info.record_id, 0, &reader), CORE_NOT_FOUND);
	cr_assert_eq(record_reader_new(&f.vault, view, &f.principal, nobody, 0, &reader), CORE_NOT_FOUND);
}

Test(record_life, an_idempotency_key_gives_the_same_answer_and_refuses_another_body)
{
	struct record_info first, again;

	cr_assert_eq(write_record(NULL, 0, "key-1", (const uint8_t *)"body", 4, &first), CORE_OK);
	cr_assert_eq(write_record(NULL, 0, "key-1", (const uint8_t *)"body", 4, &again), CORE_REPLAY);
	cr_assert_arr_eq(first.record_id, again.record_id, 16);
	cr_assert_eq(first.updated_ms, again.updated_ms);
	cr_assert_eq(write_record(NULL, 0, "key-1", (const uint8_t *)"other", 5, &again), CORE_KEY_REUSED);
}

struct delete_job {
	struct store_job job;
	struct record_delete request;
	enum core_status result;
};

static enum store_status delete_apply(struct store_job *job, struct store_txn *txn)
{
	struct delete_job *d = (struct delete_job *)job;

	return record_delete_apply(&d->request, txn, &d->result);
}

Test(record_life, a_deleted_record_is_gone_for_its_owner_and_is_then_shredded)
{
	struct delete_job d = {.job = {.apply = delete_apply}};
	struct record_reader *reader;
	struct record_info info;
	struct store_version *row;
	uint64_t count = 0;

	cr_assert_eq(write_record(NULL, 0, NULL, (const uint8_t *)"secret", 6, &info), CORE_OK);
	d.request.vault = &f.vault;
	d.request.principal = f.principal;
	memcpy(d.request.record_id, info.record_id, 16);
	cr_assert_eq(store_run(f.vault.store, &d.job), STORE_OK);
	cr_assert_eq(d.result, CORE_OK);
	cr_assert_eq(record_reader_new(&f.vault, view, &f.principal, info.record_id, 0, &reader), CORE_GONE);
	cr_assert_eq(record_reader_new(&f.vault, view, &f.principal, info.record_id, 1, &reader), CORE_GONE);
	cr_assert_eq(record_shred_pending(&f.vault, view, &count), CORE_OK);
	cr_assert_eq(count, 1);
	cr_assert_eq(store_version_latest(view, info.record_id, &row), STORE_OK);
	cr_assert_eq(row->state, STORE_VERSION_SHREDDED);
	free(row);
	cr_assert_eq(record_shred_pending(&f.vault, view, &count), CORE_OK);
	cr_assert_eq(count, 0);
}

Test(record_life, listing_goes_by_pages_and_leaves_out_the_deleted)
{
	struct record_info infos[5];
	struct record_entry entries[5];
	size_t count = 0, seen = 0;
	const uint8_t *after = NULL;
	struct delete_job d = {.job = {.apply = delete_apply}};

	for (int i = 0; i < 5; i++)
		cr_assert_eq(write_record(NULL, 0, NULL, (const uint8_t *)"abc", (size_t)i % 4, &infos[i]), CORE_OK);
	d.request.vault = &f.vault;
	d.request.principal = f.principal;
	memcpy(d.request.record_id, infos[2].record_id, 16);
	cr_assert_eq(store_run(f.vault.store, &d.job), STORE_OK);
	do {
		cr_assert_eq(record_list(&f.vault, view, &f.principal, after, 2, entries, &count), CORE_OK);
		for (size_t i = 0; i < count; i++)
			cr_assert_neq(memcmp(entries[i].record_id, infos[2].record_id, 16), 0);
		seen += count;
		after = count ? entries[count - 1].record_id : NULL;
	} while (count == 2);
	cr_assert_eq(seen, 4);
}

Test(record_life, the_audit_chain_verifies)
{
	uint64_t count = 0;
	bool good = false;

	cr_assert_eq(audit_verify(view, &f.vault, stderr, NULL, NULL, &count, &good), CORE_OK);
	cr_assert(good);
	cr_assert_eq(count, 1, "the event of the store's making");
}
