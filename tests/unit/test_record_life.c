/* Records through core/, with a real store and real keys. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/audit.h"
#include "server/core/inflight.h"
#include "server/core/record.h"
#include "tests/unit/support/records.h"

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

static enum core_status write_record(const uint8_t *id, uint64_t if_version, const char *key, const uint8_t *bytes,
				     size_t size, struct record_info *ret_info)
{
	return records_write(&f, inflight, id, if_version, key, bytes, size, ret_info);
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

Test(record_life, a_deleted_record_is_gone_for_its_owner_and_is_then_shredded)
{
	struct record_reader *reader;
	struct record_info info;
	struct store_version *row;
	uint64_t count = 0;

	cr_assert_eq(write_record(NULL, 0, NULL, (const uint8_t *)"secret", 6, &info), CORE_OK);
	cr_assert_eq(records_delete(&f, info.record_id), CORE_OK);
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

	for (int i = 0; i < 5; i++)
		cr_assert_eq(write_record(NULL, 0, NULL, (const uint8_t *)"abc", (size_t)i % 4, &infos[i]), CORE_OK);
	cr_assert_eq(records_delete(&f, infos[2].record_id), CORE_OK);
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
