#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "server/core/clock.h"
#include "server/core/principals.h"

enum { LONG_MS = 3600 * 1000 };
static const uint8_t HASH[32] = {1, 2, 3};
static const struct principal WHO = {.account_id = {4}, .token_id = {5}, .scopes = SCOPE_RECORDS_READ};

static void keep(struct principals *p, const uint8_t hash[static 32], int64_t expires_ms)
{
	principals_keep(p, principals_generation(p), hash, &WHO, expires_ms);
}

Test(principals, what_is_kept_is_found_by_its_whole_hash)
{
	struct principals *p = principals_new(LONG_MS);
	struct principal found = {.scopes = 0};
	uint8_t other[32];

	cr_assert_not(principals_find(p, HASH, &found));
	keep(p, HASH, 0);
	cr_assert(principals_find(p, HASH, &found));
	cr_assert_eq(memcmp(&found, &WHO, sizeof(found)), 0);
	memcpy(other, HASH, sizeof(other));
	for (size_t i = 0; i < sizeof(other); i++) {
		other[i] ^= 0x80;
		cr_assert_not(principals_find(p, other, &found), "byte %zu", i);
		other[i] ^= 0x80;
	}
	principals_free(p);
}

Test(principals, a_change_forgets_all_and_keeps_what_was_read_before_out)
{
	struct principals *p = principals_new(LONG_MS);
	const uint64_t before = principals_generation(p);
	struct principal found;

	keep(p, HASH, 0);
	principals_forget(p);
	cr_assert_not(principals_find(p, HASH, &found));
	principals_keep(p, before, HASH, &WHO, 0);
	cr_assert_not(principals_find(p, HASH, &found), "the rows were read before the change");
	keep(p, HASH, 0);
	cr_assert(principals_find(p, HASH, &found));
	principals_free(p);
}

Test(principals, nothing_outlives_its_token_or_the_time_that_is_set)
{
	struct principals *p = principals_new(LONG_MS), *brief = principals_new(1), *none = principals_new(0);
	struct principal found;

	keep(p, HASH, clock_unix_ms() - 1);
	cr_assert_not(principals_find(p, HASH, &found));
	keep(p, HASH, clock_unix_ms() + LONG_MS);
	cr_assert(principals_find(p, HASH, &found));
	keep(brief, HASH, 0);
	for (const int64_t kept = clock_monotonic_ms(); clock_monotonic_ms() <= kept + 1;)
		usleep(500);
	cr_assert_not(principals_find(brief, HASH, &found));
	keep(none, HASH, 0);
	cr_assert_not(principals_find(none, HASH, &found));
	principals_free(p);
	principals_free(brief);
	principals_free(none);
}
