#include <criterion/criterion.h>
#include <string.h>

#include "server/core/inflight.h"

Test(inflight, a_key_is_entered_once_until_it_leaves)
{
	struct inflight *set = inflight_new();
	struct inflight_entry first = {.key_mac = {1}}, same = {.key_mac = {1}}, other = {.key_mac = {1, 0, 9}};

	cr_assert(inflight_enter(set, &first));
	cr_assert_not(inflight_enter(set, &same));
	cr_assert(inflight_enter(set, &other), "the same bucket, another key");
	inflight_leave(set, &same); /* never entered: nothing happens */
	cr_assert_not(inflight_enter(set, &same));
	inflight_leave(set, &first);
	cr_assert(inflight_enter(set, &same));
	inflight_leave(set, &same);
	inflight_leave(set, &other);
	inflight_free(set);
}
