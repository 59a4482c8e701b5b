#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "server/core/clock.h"
#include "server/core/principals.h"
#include "server/core/rowmac.h"
#include "server/core/session.h"
#include "tests/unit/support/partners.h"

enum { HOUR_MS = 3600 * 1000, IDLE_MS = 900 * 1000, GRAIN_MS = IDLE_MS / 30 };

static struct fixture fixture;
static struct store_view *view;
static struct directory_entry bob;

static void setup(void)
{
	fixture_open(&fixture);
	cr_assert_eq(store_view_new(fixture.vault.store, &view), STORE_OK);
	partners_enroll(&fixture, "bob", partners_key(0), &bob);
}

static void teardown(void)
{
	store_view_free(view);
	fixture_close(&fixture);
}

TestSuite(session, .init = setup, .fini = teardown, .timeout = 60);

/* ---- helpers ------------------------------------------------------------------------------------------------------
 */

static enum store_status open_apply(struct fixture *f, struct store_txn *txn, void *arg, enum core_status *ret_result)
{
	return session_open_apply(&f->vault, txn, arg, ret_result);
}

static enum store_status end_apply(struct fixture *f, struct store_txn *txn, void *arg, enum core_status *ret_result)
{
	return session_end_apply(&f->vault, txn, arg, ret_result);
}

static enum store_status end_all_apply(struct fixture *f, struct store_txn *txn, void *arg,
				       enum core_status *ret_result)
{
	*ret_result = CORE_OK;
	return session_end_all(&f->vault, txn, arg);
}

static enum store_status nothing_apply(struct fixture *f, struct store_txn *txn, void *arg,
				       enum core_status *ret_result)
{
	(void)f;
	(void)txn;
	(void)arg;
	*ret_result = CORE_OK;
	return STORE_OK;
}

/* What was submitted before has been done when this returns. */
static void settle(void)
{
	cr_assert_eq(partners_run(&fixture, nothing_apply, NULL), CORE_OK);
}

static enum core_status log_in(const uint8_t account_id[static 16], int64_t ttl_ms, int64_t idle_ms,
			       char ret_token[static ACCOUNT_TOKEN_CHARS + 1], struct session_open *ret_open)
{
	*ret_open = (struct session_open){.token = ret_token, .ttl_ms = ttl_ms, .idle_ms = idle_ms};
	memcpy(ret_open->account_id, account_id, 16);
	cr_assert_eq(random_uuid7(clock_unix_ms(), ret_open->token_id), CRYPTO_OK);
	cr_assert_eq(account_token_generate(ret_token), CORE_OK);
	return partners_run(&fixture, open_apply, ret_open);
}

static enum core_status authenticate(const char *token, struct principal *ret_principal)
{
	return account_authenticate(&fixture.vault, view, token, ret_principal);
}

static struct store_token *row_of(const struct session_open *open)
{
	struct store_token *row = NULL;

	cr_assert_eq(store_token_get(view, open->token_id, &row), STORE_OK);
	cr_assert(rowmac_check_token(&fixture.vault, row));
	return row;
}

/* ---- tests --------------------------------------------------------------------------------------------------------
 */

Test(session, a_login_may_what_its_account_may_until_it_is_logged_out)
{
	char token[ACCOUNT_TOKEN_CHARS + 1], other_token[ACCOUNT_TOKEN_CHARS + 1];
	struct session_open open, other;
	struct principal who;
	const int64_t before = clock_unix_ms();

	cr_assert_eq(log_in(bob.account_id, HOUR_MS, IDLE_MS, token, &open), CORE_OK);
	cr_assert_eq(log_in(bob.account_id, HOUR_MS, IDLE_MS, other_token, &other), CORE_OK);
	cr_assert(open.expires_ms >= before + HOUR_MS && open.expires_ms <= clock_unix_ms() + HOUR_MS);
	cr_assert_eq(authenticate(token, &who), CORE_OK);
	cr_assert_eq(memcmp(who.account_id, bob.account_id, 16), 0);
	cr_assert_eq(memcmp(who.token_id, open.token_id, 16), 0);
	cr_assert_eq(who.scopes, SCOPE_PARTNER | SCOPE_ANY_ACCOUNT);
	cr_assert_eq(partners_run(&fixture, end_apply, open.token_id), CORE_OK);
	cr_assert_eq(authenticate(token, &who), CORE_DENIED);
	cr_assert_eq(authenticate(other_token, &who), CORE_OK, "another login of the account goes on");
	cr_assert_eq(partners_run(&fixture, end_apply, open.token_id), CORE_OK, "it has ended already");
	cr_assert_eq(partners_run(&fixture, end_apply, fixture.principal.token_id), CORE_CONFLICT,
		     "the administrator's token is no session");
}

Test(session, replacing_or_removing_a_key_ends_the_sessions_of_its_account_alone)
{
	char tokens[3][ACCOUNT_TOKEN_CHARS + 1], others[ACCOUNT_TOKEN_CHARS + 1];
	struct session_open open[3], other;
	struct directory_entry eve;
	struct principal who;
	struct partners_put put = {.name = "bob", .key = partners_key(1), .old_key = partners_key(0)};

	partners_enroll(&fixture, "eve", partners_key(2), &eve);
	cr_assert_eq(log_in(eve.account_id, HOUR_MS, IDLE_MS, others, &other), CORE_OK);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(log_in(bob.account_id, HOUR_MS, IDLE_MS, tokens[i], &open[i]), CORE_OK);
	cr_assert_eq(partners_put(&fixture, &put), CORE_OK);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(authenticate(tokens[i], &who), CORE_DENIED, "login %zu", i);
	cr_assert_eq(log_in(bob.account_id, HOUR_MS, IDLE_MS, tokens[0], &open[0]), CORE_OK);
	cr_assert_eq(authenticate(tokens[0], &who), CORE_OK);
	cr_assert_eq(partners_remove(&fixture, "bob", &who), CORE_OK);
	cr_assert_eq(authenticate(tokens[0], &who), CORE_DENIED);
	cr_assert_eq(authenticate(others, &who), CORE_OK);
	cr_assert_eq(partners_run(&fixture, end_all_apply, fixture.principal.account_id), CORE_OK);
	cr_assert_eq(partners_remove(&fixture, "eve", &fixture.principal), CORE_OK);
	cr_assert_eq(authenticate(others, &who), CORE_DENIED);
}

Test(session, an_end_is_an_end_whatever_uses_follow)
{
	char token[ACCOUNT_TOKEN_CHARS + 1];
	struct session_open open;
	struct store_token *before, *after;

	cr_assert_eq(log_in(bob.account_id, HOUR_MS, IDLE_MS, token, &open), CORE_OK);
	before = row_of(&open);
	cr_assert_eq(partners_run(&fixture, end_apply, open.token_id), CORE_OK);
	/* A use that was seen before the end and is written down after it. */
	session_touch(&fixture.vault, before, before->used_ms + 2 * GRAIN_MS);
	settle();
	after = row_of(&open);
	cr_assert_eq(after->state, 2);
	cr_assert_eq(after->used_ms, before->used_ms);
	free(before);
	free(after);
}

Test(session, past_its_expiry_or_idle_time_it_opens_nothing)
{
	char token[ACCOUNT_TOKEN_CHARS + 1];
	struct session_open open;
	struct principal who;

	cr_assert_eq(log_in(bob.account_id, 0, IDLE_MS, token, &open), CORE_OK);
	cr_assert_eq(authenticate(token, &who), CORE_DENIED);
	cr_assert_eq(log_in(bob.account_id, HOUR_MS, 1, token, &open), CORE_OK);
	for (const int64_t made = clock_unix_ms(); clock_unix_ms() <= made + 1;)
		;
	cr_assert_eq(authenticate(token, &who), CORE_DENIED);
}

Test(session, a_use_is_written_down_once_in_a_while)
{
	char token[ACCOUNT_TOKEN_CHARS + 1];
	struct session_open open;
	struct store_token *made, *row;

	cr_assert_eq(log_in(bob.account_id, HOUR_MS, IDLE_MS, token, &open), CORE_OK);
	made = row_of(&open);
	cr_assert(made->revision == 1 && made->used_ms == made->created_ms);
	session_touch(&fixture.vault, made, made->used_ms + GRAIN_MS - 1);
	settle();
	row = row_of(&open);
	cr_assert_eq(row->revision, 1);
	free(row);
	/* Two loops that see the same use write it once. */
	session_touch(&fixture.vault, made, made->used_ms + GRAIN_MS);
	session_touch(&fixture.vault, made, made->used_ms + GRAIN_MS + 1);
	settle();
	row = row_of(&open);
	cr_assert_eq(row->revision, 2);
	cr_assert_eq(row->used_ms, made->used_ms + GRAIN_MS);
	session_touch(&fixture.vault, row, row->used_ms - HOUR_MS);
	settle();
	free(made);
	made = row_of(&open);
	cr_assert_eq(made->used_ms, row->used_ms, "the clock went back");
	free(made);
	free(row);
}

/* As account_authenticate() goes about it, with a time of our own: whether the session opens, and until when that is
 * remembered. */
static bool use(const struct session_open *open, int64_t now, int64_t *remembered_until)
{
	struct store_token *row;
	bool good;

	if (now < *remembered_until)
		return true;
	row = row_of(open);
	good = !session_is_idle(row, now);
	if (good) {
		session_touch(&fixture.vault, row, now);
		*remembered_until = session_look_again(row, now);
	}
	free(row);
	settle();
	return good;
}

Test(session, it_ends_when_it_has_not_been_used_for_its_idle_time_and_little_later)
{
	/* Steps between uses, in sixtieths of the grain, over and over. */
	static const int STEPS[][4] = {{1, 1, 1, 1},	 {59, 60, 61, 1},  {59, 1, 59, 1},
				       {60, 60, 60, 60}, {59, 59, 59, 59}, {7, 31, 119, 1}};

	for (size_t i = 0; i < sizeof(STEPS) / sizeof(STEPS[0]); i++) {
		for (size_t uses = 0; uses < 9; uses++) {
			char token[ACCOUNT_TOKEN_CHARS + 1];
			struct session_open open;
			struct store_token *row;
			int64_t now, last, remembered_until = 0;

			cr_assert_eq(log_in(bob.account_id, HOUR_MS, IDLE_MS, token, &open), CORE_OK);
			row = row_of(&open);
			now = last = row->used_ms;
			free(row);
			for (size_t n = 0; n < uses; n++) {
				now += (int64_t)STEPS[i][n % 4] * GRAIN_MS / 60;
				cr_assert(use(&open, now, &remembered_until));
				last = now;
			}
			const int64_t until = remembered_until;
			row = row_of(&open);
			const bool idle_early = last + IDLE_MS - 1 >= until && session_is_idle(row, last + IDLE_MS - 1);
			const bool idle_late =
				last + IDLE_MS + GRAIN_MS >= until && session_is_idle(row, last + IDLE_MS + GRAIN_MS);
			free(row);
			cr_expect_not(idle_early, "steps %zu, %zu uses: it ended early", i, uses);
			cr_expect(idle_late, "steps %zu, %zu uses: it had not ended", i, uses);
		}
	}
}

Test(session, what_is_remembered_of_a_row_ends_with_it, .init = NULL, .fini = NULL)
{
	const struct store_token for_ever = {.used_ms = 0};
	const struct store_token dated = {.expires_ms = 5000};
	const struct store_token session = {.expires_ms = 100000, .idle_ms = 30000, .used_ms = 1000};

	cr_assert_eq(session_look_again(&for_ever, 7), 0);
	cr_assert_not(session_is_idle(&for_ever, INT64_MAX));
	cr_assert_eq(session_look_again(&dated, 7), 5000);
	cr_assert_not(session_is_idle(&dated, INT64_MAX));
	cr_assert_eq(session_look_again(&session, 1000), 2000);
	cr_assert_eq(session_look_again(&session, 99500), 100000, "not past its expiry");
	cr_assert_not(session_is_idle(&session, 31999));
	cr_assert(session_is_idle(&session, 32000));
}
