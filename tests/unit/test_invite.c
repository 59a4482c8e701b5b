#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "crypto/random.h"
#include "server/core/clock.h"
#include "server/core/invite.h"
#include "tests/unit/support/partners.h"

enum { HOUR_MS = 3600 * 1000 };

static struct fixture fixture;
static struct store_view *view;

static void setup(void)
{
	fixture_open(&fixture);
	cr_assert_eq(store_view_new(fixture.vault.store, &view), STORE_OK);
}

static void teardown(void)
{
	store_view_free(view);
	fixture_close(&fixture);
}

TestSuite(invite, .init = setup, .fini = teardown, .timeout = 60);

/* ---- helpers ------------------------------------------------------------------------------------------------------
 */

struct made {
	struct invite invite;
	char secret[INVITE_SECRET_CHARS + 1];
	uint8_t hash[32];
};

static enum store_status make_apply(struct fixture *f, struct store_txn *txn, void *arg, enum core_status *ret_result)
{
	const struct made *made = arg;

	return invite_make_apply(&f->vault, txn, &made->invite, made->hash, &f->principal, ret_result);
}

static enum core_status make(const char *name, int64_t expires_ms, struct made *ret_made)
{
	*ret_made = (struct made){.invite = {.created_ms = clock_unix_ms(), .expires_ms = expires_ms}};
	strcpy(ret_made->invite.name, name);
	cr_assert_eq(random_uuid7(ret_made->invite.created_ms, ret_made->invite.invite_id), CRYPTO_OK);
	cr_assert_eq(invite_secret(ret_made->secret), CORE_OK);
	cr_assert(invite_hash(&fixture.vault, ret_made->secret, ret_made->hash));
	return partners_run(&fixture, make_apply, ret_made);
}

static enum store_status revoke_apply(struct fixture *f, struct store_txn *txn, void *arg, enum core_status *ret_result)
{
	return invite_revoke_apply(&f->vault, txn, arg, ret_result);
}

static enum core_status find(const struct made *made, const char *name)
{
	struct invite found;

	return invite_find(&fixture.vault, view, made->hash, name, &found);
}

static enum core_status enroll(const char *name, const char *secret)
{
	struct partners_put put = {.name = name, .key = partners_key(0), .invite = secret};

	return partners_put(&fixture, &put);
}

/* ---- tests --------------------------------------------------------------------------------------------------------
 */

Test(invite, a_secret_is_43_characters_and_never_the_same)
{
	char one[INVITE_SECRET_CHARS + 1], two[INVITE_SECRET_CHARS + 1];
	uint8_t hash[32], again[32];

	cr_assert_eq(invite_secret(one), CORE_OK);
	cr_assert_eq(invite_secret(two), CORE_OK);
	cr_assert_eq(strlen(one), INVITE_SECRET_CHARS);
	cr_assert_str_neq(one, two);
	cr_assert(invite_hash(&fixture.vault, one, hash));
	cr_assert(invite_hash(&fixture.vault, one, again));
	cr_assert_eq(memcmp(hash, again, sizeof(hash)), 0);
	cr_assert(invite_hash(&fixture.vault, two, again));
	cr_assert_neq(memcmp(hash, again, sizeof(hash)), 0);
}

Test(invite, what_is_no_secret_has_no_hash)
{
	char secret[INVITE_SECRET_CHARS + 2];
	uint8_t hash[32];

	cr_assert_eq(invite_secret(secret), CORE_OK);
	cr_assert_not(invite_hash(&fixture.vault, "", hash));
	cr_assert_not(invite_hash(&fixture.vault, "secret", hash));
	secret[INVITE_SECRET_CHARS] = 'A';
	secret[INVITE_SECRET_CHARS + 1] = '\0';
	cr_assert_not(invite_hash(&fixture.vault, secret, hash));
	secret[INVITE_SECRET_CHARS] = '\0';
	/* The last character has two bits that mean nothing: they are zero, so that a secret has one spelling. */
	secret[INVITE_SECRET_CHARS - 1] = 'B';
	cr_assert_not(invite_hash(&fixture.vault, secret, hash));
	secret[0] = '+';
	secret[INVITE_SECRET_CHARS - 1] = 'A';
	cr_assert_not(invite_hash(&fixture.vault, secret, hash));
}

Test(invite, it_is_good_for_one_name_once)
{
	struct made made;

	cr_assert_eq(make("bob", clock_unix_ms() + HOUR_MS, &made), CORE_OK);
	cr_assert_eq(find(&made, "bob"), CORE_OK);
	cr_assert_eq(find(&made, "eve"), CORE_INVITE);
	cr_assert_eq(enroll("eve", made.secret), CORE_INVITE);
	cr_assert_eq(enroll("Bob", made.secret), CORE_OK);
	cr_assert_eq(find(&made, "bob"), CORE_INVITE);
	cr_assert_eq(enroll("eve", made.secret), CORE_INVITE);
	cr_assert_eq(make("bob", clock_unix_ms() + HOUR_MS, &made), CORE_CONFLICT, "the name is taken");
	cr_assert_eq(find(&made, "bob"), CORE_INVITE);
}

Test(invite, of_two_who_hold_it_one_gets_the_name)
{
	struct made made;
	struct partners_put first = {.name = "bob", .key = partners_key(0)}, second = first;

	cr_assert_eq(make("bob", clock_unix_ms() + HOUR_MS, &made), CORE_OK);
	first.invite = second.invite = made.secret;
	second.key = partners_key(1);
	cr_assert_eq(partners_prove(&fixture, &first), CORE_OK);
	cr_assert_eq(partners_prove(&fixture, &second), CORE_OK);
	cr_assert_eq(partners_apply(&fixture, &first), CORE_OK);
	cr_assert_neq(partners_apply(&fixture, &second), CORE_OK);
	partners_done(&first);
	partners_done(&second);
}

Test(invite, it_does_not_outlive_its_time_or_its_revocation)
{
	struct made late, revoked, unknown = {.hash = {1}};
	struct partners_put put = {.name = "eve", .key = partners_key(0)};

	cr_assert_eq(make("bob", clock_unix_ms(), &late), CORE_OK);
	cr_assert_eq(find(&late, "bob"), CORE_INVITE);
	cr_assert_eq(enroll("bob", late.secret), CORE_INVITE);
	cr_assert_eq(make("eve", clock_unix_ms() + HOUR_MS, &revoked), CORE_OK);
	put.invite = revoked.secret;
	cr_assert_eq(partners_prove(&fixture, &put), CORE_OK);
	cr_assert_eq(partners_run(&fixture, revoke_apply, revoked.invite.invite_id), CORE_OK);
	cr_assert_eq(partners_apply(&fixture, &put), CORE_INVITE, "it was good when the request began");
	partners_done(&put);
	cr_assert_eq(find(&revoked, "eve"), CORE_INVITE);
	cr_assert_eq(partners_run(&fixture, revoke_apply, revoked.invite.invite_id), CORE_OK, "as it is already");
	cr_assert_eq(find(&unknown, "eve"), CORE_INVITE);
	cr_assert_eq(partners_run(&fixture, revoke_apply, unknown.invite.invite_id), CORE_NOT_FOUND);
}

Test(invite, one_that_was_used_cannot_be_revoked)
{
	struct made made;

	cr_assert_eq(make("bob", clock_unix_ms() + HOUR_MS, &made), CORE_OK);
	cr_assert_eq(enroll("bob", made.secret), CORE_OK);
	cr_assert_eq(partners_run(&fixture, revoke_apply, made.invite.invite_id), CORE_NOT_FOUND);
}

Test(invite, all_are_listed_in_pages_with_what_became_of_them)
{
	static const char *const NAMES[] = {"anna", "bob", "carl"};
	struct made made[3];
	struct invite list[4];
	size_t count = 99;

	cr_assert_eq(invite_list(&fixture.vault, view, NULL, 4, list, &count), CORE_OK);
	cr_assert_eq(count, 0);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(make(NAMES[i], clock_unix_ms() + HOUR_MS, &made[i]), CORE_OK);
	cr_assert_eq(enroll("anna", made[0].secret), CORE_OK);
	cr_assert_eq(partners_run(&fixture, revoke_apply, made[1].invite.invite_id), CORE_OK);
	cr_assert_eq(invite_list(&fixture.vault, view, NULL, 2, list, &count), CORE_OK);
	cr_assert_eq(count, 2);
	cr_assert(strcmp(list[0].name, "anna") == 0 && list[0].state == STORE_INVITE_USED);
	cr_assert(strcmp(list[1].name, "bob") == 0 && list[1].state == STORE_INVITE_REVOKED);
	cr_assert_eq(invite_list(&fixture.vault, view, list[1].invite_id, 2, list, &count), CORE_OK);
	cr_assert_eq(count, 1);
	cr_assert(strcmp(list[0].name, "carl") == 0 && list[0].state == STORE_INVITE_OPEN);
	cr_assert_eq(list[0].expires_ms, made[2].invite.expires_ms);
}

Test(invite, an_edited_row_opens_nothing)
{
	static const char *const EDITS[] = {
		"invite_id = randomblob(16)",
		"revision = 7",
		"state = 1",
		"state = 257",
		"state = 0",
		"name = 'eve'",
		"scopes = 7",
		"created_ms = created_ms + 1",
		"expires_ms = expires_ms + 1",
		"made_by = randomblob(16)",
		"used_by = randomblob(16)",
		"mac = randomblob(32)",
	};
	struct made made;
	sqlite3 *db = NULL;

	cr_assert_eq(make("bob", clock_unix_ms() + HOUR_MS, &made), CORE_OK);
	cr_assert_eq(partners_run(&fixture, revoke_apply, made.invite.invite_id), CORE_OK);
	cr_assert_eq(sqlite3_open(fixture.path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	cr_assert_eq(sqlite3_exec(db, "CREATE TABLE saved AS SELECT * FROM invite", NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < sizeof(EDITS) / sizeof(EDITS[0]); i++) {
		struct invite list[2];
		size_t count;
		char text[128];

		snprintf(text, sizeof(text), "UPDATE invite SET %s", EDITS[i]);
		cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK, "%s", text);
		cr_expect_eq(find(&made, "bob"), CORE_DAMAGED, "%s", EDITS[i]);
		cr_expect_eq(enroll("bob", made.secret), CORE_DAMAGED, "%s", EDITS[i]);
		cr_expect_eq(invite_list(&fixture.vault, view, NULL, 2, list, &count), CORE_DAMAGED, "%s", EDITS[i]);
		cr_expect_eq(partners_run(&fixture, revoke_apply, made.invite.invite_id),
			     i == 0 ? CORE_NOT_FOUND : CORE_DAMAGED, "%s", EDITS[i]);
		cr_assert_eq(sqlite3_exec(db, "DELETE FROM invite; INSERT INTO invite SELECT * FROM saved", NULL, NULL,
					  NULL),
			     SQLITE_OK);
	}
	sqlite3_close(db);
}
