/* The index of the audit log: made in blocks, merged, searched, and what is told of an index that was altered. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/core/audit_archiver.h"
#include "server/core/audit_find.h"
#include "server/core/audit_index.h"
#include "server/core/audit_indexer.h"
#include "server/core/check_index.h"
#include "tests/unit/support/fixture.h"

enum { OBJECTS = 40, ACCOUNTS = 3 };

static struct fixture f;
static struct store_view *view;
static struct audit_indexer indexer;
static uint64_t events; /* that were written */

static void open_all(void)
{
	fixture_open(&f);
	events = 1;
	indexer = (struct audit_indexer){0};
	cr_assert_eq(store_view_new(f.vault.store, &view), STORE_OK);
}

static void close_all(void)
{
	store_view_free(view);
	fixture_close(&f);
}

TestSuite(audit_index, .init = open_all, .fini = close_all);

/* ---- events whose object and account follow from their number; the first is the store's own
 * ------------------------------------------------------
 */

static unsigned object_of(uint64_t sequence)
{
	return sequence == 1 ? OBJECTS + 2 : (unsigned)(sequence * 7919 % 1009 % OBJECTS);
}

static unsigned account_of(uint64_t sequence)
{
	return sequence == 1 ? 0 : (unsigned)(sequence % ACCOUNTS);
}

/* 0 stands for none: such events are not in the index. */
static void id_of(uint8_t kind, unsigned number, uint8_t ret_id[static 16])
{
	memset(ret_id, 0, 16);
	if (number > 0) {
		ret_id[0] = kind;
		ret_id[15] = (uint8_t)number;
	}
}

struct append {
	struct store_job job; /* first */
	uint64_t count;
};

static enum store_status append_apply(struct store_job *job, struct store_txn *txn)
{
	enum store_status status = STORE_OK;

	for (uint64_t i = 1; i <= ((struct append *)job)->count && status == STORE_OK; i++) {
		struct audit_event event = {.time_ms = 1000, .action = AUDIT_RECORD_READ, .outcome = 200};

		id_of('o', object_of(events + i), event.object_id);
		id_of('a', account_of(events + i), event.account_id);
		status = audit_append(&f.vault, txn, &event);
	}
	return status;
}

static void append_settled(struct store_job *job, bool committed)
{
	(void)job;
	audit_settled(&f.vault, committed);
}

static void append_until(uint64_t last)
{
	while (events < last) {
		struct append append = {.job = {.apply = append_apply, .settled = append_settled}};

		append.count = last - events < 10000 ? last - events : 10000;
		cr_assert_eq(store_run(f.vault.store, &append.job), STORE_OK);
		events += append.count;
	}
}

static void make_index(void)
{
	char text[256] = "";
	bool more = true;

	while (more)
		cr_assert_eq(
			audit_indexer_step(&indexer, &f.vault, view, &more, &(struct files_error){text, sizeof(text)}),
			CORE_OK, "%s", text);
}

static uint64_t indexed(void)
{
	struct store_audit_run run = {.last = 0};
	const enum store_status status = store_audit_run_last(view, &run);

	cr_assert(status == STORE_OK || status == STORE_NOT_FOUND);
	return run.last;
}

/* ---- searching ------------------------------------------------------------------------------------------------------
 */

struct search {
	unsigned object, account; /* -1u: any */
	uint64_t last;
	size_t count, limit;
};

static bool matches(const struct search *search, uint64_t sequence)
{
	return (search->object == -1u || object_of(sequence) == search->object) &&
	       (search->account == -1u || account_of(sequence) == search->account);
}

static bool expect_match(void *arg, uint64_t sequence, const struct audit_event *event, const uint8_t hash[static 32])
{
	struct search *search = arg;

	(void)event;
	(void)hash;
	do
		search->last++;
	while (search->last < sequence && !matches(search, search->last));
	cr_assert_eq(search->last, sequence, "%" PRIu64 " was not found", search->last);
	cr_assert(matches(search, sequence));
	return ++search->count < search->limit;
}

/* Every event that is wanted, once, from behind `after`, a page after the other; how many calls that took. */
static size_t search(unsigned object, unsigned account, uint64_t after, size_t limit, bool distrusted)
{
	struct audit_wanted wanted = {.by_object = object != -1u, .by_account = account != -1u};
	struct search state = {.object = object, .account = account, .last = after};
	size_t calls = 0;

	id_of('o', object, wanted.object);
	id_of('a', account, wanted.account);
	while (after < events) {
		const uint64_t before = after;
		bool told = false;

		state.limit = limit;
		state.count = 0;
		cr_assert_eq(audit_find(view, &f.vault, &wanted, &after, expect_match, &state, &told), CORE_OK);
		cr_assert_gt(after, before);
		cr_assert_leq(after, events);
		cr_assert(!told || distrusted);
		calls++;
	}
	for (state.last++; state.last <= events; state.last++)
		cr_assert_not(matches(&state, state.last), "%" PRIu64 " was not found", state.last);
	return calls;
}

static void search_all(bool distrusted)
{
	for (unsigned object = 0; object <= OBJECTS + 1; object++)
		search(object, -1u, 0, SIZE_MAX, distrusted);
	for (unsigned account = 0; account <= ACCOUNTS + 1; account++)
		search(-1u, account, 0, SIZE_MAX, distrusted);
	search(7, 2, 0, SIZE_MAX, distrusted);
	search(-1u, -1u, 0, SIZE_MAX, distrusted);
}

Test(audit_index, events_are_found_in_what_is_indexed_and_in_what_is_not)
{
	search_all(false);
	append_until(AUDIT_INDEX_BLOCK - 1);
	make_index();
	cr_assert_eq(indexed(), 0);
	search_all(false);
	append_until(3 * AUDIT_INDEX_BLOCK + 100);
	make_index();
	cr_assert_eq(indexed(), 3 * AUDIT_INDEX_BLOCK);
	search_all(false);
	append_until(5 * AUDIT_INDEX_BLOCK + 7);
	search_all(false);
	for (uint64_t after = 0; after <= events; after += 997)
		for (size_t limit = 1; limit < 2000; limit = limit * 5 + 1)
			search(9, -1u, after, limit + 10, false);
}

Test(audit_index, a_search_does_not_look_at_what_is_not_wanted)
{
	append_until(8 * AUDIT_INDEX_BLOCK);
	cr_assert_gt(search(OBJECTS + 1, -1u, 0, SIZE_MAX, false), 6,
		     "without an index each call looks at some events");
	make_index();
	cr_assert_eq(search(OBJECTS + 1, -1u, 0, SIZE_MAX, false), 1);
	cr_assert_eq(search(3, -1u, 0, SIZE_MAX, false), 1);
}

Test(audit_index, runs_are_merged_and_events_are_still_found, .timeout = 120)
{
	struct store_audit_run run;

	append_until(AUDIT_INDEX_WIDE + 2 * AUDIT_INDEX_BLOCK);
	make_index();
	cr_assert_eq(store_audit_run_from(view, 1, &run), STORE_OK);
	cr_assert(run.first == 1 && run.last == AUDIT_INDEX_WIDE);
	cr_assert_eq(indexed(), AUDIT_INDEX_WIDE + 2 * AUDIT_INDEX_BLOCK);
	search(7, -1u, 0, SIZE_MAX, false);
	search(-1u, ACCOUNTS, 0, SIZE_MAX, false);
	search(7, 2, AUDIT_INDEX_WIDE - 5, 20, false);
}

Test(audit_index, events_that_were_archived_are_found)
{
	const struct audit_archiver_options options = {.before_ms = INT64_MAX, .late_ms = INT64_MAX};
	char text[256] = "", archive[128];
	bool more = true;

	snprintf(archive, sizeof(archive), "%s/audit-archive", f.dir);
	f.vault.archive = archive;
	append_until(3 * AUDIT_INDEX_BLOCK);
	make_index();
	while (more)
		cr_assert_eq(
			audit_archiver_step(&f.vault, view, &options, &more, &(struct files_error){text, sizeof(text)}),
			CORE_OK, "%s", text);
	append_until(5 * AUDIT_INDEX_BLOCK);
	search_all(false);
	make_index();
	search_all(false);
	cr_assert_eq(audit_indexer_reset(&f.vault), STORE_OK);
	cr_assert_eq(indexed(), 0);
	indexer = (struct audit_indexer){0};
	make_index();
	cr_assert_eq(indexed(), 5 * AUDIT_INDEX_BLOCK);
	search_all(false);
	fixture_remove(archive);
}

/* ---- an index that was altered -------------------------------------------------------------------------------------
 */

enum edit {
	EDIT_ENTRY,
	EDIT_CUT,
	EDIT_LOW,
	EDIT_HIGH,
	EDIT_SWAP,	 /* with a page of another run */
	EDIT_LOSE_PAGES, /* of a run */
	EDIT_LOSE_RUN,	 /* in the middle */
	EDIT_FALSE_RUN,	 /* with a number of entries that is not so */
	EDIT_COUNT,
};

struct page {
	struct store_audit_page row;
	uint8_t entries[AUDIT_INDEX_PAGE * 16];
};

struct edit_job {
	struct store_job job; /* first */
	enum edit edit;
	struct store_audit_run run;
	struct page page, other;
};

static bool copy_page(void *arg, const struct store_audit_page *row)
{
	struct page *page = arg;

	page->row = *row;
	memcpy(page->entries, row->entries.data, row->entries.size);
	page->row.entries.data = page->entries;
	return true; /* the last one stays: a page in the middle has no bounds of zeros and ones, but the end's high */
}

static enum store_status edit_apply(struct store_job *job, struct store_txn *txn)
{
	struct edit_job *edit = (struct edit_job *)job;
	struct store_audit_page page = edit->page.row;
	struct store_audit_run run = edit->run;
	uint64_t count;

	switch (edit->edit) {
	case EDIT_ENTRY:
		edit->page.entries[0] ^= 1;
		break;
	case EDIT_CUT:
		page.entries.size -= 16;
		break;
	case EDIT_LOW:
		page.low[0] ^= 1;
		break;
	case EDIT_HIGH:
		page.high[15] ^= 1;
		break;
	case EDIT_SWAP:
		memcpy(page.mac, edit->other.row.mac, sizeof(page.mac));
		page.entries = edit->other.row.entries;
		break;
	case EDIT_LOSE_PAGES:
		return store_audit_page_remove(txn, run.last, run.last, INT64_MAX, 1, &count);
	case EDIT_LOSE_RUN:
		return store_audit_run_remove(txn, run.last, run.last);
	case EDIT_FALSE_RUN:
		run.entries++;
		return store_audit_run_remove(txn, run.last, run.last) == STORE_OK ? store_audit_run_insert(txn, &run)
										   : STORE_IO;
	case EDIT_COUNT:
		break;
	}
	return store_audit_page_put(txn, &page);
}

static bool count_all(void *arg, uint64_t sequence, const struct audit_event *event, const uint8_t hash[static 32])
{
	(void)hash;
	check_index_event(arg, sequence, event);
	return true;
}

/* How many faults there are, the first of which is named in `report`. */
static uint64_t check(char report[static 512])
{
	struct check_index *index = check_index_new();
	FILE *file = fmemopen(report, 512, "w");
	uint64_t after = 0, faults = 0;

	cr_assert(index && file);
	cr_assert_eq(audit_read(view, &f.vault, &after, SIZE_MAX, count_all, index), CORE_OK);
	cr_assert_eq(after, events);
	cr_assert_eq(check_index_compare(index, &f.vault, view, file, &faults), CORE_OK);
	fclose(file);
	check_index_free(index);
	return faults;
}

Test(audit_index, whatever_is_altered_is_named_and_hides_nothing)
{
	static struct edit_job edit;

	append_until(4 * AUDIT_INDEX_BLOCK + 50);
	for (int i = 0; i < EDIT_COUNT; i++) {
		char report[512] = "", name[64];

		make_index();
		cr_assert_eq(check(report), 0, "%s", report);
		cr_assert_eq(store_audit_run_from(view, AUDIT_INDEX_BLOCK + 1, &edit.run), STORE_OK);
		cr_assert_eq(edit.run.first, AUDIT_INDEX_BLOCK + 1);
		cr_assert_eq(store_audit_page_list(view, &edit.run, copy_page, &edit.page), STORE_OK);
		edit.run.last += AUDIT_INDEX_BLOCK;
		edit.run.first += AUDIT_INDEX_BLOCK;
		cr_assert_eq(store_audit_page_list(view, &edit.run, copy_page, &edit.other), STORE_OK);
		cr_assert_eq(store_audit_run_from(view, AUDIT_INDEX_BLOCK + 1, &edit.run), STORE_OK);
		edit.edit = (enum edit)i;
		edit.job = (struct store_job){.apply = edit_apply};
		cr_assert_eq(store_run(f.vault.store, &edit.job), STORE_OK);
		cr_assert_gt(check(report), 0, "edit %d", i);
		snprintf(name, sizeof(name), "audit index: events %d to %d: ",
			 i == EDIT_LOSE_RUN ? 2 * AUDIT_INDEX_BLOCK + 1 : AUDIT_INDEX_BLOCK + 1,
			 i == EDIT_LOSE_RUN ? 3 * AUDIT_INDEX_BLOCK : 2 * AUDIT_INDEX_BLOCK);
		cr_assert_not_null(strstr(report, name), "edit %d: %s", i, report);
		search_all(true);
		cr_assert_eq(audit_indexer_reset(&f.vault), CORE_OK);
	}
}

Test(audit_index, an_index_that_lacks_an_event_is_noticed_though_its_macs_are_right)
{
	struct check_index *index = check_index_new();
	uint64_t after = 0, faults = 0;
	char report[512] = "";
	FILE *file = fmemopen(report, sizeof(report), "w");
	struct audit_event more = {.time_ms = 1000, .action = AUDIT_RECORD_READ};

	cr_assert(index && file);
	append_until(2 * AUDIT_INDEX_BLOCK);
	make_index();
	id_of('o', 3, more.object_id);
	cr_assert_eq(audit_read(view, &f.vault, &after, AUDIT_INDEX_BLOCK - 1, count_all, index), CORE_OK);
	check_index_event(index, AUDIT_INDEX_BLOCK, &more); /* in place of another */
	after++;
	cr_assert_eq(audit_read(view, &f.vault, &after, SIZE_MAX, count_all, index), CORE_OK);
	cr_assert_eq(check_index_compare(index, &f.vault, view, file, &faults), CORE_OK);
	fclose(file);
	check_index_free(index);
	cr_assert_eq(faults, 1);
	cr_assert_not_null(strstr(report, "events 1 to 4096: it does not tell of the events that there are"), "%s",
			   report);
}
