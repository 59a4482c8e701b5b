#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/core/directory.h"
#include "server/core/rowmac.h"
#include "tests/unit/support/partners.h"

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

TestSuite(directory, .init = setup, .fini = teardown, .timeout = 60);

/* ---- names --------------------------------------------------------------------------------------------------------
 */

Test(directory, a_name_is_folded_and_everything_else_is_none, .init = NULL, .fini = NULL)
{
	static const char *const GOOD[][2] = {{"bob", "bob"},	{"BOB", "bob"},	      {"a", "a"},
					      {"7", "7"},	{"Z.z_9-", "z.z_9-"}, {"a..b", "a..b"},
					      {"0-_.", "0-_."}, {"AZaz09", "azaz09"}};
	static const char *const BAD[] = {"",	  ".bob",  "_bob", "-bob", "bo b",	  " bob",
					  "bob ", "bob\n", "a/b",  "a%41", "b\xc3\xb6-b", "bob\x7f",
					  "a@b",  "a[b",   "a`b",  "a{b",  "a:b",	  "a\x80"};
	char name[DIRECTORY_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
		cr_expect(directory_name(GOOD[i][0], name), "%s", GOOD[i][0]);
		cr_expect_str_eq(name, GOOD[i][1]);
	}
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		cr_expect_not(directory_name(BAD[i], name), "%s", BAD[i]);
}

Test(directory, a_name_has_at_most_64_characters, .init = NULL, .fini = NULL)
{
	char text[DIRECTORY_NAME_MAX + 2], name[DIRECTORY_NAME_MAX + 1];

	memset(text, 'A', sizeof(text));
	text[DIRECTORY_NAME_MAX + 1] = '\0';
	cr_assert_not(directory_name(text, name));
	text[DIRECTORY_NAME_MAX] = '\0';
	cr_assert(directory_name(text, name));
	cr_assert_eq(strlen(name), DIRECTORY_NAME_MAX);
	cr_assert_eq(strspn(name, "a"), DIRECTORY_NAME_MAX);
}

/* ---- on whose word ------------------------------------------------------------------------------------------------
 */

Test(directory, a_new_name_needs_an_invite_an_administrator_or_an_open_door)
{
	struct partners_put put = {.name = "bob", .key = partners_key(0)};
	struct directory_entry entry;

	cr_assert_eq(partners_put(&fixture, &put), CORE_INVITE);
	cr_assert_eq(directory_find(&fixture.vault, view, "bob", &entry, NULL), CORE_NOT_FOUND);
	put.principal = &fixture.principal;
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	cr_assert_eq(put.put.entry.sequence, 1);
	cr_assert(put.put.makes_account);
	put = (struct partners_put){.name = "eve", .key = partners_key(1), .open_enrollment = true};
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
}

Test(directory, what_was_enrolled_is_found_by_any_spelling)
{
	static const char *const NONE[] = {"bob2", "bo", "", "bob ", ".bob", "eve"};
	struct directory_entry made, found;
	struct rsakey_public *key = NULL;
	struct store_account *account = NULL;
	uint8_t fingerprint[DIGEST_SIZE];

	partners_enroll(&fixture, "Bob", partners_key(0), &made);
	cr_assert_eq(directory_find(&fixture.vault, view, "bOB", &found, &key), CORE_OK);
	partners_fingerprint(partners_key(0), fingerprint);
	cr_assert_eq(memcmp(found.fingerprint, fingerprint, DIGEST_SIZE), 0);
	rsakey_public_id(key, fingerprint);
	cr_assert_eq(memcmp(found.fingerprint, fingerprint, DIGEST_SIZE), 0);
	cr_assert_str_eq(found.name, "bob");
	cr_assert(found.sequence == 1 && found.bits == 2048 && !found.removed);
	cr_assert_eq(memcmp(found.account_id, made.account_id, 16), 0);
	rsakey_public_free(key);
	cr_assert_eq(store_account_get(view, made.account_id, &account), STORE_OK);
	cr_assert(account->scopes == SCOPE_PARTNER && account->name.size == 3 && account->state == 1);
	cr_assert(rowmac_check_account(&fixture.vault, account));
	free(account);
	for (size_t i = 0; i < sizeof(NONE) / sizeof(NONE[0]); i++)
		cr_expect_eq(directory_find(&fixture.vault, view, NONE[i], &found, NULL), CORE_NOT_FOUND, "%s",
			     NONE[i]);
}

Test(directory, replacing_needs_the_old_key_or_an_administrator)
{
	struct principal owner = {.scopes = SCOPE_PARTNER | SCOPE_ANY_ACCOUNT}, other = owner;
	struct directory_entry entry;
	struct partners_put put = {.name = "bob", .key = partners_key(1), .open_enrollment = true};

	partners_enroll(&fixture, "bob", partners_key(0), &entry);
	partners_enroll(&fixture, "eve", partners_key(2), NULL);
	memcpy(owner.account_id, entry.account_id, 16);
	other.account_id[0] = 1;
	cr_assert_eq(partners_put(&fixture, &put), CORE_PROOF, "an open door is for new names");
	put.principal = &other;
	cr_assert_eq(partners_put(&fixture, &put), CORE_PROOF);
	put.principal = &owner;
	cr_assert_eq(partners_put(&fixture, &put), CORE_PROOF, "whoever took the token has not the key");
	put.old_key = partners_key(2);
	cr_assert_eq(partners_put(&fixture, &put), CORE_PROOF, "another's key");
	put.old_key = partners_key(0);
	put.principal = NULL;
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	cr_assert(put.put.entry.sequence == 2 && !put.put.makes_account);
	cr_assert_eq(memcmp(put.put.entry.account_id, entry.account_id, 16), 0);
	put = (struct partners_put){.name = "bob", .key = partners_key(0), .principal = &fixture.principal};
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	cr_assert_eq(put.put.entry.sequence, 3);
	cr_assert_eq(put.put.authority, DIRECTORY_BY_ADMINISTRATOR);
}

Test(directory, the_same_key_again_is_a_conflict_whoever_asks)
{
	struct partners_put put = {.name = "bob", .key = partners_key(0)};

	partners_enroll(&fixture, "bob", partners_key(0), NULL);
	cr_assert_eq(partners_put(&fixture, &put), CORE_CONFLICT);
	put.old_key = partners_key(0);
	cr_assert_eq(partners_put(&fixture, &put), CORE_CONFLICT);
	put.old_key = NULL;
	put.principal = &fixture.principal;
	cr_assert_eq(partners_put(&fixture, &put), CORE_CONFLICT);
}

Test(directory, a_change_may_name_the_one_that_it_follows)
{
	struct partners_put put = {
		.name = "bob", .key = partners_key(0), .principal = &fixture.principal, .if_sequence = 1};

	cr_assert_eq(partners_put(&fixture, &put), CORE_STALE, "there is none yet");
	partners_enroll(&fixture, "bob", partners_key(0), NULL);
	put.key = partners_key(1);
	put.if_sequence = 2;
	cr_assert_eq(partners_put(&fixture, &put), CORE_STALE);
	put.if_sequence = 1;
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	put.key = partners_key(2);
	cr_assert_eq(partners_put(&fixture, &put), CORE_STALE);
}

Test(directory, a_removed_name_comes_back_by_an_administrator_alone)
{
	struct principal owner = {.scopes = SCOPE_PARTNER | SCOPE_ANY_ACCOUNT}, other = owner;
	struct partners_put put = {
		.name = "bob", .key = partners_key(0), .old_key = partners_key(0), .open_enrollment = true};
	struct directory_entry entry;
	struct rsakey_public *key = NULL;

	partners_enroll(&fixture, "bob", partners_key(0), &entry);
	memcpy(owner.account_id, entry.account_id, 16);
	cr_assert_eq(partners_remove(&fixture, "eve", &fixture.principal), CORE_NOT_FOUND);
	cr_assert_eq(partners_remove(&fixture, "bob", &other), CORE_FORBIDDEN);
	cr_assert_eq(partners_remove(&fixture, "BOB", &owner), CORE_OK);
	cr_assert_eq(partners_remove(&fixture, "bob", &owner), CORE_NOT_FOUND);
	cr_assert_eq(directory_find(&fixture.vault, view, "bob", &entry, &key), CORE_NOT_FOUND);
	cr_assert_eq(directory_find_last(&fixture.vault, view, "bob", &entry, &key), CORE_OK);
	cr_assert(entry.removed && entry.sequence == 2 && !key);
	cr_assert_eq(partners_put(&fixture, &put), CORE_CONFLICT);
	put.principal = &owner;
	cr_assert_eq(partners_put(&fixture, &put), CORE_CONFLICT);
	put.principal = &fixture.principal;
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	cr_assert_eq(put.put.entry.sequence, 3);
	cr_assert_eq(memcmp(put.put.entry.account_id, owner.account_id, 16), 0, "the account is the old one");
}

Test(directory, the_name_of_an_account_without_a_key_is_not_free)
{
	struct principal narrow = fixture.principal;
	struct partners_put put = {.name = "admin", .key = partners_key(0), .open_enrollment = true};

	cr_assert_eq(partners_put(&fixture, &put), CORE_CONFLICT);
	/* Logging in by that key would give all that the account may. */
	narrow.scopes = SCOPE_RECORDS_READ | SCOPE_ANY_ACCOUNT;
	put.principal = &narrow;
	cr_assert_eq(partners_put(&fixture, &put), CORE_CONFLICT, "a token that may do less than its account");
	put.principal = &fixture.principal;
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	cr_assert(put.put.authority == DIRECTORY_BY_OWNER && !put.put.makes_account);
	cr_assert_eq(memcmp(put.put.entry.account_id, fixture.principal.account_id, 16), 0);
}

/* ---- proofs -------------------------------------------------------------------------------------------------------
 */

Test(directory, the_proof_names_origin_name_both_keys_and_the_number_of_the_change)
{
	uint8_t id[DIGEST_SIZE];
	char first[2 * DIGEST_SIZE + 1], second[2 * DIGEST_SIZE + 1], proof[DIRECTORY_PROOF_MAX],
		want[DIRECTORY_PROOF_MAX];
	struct partners_put put = {.name = "Bob", .key = partners_key(0), .open_enrollment = true};

	partners_fingerprint(partners_key(0), id);
	encode_hex(id, sizeof(id), first);
	partners_fingerprint(partners_key(1), id);
	encode_hex(id, sizeof(id), second);
	cr_assert_eq(partners_prove(&fixture, &put), CORE_OK);
	directory_proof(&put.put, proof);
	snprintf(want, sizeof(want), "coffer-key-v1\n" PARTNERS_ORIGIN "\nbob\nnone\n%s\n1\n", first);
	cr_assert_str_eq(proof, want);
	cr_assert_eq(partners_apply(&fixture, &put), CORE_OK);
	partners_done(&put);
	put = (struct partners_put){.name = "bob", .key = partners_key(1), .old_key = partners_key(0)};
	cr_assert_eq(partners_prove(&fixture, &put), CORE_OK);
	directory_proof(&put.put, proof);
	snprintf(want, sizeof(want), "coffer-key-v1\n" PARTNERS_ORIGIN "\nbob\n%s\n%s\n2\n", first, second);
	cr_assert_str_eq(proof, want);
	partners_done(&put);
}

Test(directory, signatures_by_others_or_over_other_texts_prove_nothing)
{
	struct partners_put put = {
		.name = "bob", .key = partners_key(0), .not_by = partners_key(1), .open_enrollment = true};

	cr_assert_eq(partners_put(&fixture, &put), CORE_PROOF);
	put.not_by = NULL;
	cr_assert_eq(partners_prove(&fixture, &put), CORE_OK);
	put.put.signature_size--;
	cr_assert_eq(directory_put_verify(&put.put, CORE_OK), CORE_PROOF);
	put.put.signature_size = 0;
	cr_assert_eq(directory_put_verify(&put.put, CORE_OK), CORE_PROOF, "none was sent");
	put.put.signature_size = 256;
	put.put.origin[strlen("https://l")]++;
	cr_assert_eq(directory_put_verify(&put.put, CORE_OK), CORE_PROOF, "made for another server");
	put.put.origin[strlen("https://l")]--;
	put.put.sequence++;
	cr_assert_eq(directory_put_verify(&put.put, CORE_OK), CORE_PROOF, "made for another change");
	put.put.sequence--;
	put.put.name[0] = 'r';
	cr_assert_eq(directory_put_verify(&put.put, CORE_OK), CORE_PROOF, "made for another name");
	put.put.name[0] = 'b';
	cr_assert_eq(directory_put_verify(&put.put, CORE_OK), CORE_OK);
	partners_done(&put);
	partners_enroll(&fixture, "bob", partners_key(0), NULL);
	put = (struct partners_put){.name = "bob", .key = partners_key(1), .old_key = partners_key(0)};
	put.old_not_by = partners_key(1);
	cr_assert_eq(partners_put(&fixture, &put), CORE_PROOF, "the new key's word for the old one's");
	put.old_not_by = NULL;
	put.not_by = partners_key(0);
	cr_assert_eq(partners_put(&fixture, &put), CORE_PROOF, "the old key's word for the new one's");
}

Test(directory, what_was_proven_before_another_change_is_not_written)
{
	struct partners_put first = {.name = "bob", .key = partners_key(0), .open_enrollment = true};
	struct partners_put second = {.name = "bob", .key = partners_key(1), .open_enrollment = true};
	struct directory_entry entry;
	uint8_t fingerprint[DIGEST_SIZE];

	cr_assert_eq(partners_prove(&fixture, &first), CORE_OK);
	cr_assert_eq(partners_prove(&fixture, &second), CORE_OK);
	cr_assert_eq(partners_apply(&fixture, &first), CORE_OK);
	cr_assert_neq(partners_apply(&fixture, &second), CORE_OK);
	partners_done(&first);
	partners_done(&second);
	first = (struct partners_put){.name = "bob", .key = partners_key(1), .old_key = partners_key(0)};
	second = (struct partners_put){.name = "bob", .key = partners_key(2), .old_key = partners_key(0)};
	cr_assert_eq(partners_prove(&fixture, &first), CORE_OK);
	cr_assert_eq(partners_prove(&fixture, &second), CORE_OK);
	cr_assert_eq(partners_apply(&fixture, &first), CORE_OK);
	cr_assert_eq(partners_apply(&fixture, &second), CORE_CONFLICT);
	partners_done(&first);
	partners_done(&second);
	cr_assert_eq(directory_find(&fixture.vault, view, "bob", &entry, NULL), CORE_OK);
	partners_fingerprint(partners_key(1), fingerprint);
	cr_assert_eq(memcmp(entry.fingerprint, fingerprint, DIGEST_SIZE), 0);
	cr_assert_eq(entry.sequence, 2);
}

/* ---- history and listing ------------------------------------------------------------------------------------------
 */

struct seen {
	size_t count;
	uint64_t sequence[8];
	uint8_t change[8], authority[8], previous[8][DIGEST_SIZE], hash[8][DIGEST_SIZE];
};

static bool see(void *arg, const struct store_directory_key *row)
{
	struct seen *seen = arg;
	const size_t n = seen->count++;

	cr_assert_lt(n, 8);
	seen->sequence[n] = row->sequence;
	seen->change[n] = row->change;
	seen->authority[n] = row->authority;
	memcpy(seen->previous[n], row->previous, DIGEST_SIZE);
	memcpy(seen->hash[n], row->hash, DIGEST_SIZE);
	return true;
}

/* Added, replaced, removed, added. */
static void live(const char *name)
{
	struct partners_put put = {.name = name, .key = partners_key(1), .old_key = partners_key(0)};

	partners_enroll(&fixture, name, partners_key(0), NULL);
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	cr_assert_eq(partners_remove(&fixture, name, &fixture.principal), CORE_OK);
	put = (struct partners_put){.name = name, .key = partners_key(2), .principal = &fixture.principal};
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
}

Test(directory, the_history_of_a_name_is_a_chain_in_pages)
{
	static const uint8_t none[DIGEST_SIZE];
	static const uint8_t CHANGES[] = {STORE_KEY_ADDED, STORE_KEY_REPLACED, STORE_KEY_REMOVED, STORE_KEY_ADDED};
	static const uint8_t AUTHORITIES[] = {DIRECTORY_BY_ANYONE, DIRECTORY_BY_OLD_KEY, DIRECTORY_BY_ADMINISTRATOR,
					      DIRECTORY_BY_ADMINISTRATOR};
	struct seen all = {0}, page = {0};

	live("bob");
	partners_enroll(&fixture, "bob2", partners_key(0), NULL);
	cr_assert_eq(directory_history(&fixture.vault, view, "Bob", 0, 100, see, &all), CORE_OK);
	cr_assert_eq(all.count, 4);
	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(all.sequence[i], i + 1);
		cr_assert_eq(memcmp(all.previous[i], i ? all.hash[i - 1] : none, DIGEST_SIZE), 0, "change %zu", i + 1);
	}
	cr_assert_eq(memcmp(all.change, CHANGES, sizeof(CHANGES)), 0);
	cr_assert_eq(memcmp(all.authority, AUTHORITIES, sizeof(AUTHORITIES)), 0);
	cr_assert_eq(directory_history(&fixture.vault, view, "bob", 1, 2, see, &page), CORE_OK);
	cr_assert(page.count == 2 && page.sequence[0] == 2 && page.sequence[1] == 3);
	cr_assert_eq(directory_history(&fixture.vault, view, "bob", 4, 2, see, &page), CORE_OK);
	cr_assert_eq(page.count, 2, "there is nothing after the last");
	cr_assert_eq(directory_history(&fixture.vault, view, "eve", 0, 2, see, &page), CORE_NOT_FOUND);
	cr_assert_eq(directory_history(&fixture.vault, view, "b b", 0, 2, see, &page), CORE_NOT_FOUND);
}

Test(directory, names_with_a_key_are_listed_in_pages_by_name)
{
	struct directory_entry entries[4];
	size_t count = 99;

	cr_assert_eq(directory_list(&fixture.vault, view, "", 4, entries, &count), CORE_OK);
	cr_assert_eq(count, 0);
	partners_enroll(&fixture, "zoe", partners_key(0), NULL);
	partners_enroll(&fixture, "carl", partners_key(0), NULL);
	live("bob");
	partners_enroll(&fixture, "gone", partners_key(0), NULL);
	cr_assert_eq(partners_remove(&fixture, "gone", &fixture.principal), CORE_OK);
	cr_assert_eq(directory_list(&fixture.vault, view, "", 2, entries, &count), CORE_OK);
	cr_assert_eq(count, 2);
	cr_assert_str_eq(entries[0].name, "bob");
	cr_assert_eq(entries[0].sequence, 4);
	cr_assert_str_eq(entries[1].name, "carl");
	cr_assert_eq(directory_list(&fixture.vault, view, entries[1].name, 2, entries, &count), CORE_OK);
	cr_assert_eq(count, 1);
	cr_assert_str_eq(entries[0].name, "zoe");
	cr_assert_eq(directory_list(&fixture.vault, view, "zoe", 2, entries, &count), CORE_OK);
	cr_assert_eq(count, 0);
}

/* ---- rows that somebody edited ------------------------------------------------------------------------------------
 */

static void edit(const char *text)
{
	sqlite3 *db = NULL;
	char *error = NULL;

	cr_assert_eq(sqlite3_open(fixture.path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, &error), SQLITE_OK, "%s: %s", text, error);
	cr_assert_eq(sqlite3_changes(db), 1, "%s", text);
	sqlite3_close(db);
}

Test(directory, an_edited_row_is_damage_and_never_a_key)
{
	static const char *const EDITS[] = {
		"UPDATE directory_key SET name = 'eve'",
		"UPDATE directory_key SET sequence = 2",
		"UPDATE directory_key SET account_id = randomblob(16)",
		"UPDATE directory_key SET change = 2",
		"UPDATE directory_key SET change = 3",
		"UPDATE directory_key SET change = 257",
		"UPDATE directory_key SET authority = 4",
		"UPDATE directory_key SET created_ms = created_ms + 1",
		"UPDATE directory_key SET spki = x'00'",
		"UPDATE directory_key SET spki = x''",
		"UPDATE directory_key SET signature = randomblob(256)",
		"UPDATE directory_key SET old_signature = x'00'",
		"UPDATE directory_key SET origin = 'https://localhost:8444'",
		"UPDATE directory_key SET previous = randomblob(32)",
		"UPDATE directory_key SET hash = randomblob(32)",
		"UPDATE directory_key SET mac = randomblob(32)",
	};

	partners_enroll(&fixture, "bob", partners_key(0), NULL);
	edit("CREATE TABLE saved AS SELECT * FROM directory_key; UPDATE saved SET name = name");
	for (size_t i = 0; i < sizeof(EDITS) / sizeof(EDITS[0]); i++) {
		const char *name = i == 0 ? "eve" : "bob";
		struct partners_put put = {.name = name, .key = partners_key(1), .old_key = partners_key(0)};
		struct directory_entry entry, entries[2];
		struct rsakey_public *key = NULL;
		struct seen seen = {0};
		size_t count = 0;

		edit(EDITS[i]);
		cr_expect_eq(directory_find(&fixture.vault, view, name, &entry, &key), CORE_DAMAGED, "%s", EDITS[i]);
		cr_expect_null(key);
		cr_expect_eq(directory_history(&fixture.vault, view, name, 0, 9, see, &seen), CORE_DAMAGED, "%s",
			     EDITS[i]);
		cr_expect_eq(seen.count, 0);
		/* One that says of itself that it is removed is not in the list; whoever looks it up is told. */
		if (!strstr(EDITS[i], "change = 3"))
			cr_expect_eq(directory_list(&fixture.vault, view, "", 2, entries, &count), CORE_DAMAGED, "%s",
				     EDITS[i]);
		cr_expect_eq(count, 0);
		cr_expect_eq(partners_put(&fixture, &put), CORE_DAMAGED, "%s", EDITS[i]);
		cr_expect_eq(partners_remove(&fixture, name, &fixture.principal), CORE_DAMAGED, "%s", EDITS[i]);
		edit("DELETE FROM directory_key; INSERT INTO directory_key SELECT * FROM saved");
	}
}

Test(directory, a_history_with_a_gap_is_damage_wherever_a_page_begins)
{
	for (unsigned gone = 1; gone <= 3; gone++) {
		const char name[] = {'b', (char)('0' + gone), '\0'};
		char text[128];

		live(name);
		snprintf(text, sizeof(text), "DELETE FROM directory_key WHERE name = '%s' AND sequence = %u", name,
			 gone);
		edit(text);
		for (unsigned after = 0; after < 4; after++) {
			struct seen seen = {0};
			const enum core_status status =
				directory_history(&fixture.vault, view, name, after, 9, see, &seen);

			cr_expect_eq(status, after < gone ? CORE_DAMAGED : CORE_OK, "%u is gone, after %u", gone,
				     after);
		}
	}
}

/* Each row is genuine: one of them is of a past that another has replaced, as when a file was put back. */
Test(directory, a_row_of_another_past_does_not_fit_the_history)
{
	struct partners_put put = {.name = "bob", .key = partners_key(1), .principal = &fixture.principal};
	struct seen seen = {0};

	partners_enroll(&fixture, "bob", partners_key(0), NULL);
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	edit("CREATE TABLE past AS SELECT * FROM directory_key; UPDATE past SET name = name WHERE sequence = 2");
	edit("DELETE FROM directory_key WHERE sequence = 2");
	put.key = partners_key(2);
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	put.key = partners_key(0);
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	cr_assert_eq(directory_history(&fixture.vault, view, "bob", 0, 9, see, &seen), CORE_OK);
	cr_assert_eq(seen.count, 3);
	edit("DELETE FROM directory_key WHERE sequence = 2;"
	     "INSERT INTO directory_key SELECT * FROM past WHERE sequence = 2");
	seen.count = 0;
	cr_assert_eq(directory_history(&fixture.vault, view, "bob", 0, 9, see, &seen), CORE_DAMAGED);
	cr_assert_eq(seen.count, 2);
}
