#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/epochs.h"
#include "server/core/keyring.h"
#include "server/core/rowmac.h"
#include "tests/unit/support/fixture.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };
static const int64_t NOW = INT64_C(1800000000000);
static const uint64_t BLOCK = UINT64_C(1) << 20;

static struct fixture f;
static struct store_view *view;

static void setup(void)
{
	fixture_open(&f);
	cr_assert_eq(store_view_new(f.vault.store, &view), STORE_OK);
}

static void teardown(void)
{
	store_view_free(view);
	fixture_close(&f);
}

TestSuite(epochs, .init = setup, .fini = teardown, .timeout = 60);

static void renew(int64_t now_ms)
{
	cr_assert_eq(epochs_renew(&f.vault, view, DAY_MS, now_ms), CORE_OK);
}

static struct store_epoch latest(void)
{
	struct store_epoch *row = NULL, copy;

	cr_assert_eq(store_epoch_latest(view, f.vault.kek_id, &row), STORE_OK);
	copy = *row;
	free(row);
	return copy;
}

/* The epoch in use, which must be the latest row's. */
static struct store_epoch used(void)
{
	struct store_epoch row = latest();
	uint8_t id[16];

	cr_assert_gt(keyring_epoch_left(f.vault.ring, id), 0);
	cr_assert_arr_eq(id, row.epoch_id, sizeof(id));
	return row;
}

Test(epochs, one_is_made_and_used_until_it_is_too_old)
{
	struct store_epoch first, second;

	renew(NOW);
	first = used();
	cr_assert_eq(first.reserved, BLOCK);
	renew(NOW + DAY_MS - 1);
	cr_assert_arr_eq(used().epoch_id, first.epoch_id, 16);
	cr_assert_eq(used().reserved, BLOCK, "what is left is enough");
	renew(NOW + DAY_MS);
	second = used();
	cr_assert_neq(memcmp(second.epoch_id, first.epoch_id, 16), 0);
	cr_assert(keyring_epoch_loaded(f.vault.ring, first.epoch_id), "for what it wrapped");
}

Test(epochs, what_may_have_been_wrapped_is_counted_over_restarts)
{
	struct store_epoch first;
	uint8_t id[16];

	renew(NOW);
	first = used();
	for (uint64_t i = 2; i <= EPOCHS_WRAPS_MAX / BLOCK; i++) {
		/* As after a restart: nothing is in use. */
		keyring_epoch_use(f.vault.ring, first.epoch_id, 0);
		renew(NOW);
		cr_assert_eq(used().reserved, i * BLOCK);
		cr_assert_arr_eq(used().epoch_id, first.epoch_id, 16);
	}
	keyring_epoch_use(f.vault.ring, first.epoch_id, 0);
	renew(NOW - 5);
	cr_assert_neq(memcmp(used().epoch_id, first.epoch_id, 16), 0, "it has wrapped enough");
	cr_assert_gt(used().created_ms, first.created_ms, "though the clock was set back");
	cr_assert_eq(keyring_epoch_left(f.vault.ring, id), BLOCK);
}

struct spoil_job {
	struct store_job job; /* first */
	struct store_epoch row;
};

static enum store_status spoil(struct store_job *job, struct store_txn *txn)
{
	return store_epoch_update(txn, &((struct spoil_job *)job)->row);
}

Test(epochs, an_altered_row_is_not_built_upon)
{
	struct spoil_job job = {.job = {.apply = spoil}};
	struct store_epoch *row = NULL;

	renew(NOW);
	job.row = latest();
	job.row.reserved = 0;
	cr_assert_eq(store_run(f.vault.store, &job.job), STORE_OK);
	cr_assert_eq(store_epoch_get(view, job.row.epoch_id, &row), STORE_OK);
	cr_assert_eq(epochs_load(&f.vault, row), CORE_DAMAGED);
	free(row);
	keyring_epoch_use(f.vault.ring, job.row.epoch_id, 0);
	renew(NOW + 1);
	cr_assert_neq(memcmp(used().epoch_id, job.row.epoch_id, 16), 0);
}

Test(epochs, a_sealed_vault_gets_none)
{
	struct store_epoch *row = NULL;

	keyring_seal(f.vault.ring);
	cr_assert_eq(epochs_renew(&f.vault, view, DAY_MS, NOW), CORE_SEALED);
	cr_assert_eq(store_epoch_latest(view, f.vault.kek_id, &row), STORE_NOT_FOUND);
}

Test(epochs, the_thread_has_one_in_use_at_once)
{
	struct epochs *epochs = epochs_new(&(struct epochs_options){.vault = &f.vault, .age_ms = DAY_MS});

	cr_assert_not_null(epochs);
	(void)used();
	epochs_free(epochs);
}
