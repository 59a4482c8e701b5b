#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/signature.h"
#include "server/core/clock.h"
#include "server/core/mailbox.h"
#include "tests/unit/support/partners.h"

enum { HOUR_MS = 3600 * 1000, K = 256, SIZE = K + 32 + 5 };

static struct fixture fixture;
static struct store_view *view;
static struct inflight *inflight;
static struct directory_entry anna, bob;
static struct principal as_anna, as_bob;
static struct mailbox_limits limits;

static void setup(void)
{
	fixture_open(&fixture);
	inflight = inflight_new();
	cr_assert_eq(store_view_new(fixture.vault.store, &view), STORE_OK);
	partners_enroll(&fixture, "anna", partners_key(0), &anna);
	partners_enroll(&fixture, "bob", partners_key(1), &bob);
	as_anna = as_bob = (struct principal){.scopes = SCOPE_PARTNER | SCOPE_ANY_ACCOUNT};
	memcpy(as_anna.account_id, anna.account_id, 16);
	memcpy(as_bob.account_id, bob.account_id, 16);
	limits = (struct mailbox_limits){100, 1 << 20, 100, 1 << 20};
}

static void teardown(void)
{
	store_view_free(view);
	inflight_free(inflight);
	fixture_close(&fixture);
}

TestSuite(mailbox, .init = setup, .fini = teardown, .timeout = 60);

/* ---- depositing ---------------------------------------------------------------------------------------------------
 */

struct letter {
	const char *to;
	const struct principal *sender;
	const struct rsakey_private *signer; /* NULL: not signed */
	const char *key;		     /* Idempotency-Key */
	size_t size;
	int64_t ttl_ms;
	uint8_t filling;
	bool session;

	enum mailbox_verdict verdict; /* set */
	struct mailbox_entry entry;   /* set */
};

static const struct letter TO_BOB = {.to = "Bob", .sender = &as_anna, .size = SIZE, .ttl_ms = HOUR_MS, .filling = 'x'};

static enum store_status deposit_apply(struct fixture *f, struct store_txn *txn, void *arg,
				       enum core_status *ret_result)
{
	(void)f;
	return mailbox_deposit_apply(arg, txn, ret_result);
}

static enum core_status deposit(struct letter *letter)
{
	uint8_t bytes[1024];
	struct mailbox_deposit d = {.vault = &fixture.vault,
				    .sender = letter->sender,
				    .limits = &limits,
				    .bytes = bytes,
				    .size = letter->size,
				    .idempotency_key = letter->key,
				    .inflight = letter->key ? inflight : NULL,
				    .ttl_ms = letter->ttl_ms};
	enum core_status status = mailbox_find(&fixture.vault, view, letter->to, &d);

	letter->verdict = MAILBOX_GOOD;
	memset(bytes, letter->filling, sizeof(bytes));
	d.entry.kind = letter->session ? MAILBOX_SESSION : MAILBOX_SEALED;
	d.entry.has_session = letter->session;
	if (status == CORE_OK && letter->signer) {
		d.entry.signature_size = K;
		cr_assert_eq(signature_make(letter->signer, d.recipient, bytes, d.size, d.entry.signature), CRYPTO_OK);
	}
	if (status == CORE_OK)
		status = mailbox_deposit_prepare(&d, view, &letter->verdict);
	if (status == CORE_OK && letter->verdict == MAILBOX_GOOD)
		status = partners_run(&fixture, deposit_apply, &d);
	letter->entry = d.entry;
	mailbox_deposit_done(&d);
	return status;
}

static void must_deposit(struct letter letter)
{
	cr_assert_eq(deposit(&letter), CORE_OK);
	cr_assert_eq(letter.verdict, MAILBOX_GOOD);
}

/* ---- the owner ----------------------------------------------------------------------------------------------------
 */

static size_t count_of(const struct principal *owner)
{
	struct mailbox_entry entries[20];
	size_t count = 0;

	cr_assert_eq(mailbox_list(&fixture.vault, view, owner, NULL, 20, entries, &count), CORE_OK);
	return count;
}

struct acknowledgement {
	const struct principal *owner;
	uint8_t id[16];
};

static enum store_status acknowledge_apply(struct fixture *f, struct store_txn *txn, void *arg,
					   enum core_status *ret_result)
{
	const struct acknowledgement *a = arg;

	return mailbox_acknowledge_apply(&f->vault, txn, a->owner, a->id, ret_result);
}

static enum core_status acknowledge(const struct principal *owner, const uint8_t id[static 16])
{
	struct acknowledgement a = {.owner = owner};

	memcpy(a.id, id, sizeof(a.id));
	return partners_run(&fixture, acknowledge_apply, &a);
}

Test(mailbox, what_was_deposited_is_read_by_its_owner_alone_and_stays)
{
	struct letter letter = TO_BOB;
	struct mailbox_entry entry;
	uint8_t *bytes = NULL, want[SIZE];

	letter.signer = partners_key(0);
	memset(want, 'x', sizeof(want));
	cr_assert_eq(deposit(&letter), CORE_OK);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(mailbox_read(&fixture.vault, view, &as_bob, letter.entry.id, &entry, &bytes), CORE_OK);
		cr_assert_eq(memcmp(bytes, want, sizeof(want)), 0);
		free(bytes);
	}
	cr_assert_eq(memcmp(&entry, &letter.entry, sizeof(entry)), 0);
	cr_assert_str_eq(entry.from, "anna");
	cr_assert(entry.size == SIZE && entry.kind == MAILBOX_SEALED && !entry.has_session && entry.has_sender_key);
	cr_assert_eq(memcmp(entry.recipient_key, bob.fingerprint, DIGEST_SIZE), 0);
	cr_assert_eq(memcmp(entry.sender_key, anna.fingerprint, DIGEST_SIZE), 0);
	cr_assert_eq(entry.expires_ms, entry.received_ms + HOUR_MS);
	cr_assert_eq(mailbox_read(&fixture.vault, view, &as_anna, letter.entry.id, &entry, &bytes), CORE_NOT_FOUND);
	cr_assert_eq(mailbox_read(&fixture.vault, view, &fixture.principal, letter.entry.id, &entry, &bytes),
		     CORE_NOT_FOUND);
	cr_assert_eq(acknowledge(&as_anna, letter.entry.id), CORE_NOT_FOUND);
	cr_assert_eq(acknowledge(&as_bob, letter.entry.id), CORE_OK);
	cr_assert_eq(acknowledge(&as_bob, letter.entry.id), CORE_NOT_FOUND);
	cr_assert_eq(mailbox_read(&fixture.vault, view, &as_bob, letter.entry.id, &entry, &bytes), CORE_NOT_FOUND);
}

Test(mailbox, what_cannot_be_for_its_recipient_or_by_its_sender_is_refused)
{
	struct letter letter = TO_BOB;

	letter.to = "eve";
	cr_assert_eq(deposit(&letter), CORE_NOT_FOUND);
	letter.to = "admin";
	cr_assert_eq(deposit(&letter), CORE_NOT_FOUND, "an account without a key");
	letter = TO_BOB;
	letter.size = K + 31;
	cr_assert_eq(deposit(&letter), CORE_OK);
	cr_assert_eq(letter.verdict, MAILBOX_TOO_SHORT);
	letter.session = true;
	letter.size = 39;
	cr_assert_eq(deposit(&letter), CORE_OK);
	cr_assert_eq(letter.verdict, MAILBOX_TOO_SHORT);
	letter = TO_BOB;
	letter.signer = partners_key(1);
	cr_assert_eq(deposit(&letter), CORE_OK);
	cr_assert_eq(letter.verdict, MAILBOX_BAD_SIGNATURE);
	letter.sender = &fixture.principal;
	cr_assert_eq(deposit(&letter), CORE_OK);
	cr_assert_eq(letter.verdict, MAILBOX_NO_SENDER_KEY);
	cr_assert_eq(count_of(&as_bob), 0);
	letter = TO_BOB;
	letter.size = K + 32;
	must_deposit(letter);
	letter.session = true;
	letter.size = 40;
	must_deposit(letter);
	letter = TO_BOB;
	letter.sender = &fixture.principal;
	must_deposit(letter);
	cr_assert_eq(count_of(&as_bob), 3);
}

Test(mailbox, the_list_is_in_the_order_of_deposits_and_in_pages)
{
	struct mailbox_entry entries[10];
	size_t count;

	for (uint8_t i = 0; i < 5; i++) {
		struct letter letter = TO_BOB;

		letter.size += i;
		must_deposit(letter);
	}
	cr_assert_eq(mailbox_list(&fixture.vault, view, &as_bob, NULL, 3, entries, &count), CORE_OK);
	cr_assert_eq(count, 3);
	cr_assert_eq(mailbox_list(&fixture.vault, view, &as_bob, entries[2].id, 3, entries + 3, &count), CORE_OK);
	cr_assert_eq(count, 2);
	for (size_t i = 0; i < 5; i++)
		cr_assert_eq(entries[i].size, SIZE + i);
	cr_assert_eq(mailbox_list(&fixture.vault, view, &as_bob, entries[4].id, 3, entries, &count), CORE_OK);
	cr_assert_eq(count, 0);
	cr_assert_eq(count_of(&as_anna), 0);
}

Test(mailbox, quotas_count_what_is_there)
{
	struct letter by_anna = TO_BOB, by_admin = TO_BOB;

	by_admin.sender = &fixture.principal;
	limits = (struct mailbox_limits){3, 1 << 20, 2, 1 << 20};
	cr_assert_eq(deposit(&by_anna), CORE_OK);
	cr_assert_eq(deposit(&by_anna), CORE_OK);
	cr_assert_eq(deposit(&by_anna), CORE_SENDER_QUOTA);
	cr_assert_eq(deposit(&by_admin), CORE_OK);
	cr_assert_eq(deposit(&by_admin), CORE_MAILBOX_FULL);
	struct letter to_anna = by_admin;
	to_anna.to = "anna";
	must_deposit(to_anna);
	cr_assert_eq(acknowledge(&as_bob, by_admin.entry.id), CORE_NOT_FOUND, "that one was refused");
	by_anna = TO_BOB;
	limits = (struct mailbox_limits){99, 3 * SIZE + SIZE - 1, 99, 3 * SIZE};
	cr_assert_eq(deposit(&by_anna), CORE_MAILBOX_FULL);
	limits.bytes++;
	cr_assert_eq(deposit(&by_anna), CORE_OK);
	limits.bytes += 99 * SIZE;
	cr_assert_eq(deposit(&by_anna), CORE_SENDER_QUOTA);
	limits.sender_bytes += SIZE;
	cr_assert_eq(deposit(&by_anna), CORE_OK);
	cr_assert_eq(acknowledge(&as_bob, by_anna.entry.id), CORE_OK);
	cr_assert_eq(deposit(&by_anna), CORE_OK, "there is room again");
	cr_assert_eq(deposit(&by_anna), CORE_SENDER_QUOTA);
}

/* ---- the same again -----------------------------------------------------------------------------------------------
 */

Test(mailbox, a_replay_gives_the_first_answer_whatever_has_changed_since)
{
	struct letter first = TO_BOB, again;
	struct partners_put put = {.name = "bob", .key = partners_key(2), .old_key = partners_key(1)};

	first.key = "a key";
	first.signer = partners_key(0);
	cr_assert_eq(deposit(&first), CORE_OK);
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	again = TO_BOB;
	again.key = "a key";
	again.ttl_ms = HOUR_MS / 2;
	cr_assert_eq(deposit(&again), CORE_REPLAY);
	cr_assert_eq(memcmp(&again.entry, &first.entry, sizeof(first.entry)), 0);
	cr_assert_eq(count_of(&as_bob), 1);
}

Test(mailbox, a_key_is_one_senders_for_one_message)
{
	struct letter letter = TO_BOB;

	letter.key = "a key";
	cr_assert_eq(deposit(&letter), CORE_OK);
	letter.filling = 'y';
	cr_assert_eq(deposit(&letter), CORE_KEY_REUSED);
	letter = TO_BOB;
	letter.key = "a key";
	letter.to = "anna";
	cr_assert_eq(deposit(&letter), CORE_KEY_REUSED);
	letter.to = "bob";
	letter.session = true;
	cr_assert_eq(deposit(&letter), CORE_KEY_REUSED);
	letter.session = false;
	letter.sender = &fixture.principal;
	cr_assert_eq(deposit(&letter), CORE_OK, "another's key is another");
	cr_assert_eq(count_of(&as_bob), 2);
}

Test(mailbox, a_replay_of_what_is_gone_says_so)
{
	struct letter letter = TO_BOB, brief = TO_BOB;

	letter.key = "a key";
	cr_assert_eq(deposit(&letter), CORE_OK);
	cr_assert_eq(acknowledge(&as_bob, letter.entry.id), CORE_OK);
	cr_assert_eq(deposit(&letter), CORE_GONE);
	brief.key = "another";
	brief.ttl_ms = 1;
	cr_assert_eq(deposit(&brief), CORE_OK);
	for (const int64_t until = brief.entry.expires_ms; clock_unix_ms() <= until;)
		;
	cr_assert_eq(deposit(&brief), CORE_GONE, "nobody has swept it yet");
	cr_assert_eq(count_of(&as_bob), 0);
}

/* ---- expiry -------------------------------------------------------------------------------------------------------
 */

Test(mailbox, what_has_expired_is_gone_at_once_and_swept_and_shredded_later)
{
	struct letter brief = TO_BOB, lasting = TO_BOB;
	struct mailbox_entry entry;
	struct store_message *row = NULL;
	uint8_t *bytes = NULL, state = 0;
	uint64_t count = 99;

	brief.ttl_ms = 1;
	cr_assert_eq(deposit(&lasting), CORE_OK);
	cr_assert_eq(deposit(&brief), CORE_OK);
	for (const int64_t until = brief.entry.expires_ms; clock_unix_ms() <= until;)
		;
	cr_assert_eq(mailbox_read(&fixture.vault, view, &as_bob, brief.entry.id, &entry, &bytes), CORE_NOT_FOUND);
	cr_assert_eq(acknowledge(&as_bob, brief.entry.id), CORE_NOT_FOUND);
	cr_assert_eq(count_of(&as_bob), 1);
	cr_assert_eq(mailbox_expire(&fixture.vault, view, &count), CORE_OK);
	cr_assert_eq(count, 1);
	cr_assert_eq(store_message_get(view, brief.entry.id, &row), STORE_OK);
	cr_assert(row->state == STORE_MESSAGE_EXPIRED && row->body.size == 0);
	free(row);
	cr_assert_eq(mailbox_expire(&fixture.vault, view, &count), CORE_OK);
	cr_assert_eq(count, 0);
	cr_assert_eq(mailbox_shred(&fixture.vault, view, &count), CORE_OK);
	cr_assert_eq(count, 1);
	cr_assert_eq(store_message_state(view, brief.entry.id, &state), STORE_NOT_FOUND);
	cr_assert_eq(store_message_state(view, lasting.entry.id, &state), STORE_OK);
	cr_assert_eq(mailbox_shred(&fixture.vault, view, &count), CORE_OK);
	cr_assert_eq(count, 0);
}

Test(mailbox, sweeping_goes_on_behind_rows_that_do_not_verify)
{
	sqlite3 *db = NULL;
	uint64_t count = 1, swept = 0;
	struct letter brief = TO_BOB;

	brief.ttl_ms = 1;
	for (int i = 0; i < 40; i++) {
		cr_assert_eq(deposit(&brief), CORE_OK);
	}
	for (const int64_t until = brief.entry.expires_ms; clock_unix_ms() <= until;)
		;
	cr_assert_eq(sqlite3_open(fixture.path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	cr_assert_eq(sqlite3_exec(db,
				  "UPDATE message SET kind = 9 WHERE message_row IN "
				  "(SELECT message_row FROM message ORDER BY expires_ms LIMIT 20)",
				  NULL, NULL, NULL),
		     SQLITE_OK);
	sqlite3_close(db);
	while (count > 0) {
		cr_assert_eq(mailbox_expire(&fixture.vault, view, &count), CORE_OK);
		swept += count;
	}
	cr_assert_eq(swept, 20, "%u", (unsigned)swept);
}

Test(mailbox, an_edited_message_is_damage)
{
	static const char *const EDITS[] = {
		"UPDATE message SET body = zeroblob(length(body))", "UPDATE message SET body = x''",
		"UPDATE message SET digest = randomblob(32)",	    "UPDATE message SET sender_name = 'eve'",
		"UPDATE message SET expires_ms = expires_ms + 1",   "UPDATE message SET session = randomblob(32)",
		"UPDATE message SET recipient_key = randomblob(32)"};
	struct letter letter = TO_BOB;
	sqlite3 *db = NULL;

	cr_assert_eq(deposit(&letter), CORE_OK);
	cr_assert_eq(sqlite3_open(fixture.path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	cr_assert_eq(sqlite3_exec(db, "CREATE TEMP TABLE saved AS SELECT * FROM message", NULL, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < sizeof(EDITS) / sizeof(EDITS[0]); i++) {
		struct mailbox_entry entry;
		uint8_t *bytes = NULL;

		cr_assert_eq(sqlite3_exec(db, EDITS[i], NULL, NULL, NULL), SQLITE_OK);
		cr_expect_eq(mailbox_read(&fixture.vault, view, &as_bob, letter.entry.id, &entry, &bytes), CORE_DAMAGED,
			     "%s", EDITS[i]);
		cr_expect_null(bytes);
		cr_assert_eq(sqlite3_exec(db, "DELETE FROM message; INSERT INTO message SELECT * FROM saved", NULL,
					  NULL, NULL),
			     SQLITE_OK);
	}
	sqlite3_close(db);
}
