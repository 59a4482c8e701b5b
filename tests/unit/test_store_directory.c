/* Names, their keys and invites in the store (db/directory.c), and sessions among the tokens (db/account.c). */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/store.h"
#include "tests/unit/support/fixture.h"

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

TestSuite(store_directory, .init = setup, .fini = teardown);

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

enum what { INSERT_KEY, INSERT_INVITE, UPDATE_INVITE, INSERT_ACCOUNT, INSERT_TOKEN, UPDATE_TOKEN, EXPIRE_TOKENS };

struct write {
	struct store_job job; /* first */
	enum what what;
	const void *row;
	int64_t before_ms;
	size_t limit;
	uint64_t count;
};

static enum store_status write_apply(struct store_job *job, struct store_txn *txn)
{
	struct write *write = (struct write *)job;

	switch (write->what) {
	case INSERT_KEY:
		return store_directory_insert(txn, write->row);
	case INSERT_INVITE:
		return store_invite_insert(txn, write->row);
	case UPDATE_INVITE:
		return store_invite_update(txn, write->row);
	case INSERT_ACCOUNT:
		return store_account_insert(txn, write->row);
	case INSERT_TOKEN:
		return store_token_insert(txn, write->row);
	case UPDATE_TOKEN:
		return store_token_update(txn, write->row);
	case EXPIRE_TOKENS:
		return store_token_expire(txn, write->before_ms, write->limit, &write->count);
	}
	return STORE_IO;
}

static enum store_status run(enum what what, const void *row)
{
	struct write write = {.job = {.apply = write_apply}, .what = what, .row = row};

	return store_run(store, &write.job);
}

static struct store_bytes bytes(const char *text)
{
	return (struct store_bytes){(const uint8_t *)text, strlen(text)};
}

static bool same_bytes(struct store_bytes a, struct store_bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Every column different, and from row to row. */
static struct store_directory_key a_key(const char *name, uint64_t sequence, enum store_key_change change)
{
	struct store_directory_key row = {.name = bytes(name),
					  .sequence = sequence,
					  .change = (uint8_t)change,
					  .authority = 5,
					  .created_ms = 1000 + (int64_t)sequence,
					  .spki = bytes("spki"),
					  .signature = bytes("signature"),
					  .old_signature = bytes(sequence > 1 ? "old signature" : ""),
					  .origin = bytes("https://localhost")};

	memset(row.account_id, name[0], sizeof(row.account_id));
	memset(row.previous, 0x10 + (int)sequence, sizeof(row.previous));
	memset(row.hash, 0x20 + (int)sequence, sizeof(row.hash));
	memset(row.mac, 0x30 + (int)sequence, sizeof(row.mac));
	return row;
}

static void add_key(const char *name, uint64_t sequence, enum store_key_change change)
{
	const struct store_directory_key row = a_key(name, sequence, change);

	cr_assert_eq(run(INSERT_KEY, &row), STORE_OK, "%s %lu", name, (unsigned long)sequence);
}

static bool same_key(const struct store_directory_key *a, const struct store_directory_key *b)
{
	return same_bytes(a->name, b->name) && a->sequence == b->sequence &&
	       memcmp(a->account_id, b->account_id, 16) == 0 && a->change == b->change &&
	       a->authority == b->authority && a->created_ms == b->created_ms && same_bytes(a->spki, b->spki) &&
	       same_bytes(a->signature, b->signature) && same_bytes(a->old_signature, b->old_signature) &&
	       same_bytes(a->origin, b->origin) && memcmp(a->previous, b->previous, 32) == 0 &&
	       memcmp(a->hash, b->hash, 32) == 0 && memcmp(a->mac, b->mac, 32) == 0;
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

struct seen {
	char text[512]; /* "bob 1, bob 2, " */
	size_t stop_after;
	size_t count;
};

static bool see_key(void *arg, const struct store_directory_key *row)
{
	struct seen *seen = arg;
	const struct store_directory_key want = a_key(row->name.data[0] == 'b'	 ? "bob"
						      : row->name.data[0] == 'c' ? "carl"
										 : "dora",
						      row->sequence, (enum store_key_change)row->change);
	const size_t used = strlen(seen->text);

	cr_assert(same_key(row, &want));
	snprintf(seen->text + used, sizeof(seen->text) - used, "%.*s %lu, ", (int)row->name.size, row->name.data,
		 (unsigned long)row->sequence);
	return ++seen->count != seen->stop_after;
}

static void some_keys(void)
{
	add_key("bob", 1, STORE_KEY_ADDED);
	add_key("dora", 1, STORE_KEY_ADDED);
	add_key("carl", 1, STORE_KEY_ADDED);
	add_key("bob", 2, STORE_KEY_REPLACED);
	add_key("carl", 2, STORE_KEY_REMOVED);
	add_key("bob", 3, STORE_KEY_REPLACED);
}

Test(store_directory, the_last_change_counts_and_comes_back_whole)
{
	const struct store_directory_key third = a_key("bob", 3, STORE_KEY_REPLACED);
	struct store_directory_key *row = NULL;
	uint64_t sequence = 0;

	some_keys();
	cr_assert_eq(store_directory_latest(view, "bob", &row), STORE_OK);
	cr_assert(same_key(row, &third));
	free(row);
	row = NULL;
	cr_assert_eq(store_directory_latest(view, "bo", &row), STORE_NOT_FOUND);
	cr_assert_eq(store_directory_latest(view, "Bob", &row), STORE_NOT_FOUND, "folding is the caller's");
	cr_assert_null(row);
	cr_assert_eq(store_directory_sequence(view, third.account_id, &sequence), STORE_OK);
	cr_assert_eq(sequence, 3);
	cr_assert_eq(store_directory_sequence(view, third.hash, &sequence), STORE_NOT_FOUND);
}

Test(store_directory, a_change_is_never_written_over)
{
	struct store_directory_key again = a_key("bob", 1, STORE_KEY_REMOVED);
	struct store_directory_key *row = NULL;

	add_key("bob", 1, STORE_KEY_ADDED);
	cr_assert_eq(run(INSERT_KEY, &again), STORE_CONFLICT);
	cr_assert_eq(store_directory_latest(view, "bob", &row), STORE_OK);
	cr_assert_eq(row->change, STORE_KEY_ADDED);
	free(row);
}

Test(store_directory, keys_are_listed_by_name_without_the_removed)
{
	struct seen all = {0}, page = {0}, rest = {0}, one = {.stop_after = 1};

	some_keys();
	cr_assert_eq(store_directory_list(view, "", 10, see_key, &all), STORE_OK);
	cr_assert_str_eq(all.text, "bob 3, dora 1, ");
	cr_assert_eq(store_directory_list(view, "", 1, see_key, &page), STORE_OK);
	cr_assert_str_eq(page.text, "bob 3, ");
	cr_assert_eq(store_directory_list(view, "bob", 10, see_key, &rest), STORE_OK);
	cr_assert_str_eq(rest.text, "dora 1, ");
	cr_assert_eq(store_directory_list(view, "", 10, see_key, &one), STORE_OK);
	cr_assert_str_eq(one.text, "bob 3, ");
}

Test(store_directory, the_history_is_all_changes_in_their_order)
{
	struct seen all = {0}, page = {0}, every = {0}, none = {0};

	some_keys();
	cr_assert_eq(store_directory_history(view, "bob", 0, 10, see_key, &all), STORE_OK);
	cr_assert_str_eq(all.text, "bob 1, bob 2, bob 3, ");
	cr_assert_eq(store_directory_history(view, "bob", 1, 1, see_key, &page), STORE_OK);
	cr_assert_str_eq(page.text, "bob 2, ");
	cr_assert_eq(store_directory_history(view, "eve", 0, 10, see_key, &none), STORE_OK);
	cr_assert_eq(none.count, 0);
	cr_assert_eq(store_directory_walk(view, see_key, &every), STORE_OK);
	cr_assert_str_eq(every.text, "bob 1, bob 2, bob 3, carl 1, carl 2, dora 1, ");
}

Test(store_directory, a_column_of_another_length_is_corruption)
{
	static const char *const EDITS[] = {
		"PRAGMA ignore_check_constraints = 1; UPDATE directory_key SET account_id = x'00'",
		"PRAGMA ignore_check_constraints = 1; UPDATE directory_key SET previous = x'00'",
		"PRAGMA ignore_check_constraints = 1; UPDATE directory_key SET hash = zeroblob(33)",
		"PRAGMA ignore_check_constraints = 1; UPDATE directory_key SET mac = ''",
		"UPDATE directory_key SET change = 256",
		"UPDATE directory_key SET authority = -1",
	};
	struct store_directory_key *row = NULL;

	for (size_t i = 0; i < sizeof(EDITS) / sizeof(EDITS[0]); i++) {
		struct seen seen = {0};
		sqlite3 *db = NULL;

		add_key("bob", 1, STORE_KEY_ADDED);
		cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
		sqlite3_busy_timeout(db, 5000);
		cr_assert_eq(sqlite3_exec(db, EDITS[i], NULL, NULL, NULL), SQLITE_OK, "%s", EDITS[i]);
		cr_expect_eq(store_directory_latest(view, "bob", &row), STORE_CORRUPT, "%s", EDITS[i]);
		cr_expect_eq(store_directory_list(view, "", 9, see_key, &seen), STORE_CORRUPT, "%s", EDITS[i]);
		cr_expect_eq(store_directory_history(view, "bob", 0, 9, see_key, &seen), STORE_CORRUPT, "%s", EDITS[i]);
		cr_expect_null(row);
		cr_expect_eq(seen.count, 0);
		cr_assert_eq(sqlite3_exec(db, "DELETE FROM directory_key", NULL, NULL, NULL), SQLITE_OK);
		sqlite3_close(db);
	}
}

/* ---- invites ------------------------------------------------------------------------------------------------------
 */

static struct store_invite an_invite(uint8_t number)
{
	struct store_invite row = {.invite_id = {number},
				   .revision = 1,
				   .state = STORE_INVITE_OPEN,
				   .hash = {0x40, number},
				   .name = bytes("bob"),
				   .scopes = 8,
				   .created_ms = 1000,
				   .expires_ms = 2000 + number,
				   .made_by = {0x50},
				   .mac = {0x60, number}};

	return row;
}

static bool same_invite(const struct store_invite *a, const struct store_invite *b)
{
	return memcmp(a->invite_id, b->invite_id, 16) == 0 && a->revision == b->revision && a->state == b->state &&
	       memcmp(a->hash, b->hash, 32) == 0 && same_bytes(a->name, b->name) && a->scopes == b->scopes &&
	       a->created_ms == b->created_ms && a->expires_ms == b->expires_ms &&
	       memcmp(a->made_by, b->made_by, 16) == 0 && memcmp(a->used_by, b->used_by, 16) == 0 &&
	       memcmp(a->mac, b->mac, 32) == 0;
}

Test(store_directory, an_invite_is_found_by_id_and_by_hash)
{
	const struct store_invite one = an_invite(1), two = an_invite(2);
	struct store_invite *row = NULL;

	cr_assert_eq(run(INSERT_INVITE, &one), STORE_OK);
	cr_assert_eq(run(INSERT_INVITE, &two), STORE_OK);
	cr_assert_eq(run(INSERT_INVITE, &two), STORE_CONFLICT);
	cr_assert_eq(store_invite_get(view, two.invite_id, &row), STORE_OK);
	cr_assert(same_invite(row, &two));
	free(row);
	cr_assert_eq(store_invite_by_hash(view, one.hash, &row), STORE_OK);
	cr_assert(same_invite(row, &one));
	free(row);
	row = NULL;
	cr_assert_eq(store_invite_by_hash(view, one.mac, &row), STORE_NOT_FOUND);
	cr_assert_eq(store_invite_get(view, one.made_by, &row), STORE_NOT_FOUND);
	cr_assert_null(row);
}

static bool see_invite(void *arg, const struct store_invite *row)
{
	const struct store_invite want = an_invite(row->invite_id[0]);

	cr_assert(same_invite(row, &want));
	*(unsigned *)arg = *(unsigned *)arg * 10 + row->invite_id[0];
	return row->invite_id[0] != 4;
}

Test(store_directory, invites_are_listed_by_id)
{
	unsigned all = 0, page = 0;

	for (uint8_t i = 5; i > 0; i--) {
		const struct store_invite row = an_invite(i);

		cr_assert_eq(run(INSERT_INVITE, &row), STORE_OK);
	}
	cr_assert_eq(store_invite_list(view, NULL, 9, see_invite, &all), STORE_OK);
	cr_assert_eq(all, 1234, "and the visit can end it: %u", all);
	cr_assert_eq(store_invite_list(view, an_invite(1).invite_id, 2, see_invite, &page), STORE_OK);
	cr_assert_eq(page, 23);
}

Test(store_directory, an_invite_changes_in_what_may_change)
{
	struct store_invite one = an_invite(1), two = an_invite(2), changed = one;
	struct store_invite *row = NULL;

	cr_assert_eq(run(INSERT_INVITE, &one), STORE_OK);
	cr_assert_eq(run(INSERT_INVITE, &two), STORE_OK);
	changed.revision = one.revision = 2;
	changed.state = one.state = STORE_INVITE_USED;
	changed.used_by[3] = one.used_by[3] = 9;
	changed.mac[5] = one.mac[5] = 7;
	changed.expires_ms = 99;
	changed.name = bytes("eve");
	cr_assert_eq(run(UPDATE_INVITE, &changed), STORE_OK);
	cr_assert_eq(store_invite_get(view, one.invite_id, &row), STORE_OK);
	cr_assert(same_invite(row, &one));
	free(row);
	cr_assert_eq(store_invite_get(view, two.invite_id, &row), STORE_OK);
	cr_assert(same_invite(row, &two));
	free(row);
	changed.invite_id[0] = 3;
	cr_assert_eq(run(UPDATE_INVITE, &changed), STORE_NOT_FOUND);
}

/* ---- sessions -----------------------------------------------------------------------------------------------------
 */

static const struct store_account BOB = {
	.account_id = {1}, .revision = 1, .state = 1, .scopes = 8, .name = {(const uint8_t *)"bob", 3}};

static struct store_token a_session(uint8_t number, int64_t expires_ms, int64_t idle_ms)
{
	struct store_token row = {.token_id = {number},
				  .revision = 1,
				  .state = 1,
				  .hash = {number},
				  .account_id = {1},
				  .scopes = 8,
				  .created_ms = 10,
				  .expires_ms = expires_ms,
				  .description = bytes("login"),
				  .idle_ms = idle_ms,
				  .used_ms = 11};

	return row;
}

Test(store_directory, an_active_session_is_found_by_its_account)
{
	struct store_token token = a_session(1, 0, 0), session = a_session(2, 50, 900), *row = NULL;

	cr_assert_eq(run(INSERT_ACCOUNT, &BOB), STORE_OK);
	cr_assert_eq(run(INSERT_TOKEN, &token), STORE_OK);
	cr_assert_eq(store_token_session(view, BOB.account_id, &row), STORE_NOT_FOUND, "one without idle time is none");
	cr_assert_eq(run(INSERT_TOKEN, &session), STORE_OK);
	cr_assert_eq(store_token_session(view, BOB.account_id, &row), STORE_OK);
	cr_assert_eq(row->token_id[0], 2);
	cr_assert(row->idle_ms == 900 && row->used_ms == 11 && row->expires_ms == 50);
	free(row);
	row = NULL;
	session.used_ms = 12;
	session.state = 2;
	cr_assert_eq(run(UPDATE_TOKEN, &session), STORE_OK);
	cr_assert_eq(store_token_session(view, BOB.account_id, &row), STORE_NOT_FOUND);
	cr_assert_eq(store_token_get(view, session.token_id, &row), STORE_OK);
	cr_assert(row->state == 2 && row->used_ms == 12);
	free(row);
}

Test(store_directory, past_sessions_are_removed_a_few_at_a_time_and_nothing_else)
{
	struct write expire = {.job = {.apply = write_apply}, .what = EXPIRE_TOKENS, .before_ms = 100, .limit = 2};
	struct store_token *row = NULL;
	static const struct {
		int64_t expires_ms, idle_ms;
		bool stays;
	} TOKENS[] = {{99, 1, false}, {98, 1, false}, {1, 900, false}, {100, 1, true}, {0, 0, true}, {50, 0, true}};

	cr_assert_eq(run(INSERT_ACCOUNT, &BOB), STORE_OK);
	for (uint8_t i = 0; i < sizeof(TOKENS) / sizeof(TOKENS[0]); i++) {
		const struct store_token token = a_session(i, TOKENS[i].expires_ms, TOKENS[i].idle_ms);

		cr_assert_eq(run(INSERT_TOKEN, &token), STORE_OK);
	}
	for (uint64_t want = 2; want-- > 0;) {
		cr_assert_eq(store_run(store, &expire.job), STORE_OK);
		cr_assert_eq(expire.count, want + 1);
	}
	cr_assert_eq(store_run(store, &expire.job), STORE_OK);
	cr_assert_eq(expire.count, 0);
	for (uint8_t i = 0; i < sizeof(TOKENS) / sizeof(TOKENS[0]); i++) {
		const struct store_token token = a_session(i, 0, 0);
		const enum store_status status = store_token_get(view, token.token_id, &row);

		cr_expect_eq(status, TOKENS[i].stays ? STORE_OK : STORE_NOT_FOUND, "token %u", i);
		if (status == STORE_OK)
			free(row);
	}
}
