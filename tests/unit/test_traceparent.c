#include <criterion/criterion.h>
#include <string.h>

#include "server/http/traceparent.h"

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

static bool parses(const char *text)
{
	struct traceparent parsed;

	return traceparent_parse(text, strlen(text), &parsed);
}

Test(traceparent, a_whole_one_gives_both_ids)
{
	static const char *const GOOD[] = {
		"00-" TRACE "-" PARENT "-01",
		"00-" TRACE "-" PARENT "-00",
		"00-" TRACE "-" PARENT "-ff",
		"01-" TRACE "-" PARENT "-01",
		"cc-" TRACE "-" PARENT "-01-what-the-future-brings",
		"fe-" TRACE "-" PARENT "-09-",
	};

	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
		struct traceparent parsed;

		cr_assert(traceparent_parse(GOOD[i], strlen(GOOD[i]), &parsed), "%s", GOOD[i]);
		cr_assert_str_eq(parsed.trace_id, TRACE);
		cr_assert_str_eq(parsed.parent_id, PARENT);
	}
}

Test(traceparent, what_is_malformed_is_none)
{
	static const char *const BAD[] = {
		"",
		"00",
		"00-" TRACE "-" PARENT "-0",
		"00-" TRACE "-" PARENT "-01-",
		"00-" TRACE "-" PARENT "-01-more",
		"00-" TRACE "-" PARENT "-01 ",
		"01-" TRACE "-" PARENT "-01.more",
		"01-" TRACE "-" PARENT "-012",
		"ff-" TRACE "-" PARENT "-01",
		"ff-" TRACE "-" PARENT "-01-more",
		"00-00000000000000000000000000000000-" PARENT "-01",
		"00-" TRACE "-0000000000000000-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
		"00-" TRACE "-00F067AA0BA902B7-01",
		"0X-" TRACE "-" PARENT "-01",
		"00-" TRACE "-" PARENT "-0x",
		"00-4bf92f3577b34da6a3ce929d0e0e473-" PARENT "-011",
		"00_" TRACE "-" PARENT "-01",
		"00-" TRACE "_" PARENT "-01",
		"00-" TRACE "-" PARENT "_01",
		" 00-" TRACE "-" PARENT "-01",
		"00-g"
		"bf92f3577b34da6a3ce929d0e0e4736-" PARENT "-01",
		"00-" TRACE "-\"0f067aa0ba902b7-01",
	};

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		cr_assert_not(parses(BAD[i]), "%s", BAD[i]);
}

Test(traceparent, nothing_is_read_past_the_end)
{
	struct traceparent parsed;
	static const char TEXT[] = "00-" TRACE "-" PARENT "-01";

	for (size_t size = 0; size < sizeof(TEXT) - 1; size++)
		cr_assert_not(traceparent_parse(TEXT, size, &parsed));
	cr_assert(traceparent_parse(TEXT, sizeof(TEXT) - 1, &parsed));
}
