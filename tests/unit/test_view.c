/* Views whose snapshots linger: what they find at once, what later, and what ends them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/audit.h"
#include "db/internal.h"
#include "tests/unit/support/fixture.h"

enum { LINGER_MS = 10 };

static char dir[64], path[96];
static struct store *store;
static struct store_view *view, *plain;

static void setup(void)
{
	fixture_directory(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/coffer.db", dir);
	store = fixture_store(path);
	cr_assert_eq(store_view_new(store, &view), STORE_OK);
	cr_assert_eq(store_view_new(store, &plain), STORE_OK);
	store_view_linger(view, LINGER_MS);
}

static void teardown(void)
{
	store_view_free(view);
	store_view_free(plain);
	store_close(store);
	fixture_remove(dir);
}

TestSuite(view, .init = setup, .fini = teardown, .timeout = 30);

struct writing {
	struct store_job job; /* first */
	bool to_log, to_settings;
	uint8_t value;
};

static enum store_status writing_apply(struct store_job *job, struct store_txn *txn)
{
	const struct writing *writing = (struct writing *)job;
	const struct store_audit_event event = {.sequence = writing->value, .event = {&writing->value, 1}};
	enum store_status status = writing->to_log ? store_audit_insert(txn, &event) : STORE_OK;

	if (status == STORE_OK && writing->to_settings)
		status = store_setting_put(txn, "value", &writing->value, 1);
	return status;
}

static void write_value(uint8_t value, bool to_log, bool to_settings)
{
	struct writing writing = {
		.job = {.apply = writing_apply}, .to_log = to_log, .to_settings = to_settings, .value = value};

	cr_assert_eq(store_run(store, &writing.job), STORE_OK);
}

/* 0: there is none. */
static uint8_t setting_in(struct store_view *in)
{
	enum store_status status;
	uint8_t value = 0;
	size_t size;

	cr_assert_eq(store_view_begin(in), STORE_OK);
	status = store_setting_get(in, "value", &value, 1, &size);
	store_view_end(in);
	cr_assert(status == STORE_OK || status == STORE_NOT_FOUND);
	return value;
}

static uint64_t event_in(struct store_view *in)
{
	struct store_audit_event *event = NULL;
	uint64_t sequence = 0;

	cr_assert_eq(store_view_begin(in), STORE_OK);
	if (store_audit_last(in, &event) == STORE_OK)
		sequence = event->sequence;
	store_view_end(in);
	free(event);
	return sequence;
}

Test(view, finds_at_once_whatever_was_committed)
{
	for (uint8_t value = 1; value < 200; value++) {
		write_value(value, value % 2, true);
		cr_assert_eq(setting_in(view), value);
	}
}

/* One that is too slow for a snapshot's 10 ms has another try. */
Test(view, keeps_its_snapshot_over_events)
{
	bool kept = false;

	for (uint8_t value = 1; !kept && value < 200; value++) {
		write_value(value, true, true);
		cr_assert_eq(event_in(view), value);
		write_value(++value, true, false);
		cr_assert_eq(event_in(plain), value);
		kept = event_in(view) == value - 1U;
	}
	cr_assert(kept);
}

Test(view, does_not_keep_it_for_long)
{
	cr_assert_eq(store_view_rest(view), -1);
	write_value(1, true, true);
	cr_assert_eq(event_in(view), 1);
	write_value(2, true, false);
	usleep((LINGER_MS + 1) * 1000);
	cr_assert_eq(event_in(view), 2);
}

Test(view, is_let_go_of_when_its_time_has_come)
{
	write_value(1, true, true);
	cr_assert_eq(event_in(view), 1);
	usleep((LINGER_MS + 1) * 1000);
	cr_assert_eq(store_view_rest(view), -1);
	/* With a snapshot open, the write-ahead log could not be emptied. */
	write_value(2, true, true);
	cr_assert_eq(store_checkpoint_truncate(store), STORE_OK);
}

Test(view, is_in_the_way_of_a_checkpoint_until_then)
{
	write_value(1, true, true);
	cr_assert_eq(event_in(view), 1);
	cr_assert_eq(store_checkpoint_truncate(store), STORE_BUSY);
	while (store_view_rest(view) >= 0)
		usleep(1000);
	cr_assert_eq(store_checkpoint_truncate(store), STORE_OK);
}

Test(view, that_does_not_linger_has_nothing_to_let_go_of)
{
	cr_assert_eq(setting_in(plain), 0);
	cr_assert_eq(store_view_rest(plain), -1);
	store_view_linger(view, 0);
	cr_assert_eq(setting_in(view), 0);
	cr_assert_eq(store_view_rest(view), -1);
}

/* As SQLite does by itself when memory or the disk fails a statement. */
Test(view, whose_transaction_was_ended_does_not_linger)
{
	write_value(1, true, true);
	cr_assert_eq(store_view_begin(view), STORE_OK);
	cr_assert_eq(sql_exec(view->sql, "ROLLBACK"), STORE_OK);
	store_view_end(view);
	cr_assert_eq(store_view_rest(view), -1);
	cr_assert_eq(store_view_begin(view), STORE_OK);
	cr_assert(sql_in_transaction(view->sql));
	store_view_end(view);
}
