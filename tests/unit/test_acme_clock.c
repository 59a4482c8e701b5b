#include <criterion/criterion.h>

#include "server/tls/acme_clock.h"

static const int64_t SECOND = 1000, MINUTE = 60 * 1000, HOUR = 3600 * 1000, DAY = INT64_C(24) * 3600 * 1000;
static const uint32_t SPREADS[] = {0, 1, 12345, UINT32_MAX / 2, UINT32_MAX - 1, UINT32_MAX};
enum { SPREAD_COUNT = sizeof(SPREADS) / sizeof(SPREADS[0]) };

Test(acme_clock, renewal_is_at_two_thirds_of_any_lifetime_give_or_take_a_sixtieth)
{
	const int64_t lifetimes[] = {10 * SECOND, 2 * MINUTE, HOUR, 6 * DAY, 45 * DAY, 90 * DAY, 5 * 365 * DAY};
	const int64_t begin = INT64_C(1800000000) * 1000;

	for (size_t i = 0; i < sizeof(lifetimes) / sizeof(lifetimes[0]); i++)
		for (size_t j = 0; j < SPREAD_COUNT; j++) {
			const int64_t life = lifetimes[i];
			const int64_t due = acme_clock_due(begin, begin + life, SPREADS[j]);

			cr_expect_geq(due, begin + life / 3 * 2 - life / 60);
			cr_expect_leq(due, begin + life / 3 * 2 + life / 60);
			cr_expect_eq(due, acme_clock_due(begin, begin + life, SPREADS[j]));
		}
	cr_expect_eq(acme_clock_due(begin, begin + 90 * DAY, 0), begin + 60 * DAY - 36 * HOUR);
	cr_expect_eq(acme_clock_due(begin, begin + 90 * DAY, UINT32_MAX), begin + 60 * DAY + 36 * HOUR);
}

Test(acme_clock, what_is_no_lifetime_is_due_at_once)
{
	cr_expect_leq(acme_clock_due(5 * HOUR, 5 * HOUR, UINT32_MAX), 5 * HOUR);
	cr_expect_leq(acme_clock_due(5 * HOUR, 2 * HOUR, UINT32_MAX / 2), 5 * HOUR);
}

/* The wait without its swing. */
static int64_t middle(unsigned failures, int64_t retry, int64_t lifetime)
{
	const int64_t low = acme_clock_retry(failures, retry, lifetime, 0);
	const int64_t high = acme_clock_retry(failures, retry, lifetime, UINT32_MAX);

	for (size_t i = 0; i < SPREAD_COUNT; i++) {
		const int64_t wait = acme_clock_retry(failures, retry, lifetime, SPREADS[i]);

		cr_expect(low <= wait && wait <= high);
	}
	if (low > ACME_CLOCK_RETRY_MIN_MS)
		cr_expect(high * 3 / 5 - 2 <= low && low <= high * 3 / 5 + 2, "%ld to %ld", (long)low, (long)high);
	return (low + high) / 2;
}

Test(acme_clock, waits_double_up_to_six_hours)
{
	int64_t want = 5 * MINUTE;

	for (unsigned failures = 1; failures < 100; failures++) {
		cr_expect_eq(middle(failures, 5 * MINUTE, 0), want, "%u", failures);
		want = want * 2 > 6 * HOUR ? 6 * HOUR : want * 2;
	}
	cr_expect_eq(middle(UINT32_MAX, 5 * MINUTE, 0), 6 * HOUR);
	cr_expect_eq(middle(1, 24 * HOUR, 0), 6 * HOUR);
}

Test(acme_clock, a_short_certificate_is_tried_for_several_times_before_it_expires)
{
	cr_expect_eq(middle(1, 5 * MINUTE, 10 * MINUTE), 20 * SECOND);
	cr_expect_eq(middle(9, 5 * MINUTE, 10 * MINUTE), 20 * SECOND);
	cr_expect_eq(middle(1, 5 * MINUTE, 6 * DAY), 5 * MINUTE);
	cr_expect_eq(middle(9, 5 * MINUTE, 6 * DAY), 6 * DAY / 30);
	cr_expect_eq(middle(9, 5 * MINUTE, 90 * DAY), 6 * HOUR);
}

Test(acme_clock, nobody_is_asked_more_than_once_a_second)
{
	for (size_t i = 0; i < SPREAD_COUNT; i++) {
		cr_expect_geq(acme_clock_retry(1, SECOND, SECOND, SPREADS[i]), SECOND);
		cr_expect_geq(acme_clock_retry(1, 0, 0, SPREADS[i]), SECOND);
	}
}
