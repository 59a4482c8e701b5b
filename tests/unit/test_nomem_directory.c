/* The directory with each allocation failing in turn: its own, the store's and SQLite's. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/store.h"
#include "tests/unit/support/nomem.h"
#include "tests/unit/support/partners.h"

enum { NO_END = 20000 };

static struct fixture fixture;
static struct store_view *view;
static long live_before;

static void setup(void)
{
	nomem_sqlite();
	for (unsigned i = 0; i < PARTNERS_KEYS; i++)
		(void)partners_key(i);
	live_before = nomem_live();
	fixture_open(&fixture);
	cr_assert_eq(store_view_new(fixture.vault.store, &view), STORE_OK);
	partners_enroll(&fixture, "bob", partners_key(0), NULL);
	partners_enroll(&fixture, "carl", partners_key(1), NULL);
}

static void teardown(void)
{
	store_view_free(view);
	fixture_close(&fixture);
	cr_assert_eq(nomem_live(), live_before, "%ld blocks were not given back", nomem_live() - live_before);
}

TestSuite(nomem_directory, .init = setup, .fini = teardown, .timeout = 120);

/* What a call may answer when memory ran out in it. SQLite's own I/O may fail for lack of memory. */
static void assert_told(enum core_status status, size_t n, const char *what)
{
	cr_assert(status == CORE_NOMEM || status == CORE_UNAVAILABLE || status == CORE_UNKNOWN,
		  "%s, allocation %zu: %d", what, n, (int)status);
}

/* The store's own threads allocate and free now and then: what they hold passes, a leak stays. */
static bool falls_to(long live)
{
	for (int i = 0; i < 5000 && nomem_live() > live; i++)
		usleep(1000);
	return nomem_live() <= live;
}

static bool count_row(void *arg, const struct store_directory_key *row)
{
	(void)row;
	++*(size_t *)arg;
	return true;
}

/* Everything that is read of the directory; a wrong value ends the test. */
static enum core_status read_all(size_t n)
{
	struct directory_entry entry, entries[3];
	struct rsakey_public *key = NULL;
	size_t listed = 0, changes = 0;
	enum core_status status = directory_find(&fixture.vault, view, "bob", &entry, &key);

	if (status != CORE_OK)
		cr_assert_null(key, "allocation %zu", n);
	else
		cr_assert(entry.sequence == 1 && entry.bits == 2048, "allocation %zu", n);
	rsakey_public_free(key);
	if (status == CORE_OK)
		status = directory_list(&fixture.vault, view, "", 3, entries, &listed);
	if (status == CORE_OK)
		status = directory_history(&fixture.vault, view, "carl", 0, 3, count_row, &changes);
	if (status == CORE_OK)
		cr_assert(listed == 2 && changes == 1, "allocation %zu", n);
	return status;
}

static void read_starving(enum nomem_mode mode)
{
	const long live = nomem_live();
	size_t n = 0;

	for (bool starved = true; starved; n++) {
		cr_assert_lt(n, NO_END);
		nomem_arm(n, mode);
		const enum core_status status = read_all(n);
		starved = nomem_disarm();
		cr_assert(starved || status == CORE_OK);
		if (status != CORE_OK)
			assert_told(status, n, "reading");
		cr_assert(falls_to(live), "allocation %zu: a leak", n);
	}
	cr_assert_gt(n, 20, "SQLite did not take part");
}

/* Above all never as a name that is not known, or a row that is damaged. */
Test(nomem_directory, what_cannot_be_read_is_told_as_such)
{
	read_starving(NOMEM_ONCE);
}

Test(nomem_directory, so_it_is_when_memory_stays_short)
{
	read_starving(NOMEM_AFTER);
}

Test(nomem_directory, a_change_happens_whole_or_not_at_all)
{
	size_t n = 0;

	for (bool starved = true; starved; n++) {
		char name[16];
		struct partners_put put = {.name = name, .key = partners_key(2), .open_enrollment = true};
		struct directory_entry entry;
		struct store_account *account = NULL;

		cr_assert_lt(n, NO_END);
		snprintf(name, sizeof(name), "n%zu", n);
		cr_assert_eq(partners_prove(&fixture, &put), CORE_OK);
		nomem_arm(n, NOMEM_ONCE);
		const enum core_status status = partners_apply(&fixture, &put);
		starved = nomem_disarm();
		partners_done(&put);

		if (status != CORE_OK)
			assert_told(status, n, "enrolling");
		const enum core_status found = directory_find(&fixture.vault, view, name, &entry, NULL);
		const enum store_status has_account = store_account_by_name(view, name, &account);
		free(account);
		if (status != CORE_UNKNOWN)
			cr_assert_eq(found, status == CORE_OK ? CORE_OK : CORE_NOT_FOUND, "allocation %zu", n);
		cr_assert_eq(has_account == STORE_OK, found == CORE_OK, "allocation %zu: an account without a key", n);
	}
	cr_assert_gt(n, 10, "SQLite did not take part");
}

Test(nomem_directory, deciding_gives_back_what_it_took)
{
	struct directory_put put = {.vault = &fixture.vault, .name = "bob", .principal = &fixture.principal};
	const long live = nomem_live();
	size_t n = 0;

	for (bool starved = true; starved; n++) {
		cr_assert_lt(n, NO_END);
		nomem_arm(n, NOMEM_ONCE);
		const enum core_status status = directory_put_decide(&put, view);
		starved = nomem_disarm();
		if (status != CORE_OK)
			assert_told(status, n, "deciding");
		cr_assert_eq(put.old_key != NULL, status == CORE_OK, "allocation %zu", n);
		directory_put_done(&put);
		cr_assert(falls_to(live), "allocation %zu: a leak", n);
	}
	cr_assert_gt(n, 2);
}
