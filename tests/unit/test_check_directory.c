/* What `coffer check` says of names, their keys and invites (server/core/check_tables.c, check_audit.c). */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "server/core/audit.h"
#include "server/core/check.h"
#include "server/core/clock.h"
#include "server/core/invite.h"
#include "tests/unit/support/partners.h"

static struct fixture fixture;
static struct directory_entry bob;

/* ---- what happened ------------------------------------------------------------------------------------------------
 */

struct telling {
	struct store_job job; /* first */
	struct audit_event event;
};

static enum store_status tell_apply(struct store_job *job, struct store_txn *txn)
{
	return audit_append(&fixture.vault, txn, &((struct telling *)job)->event);
}

static void tell_settled(struct store_job *job, bool committed)
{
	(void)job;
	audit_settled(&fixture.vault, committed);
}

/* As the request that did it would have. */
static void tell(enum audit_action action, uint64_t sequence, unsigned outcome)
{
	struct telling telling = {
		.job = {.apply = tell_apply, .settled = tell_settled},
		.event = {.action = action, .version = sequence, .outcome = outcome, .time_ms = clock_unix_ms()}};

	memcpy(telling.event.object_id, bob.account_id, 16);
	memcpy(telling.event.account_id, fixture.principal.account_id, 16);
	cr_assert_eq(store_run(fixture.vault.store, &telling.job), STORE_OK);
}

static enum store_status invite_apply(struct fixture *f, struct store_txn *txn, void *arg, enum core_status *ret_result)
{
	return invite_make_apply(&f->vault, txn, arg, (const uint8_t[32]){1}, &f->principal, ret_result);
}

/* Added, replaced, removed; and an invite. */
static void setup(void)
{
	struct partners_put put = {.name = "bob", .key = partners_key(1), .old_key = partners_key(0)};
	struct invite invite = {.invite_id = {1}, .name = "eve", .created_ms = 1, .expires_ms = 2};

	fixture_open(&fixture);
	partners_enroll(&fixture, "bob", partners_key(0), &bob);
	tell(AUDIT_KEY_PUT, 1, 201);
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	tell(AUDIT_KEY_PUT, 2, 200);
	tell(AUDIT_KEY_PUT, 0, 403);
	cr_assert_eq(partners_remove(&fixture, "bob", &fixture.principal), CORE_OK);
	tell(AUDIT_KEY_REMOVE, 3, 204);
	tell(AUDIT_KEY_REMOVE, 9, 404);
	cr_assert_eq(partners_run(&fixture, invite_apply, &invite), CORE_OK);
}

static void teardown(void)
{
	fixture_close(&fixture);
}

TestSuite(check_directory, .init = setup, .fini = teardown, .timeout = 60);

/* ---- what is found ------------------------------------------------------------------------------------------------
 */

#define NAME(name, text) [CHECK_##name] = #name,
static const char *const NAMES[] = {CHECK_FAILURES(NAME)};

/* "key 3 HISTORY, " and so on. */
static void on_fault(void *arg, const struct check_fault *fault)
{
	char *text = arg;
	const size_t used = strlen(text), room = 512 - used;

	if (fault->subject == CHECK_DIRECTORY_KEY)
		snprintf(text + used, room, "key %u %s, ", (unsigned)fault->version, NAMES[fault->failure]);
	else if (fault->subject == CHECK_INVITE)
		snprintf(text + used, room, "invite %s, ", NAMES[fault->failure]);
	else if (fault->subject == CHECK_ACCOUNT)
		snprintf(text + used, room, "account %s, ", NAMES[fault->failure]);
	else
		snprintf(text + used, room, "subject %u %s, ", (unsigned)fault->subject, NAMES[fault->failure]);
}

static void assert_found(const char *edit, const char *expected)
{
	char found[512] = "";
	const struct check_options options = {.vault = &fixture.vault, .threads = 1, .fault = on_fault, .arg = found};
	struct check_totals totals = {0};
	FILE *report = fopen("/dev/null", "w");
	bool whole = false;

	cr_assert_eq(check_run(&options, &totals, &whole), CORE_OK);
	cr_assert(whole);
	cr_assert_eq(check_audit(&options, report, &totals, &whole), CORE_OK);
	cr_assert(whole);
	fclose(report);
	cr_expect_str_eq(found, expected, "%s: found \"%s\", not \"%s\"", edit, found, expected);
}

Test(check_directory, a_directory_that_is_whole_has_no_fault)
{
	assert_found("nothing", "");
}

Test(check_directory, every_edit_is_named)
{
	static const char *const EDITS[][2] = {
		{"DELETE FROM directory_key WHERE sequence = 3", "key 3 HISTORY, "},
		{"DELETE FROM directory_key WHERE sequence > 1", "key 2 HISTORY, key 3 HISTORY, "},
		{"DELETE FROM directory_key", "key 1 HISTORY, key 2 HISTORY, key 3 HISTORY, "},
		{"DELETE FROM directory_key WHERE sequence = 1", "key 2 KEY_CHAIN, "},
		{"DELETE FROM directory_key WHERE sequence = 2", "key 3 KEY_CHAIN, "},
		{"UPDATE directory_key SET authority = 1 WHERE sequence = 2", "key 2 ROW_MAC, "},
		{"UPDATE directory_key SET name = '' WHERE sequence = 1", "key 1 ROW_MAC, key 2 KEY_CHAIN, "},
		{"UPDATE directory_key SET name = 'bo' WHERE sequence = 3", "key 3 ROW_MAC, "},
		{"UPDATE directory_key SET name = printf('%.1000c', 'n') WHERE sequence = 3", "key 3 ROW_MAC, "},
		{"DELETE FROM account WHERE name = 'bob'", "key 1 NO_ACCOUNT, key 2 NO_ACCOUNT, key 3 NO_ACCOUNT, "},
		{"UPDATE invite SET state = 2", "invite ROW_MAC, "},
		{"UPDATE invite SET expires_ms = 3", "invite ROW_MAC, "},
	};
	sqlite3 *db = NULL;

	cr_assert_eq(sqlite3_open(fixture.path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	for (size_t i = 0; i < sizeof(EDITS) / sizeof(EDITS[0]); i++) {
		cr_assert_eq(sqlite3_exec(db,
					  "CREATE TEMP TABLE k AS SELECT * FROM directory_key;"
					  "CREATE TEMP TABLE a AS SELECT * FROM account;"
					  "CREATE TEMP TABLE i AS SELECT * FROM invite",
					  NULL, NULL, NULL),
			     SQLITE_OK);
		cr_assert_eq(sqlite3_exec(db, EDITS[i][0], NULL, NULL, NULL), SQLITE_OK, "%s", EDITS[i][0]);
		assert_found(EDITS[i][0], EDITS[i][1]);
		cr_assert_eq(sqlite3_exec(db,
					  "DELETE FROM directory_key; INSERT INTO directory_key SELECT * FROM k;"
					  "DELETE FROM account; INSERT INTO account SELECT * FROM a;"
					  "DELETE FROM invite; INSERT INTO invite SELECT * FROM i;"
					  "DROP TABLE k; DROP TABLE a; DROP TABLE i",
					  NULL, NULL, NULL),
			     SQLITE_OK);
	}
	sqlite3_close(db);
	assert_found("put back", "");
}

Test(check_directory, a_row_of_another_past_is_named)
{
	struct partners_put put = {.name = "bob", .key = partners_key(2), .principal = &fixture.principal};
	sqlite3 *db = NULL;

	cr_assert_eq(sqlite3_open(fixture.path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	cr_assert_eq(sqlite3_exec(db,
				  "CREATE TEMP TABLE past AS SELECT * FROM directory_key WHERE sequence = 2;"
				  "DELETE FROM directory_key WHERE sequence > 1",
				  NULL, NULL, NULL),
		     SQLITE_OK);
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	cr_assert_eq(partners_remove(&fixture, "bob", &fixture.principal), CORE_OK);
	assert_found("lived again", "");
	cr_assert_eq(sqlite3_exec(db,
				  "DELETE FROM directory_key WHERE sequence = 2;"
				  "INSERT INTO directory_key SELECT * FROM past",
				  NULL, NULL, NULL),
		     SQLITE_OK);
	assert_found("put back", "key 3 KEY_CHAIN, ");
	sqlite3_close(db);
}
