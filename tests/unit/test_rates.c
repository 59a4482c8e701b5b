#include <criterion/criterion.h>
#include <stdio.h>

#include "server/core/rates.h"

Test(rates, a_minutes_worth_then_a_wait)
{
	struct rates *rates = rates_new(60);

	for (int i = 0; i < 60; i++)
		cr_assert_eq(rates_take(rates, "192.0.2.1"), 0, "at %d", i);
	cr_assert_eq(rates_look(rates, "192.0.2.1"), 1);
	cr_assert_eq(rates_take(rates, "192.0.2.1"), 1);
	cr_assert_eq(rates_take(rates, "192.0.2.2"), 0, "another address");
	cr_assert_eq(rates_take(rates, "bob"), 0, "a name");
	rates_free(rates);
	rates = rates_new(2);
	cr_assert_eq(rates_take(rates, "x"), 0);
	cr_assert_eq(rates_take(rates, "x"), 0);
	cr_assert_geq(rates_take(rates, "x"), 29);
	cr_assert_leq(rates_take(rates, "x"), 31);
	rates_free(rates);
	rates_free(NULL);
}

Test(rates, looking_takes_nothing)
{
	struct rates *rates = rates_new(1);

	for (int i = 0; i < 10; i++)
		cr_assert_eq(rates_look(rates, "x"), 0);
	cr_assert_eq(rates_take(rates, "x"), 0);
	cr_assert_gt(rates_look(rates, "x"), 0);
	rates_free(rates);
}

Test(rates, a_64_is_one_address)
{
	struct rates *rates = rates_new(1);

	cr_assert_eq(rates_take(rates, "2001:db8::1"), 0);
	cr_assert_gt(rates_take(rates, "2001:db8::ffff:2"), 0);
	cr_assert_eq(rates_take(rates, "2001:db8:0:1::1"), 0);
	cr_assert_eq(rates_take(rates, "::ffff:192.0.2.1"), 0);
	cr_assert_eq(rates_take(rates, "::ffff:192.0.2.2"), 0);
	rates_free(rates);
}

Test(rates, none_is_no_bound)
{
	struct rates *rates = rates_new(0);

	for (int i = 0; i < 1000; i++)
		cr_assert_eq(rates_take(rates, "x"), 0);
	rates_free(rates);
}

Test(rates, ever_more_names_take_no_more_memory_and_shut_nobody_out)
{
	struct rates *rates = rates_new(1);

	for (int i = 0; i < 100000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "name%d", i);
		cr_assert_eq(rates_take(rates, name), 0);
	}
	rates_free(rates);
}
