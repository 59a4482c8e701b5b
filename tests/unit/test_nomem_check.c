/* The check with each of its allocations failing in turn: it cannot go on, or does with fewer threads, and blames
 * nothing. */
#include <criterion/criterion.h>
#include <string.h>

#include "server/core/check.h"
#include "server/core/inflight.h"
#include "server/core/rowmac.h"
#include "tests/unit/support/nomem.h"
#include "tests/unit/support/records.h"

enum { NO_END = 2000, LONG_SIZE = 2 * RECORD_CHUNK_SIZE };

static struct fixture f;

struct kek_job {
	struct store_job job; /* first */
	struct store_kek row;
};

static enum store_status kek_apply(struct store_job *job, struct store_txn *txn)
{
	return store_kek_insert(txn, &((struct kek_job *)job)->row);
}

static void setup(void)
{
	static uint8_t content[LONG_SIZE];
	struct kek_job kek = {.job = {.apply = kek_apply}, .row = {.revision = 1, .state = 1}};
	struct inflight *inflight = inflight_new();
	struct record_info info;

	fixture_open(&f);
	memcpy(kek.row.kek_id, f.vault.kek_id, sizeof(kek.row.kek_id));
	kek.row.spki.data = rsakey_public_spki(f.vault.kek_public, &kek.row.spki.size);
	cr_assert(rowmac_seal_kek(&f.vault, &kek.row));
	cr_assert_eq(store_run(f.vault.store, &kek.job), STORE_OK);
	cr_assert_eq(records_write(&f, inflight, NULL, 0, "key", content, LONG_SIZE, &info), CORE_OK);
	cr_assert_eq(records_write(&f, inflight, info.record_id, 1, NULL, content, 10, &info), CORE_OK);
	cr_assert_eq(records_write(&f, inflight, NULL, 0, NULL, content, 20, &info), CORE_OK);
	inflight_free(inflight);
}

static void teardown(void)
{
	fixture_close(&f);
}

TestSuite(nomem_check, .init = setup, .fini = teardown, .timeout = 120);

static void on_fault(void *arg, const struct check_fault *fault)
{
	cr_assert_fail("allocation %zu: %s", *(size_t *)arg, check_failure_text(fault->failure));
}

static void check_starving(enum nomem_mode mode)
{
	size_t n = 0;
	const struct check_options options = {.vault = &f.vault, .threads = 2, .fault = on_fault, .arg = &n};

	for (bool failed = true; failed; n++) {
		const long live = nomem_live();
		struct check_totals totals;
		bool whole = false;
		enum core_status status;

		cr_assert_lt(n, NO_END);
		nomem_arm(n, mode);
		status = check_run(&options, &totals, &whole);
		failed = nomem_disarm();
		cr_assert_eq(nomem_live(), live, "allocation %zu: %ld", n, nomem_live() - live);
		cr_assert(status == CORE_OK || (failed && status == CORE_NOMEM), "allocation %zu: %d", n, (int)status);
		cr_assert_eq(whole, status == CORE_OK, "allocation %zu", n);
		if (whole)
			cr_assert_eq(totals.versions, 3, "allocation %zu", n);
	}
	cr_assert_gt(n, 20);
}

Test(nomem_check, one_allocation_fails)
{
	check_starving(NOMEM_ONCE);
}

Test(nomem_check, from_one_allocation_on_all_fail)
{
	check_starving(NOMEM_AFTER);
}
