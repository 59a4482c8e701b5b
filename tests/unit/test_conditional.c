#include <criterion/criterion.h>

#include "server/api/conditional.h"

Test(conditional, one_strong_etag_is_taken_and_nothing_else)
{
	static const char *const BAD[] = {"*",
					  "",
					  "1",
					  "\"",
					  "\"\"",
					  "\"01\"",
					  "\"x\"",
					  "W/\"1\"",
					  "\"1\", \"2\"",
					  "\"1\" ",
					  "\"18446744073709551616\""};
	uint64_t version = 0;

	cr_assert(etag_parse_one("\"17\"", &version));
	cr_assert_eq(version, 17);
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		cr_assert_not(etag_parse_one(BAD[i], &version), "%s", BAD[i]);
}

Test(conditional, if_none_match_takes_lists_and_weak_tags)
{
	cr_assert(etag_listed("*", 3));
	cr_assert(etag_listed("\"3\"", 3));
	cr_assert(etag_listed("W/\"3\"", 3));
	cr_assert(etag_listed("\"other\", \"2\" , \"3\"", 3));
	cr_assert_not(etag_listed("\"2\"", 3));
	cr_assert_not(etag_listed("3", 3));
	cr_assert_not(etag_listed("\"33\"", 3));
	cr_assert_not(etag_listed("\"3", 3));
}

struct range_case {
	const char *value;
	uint64_t size;
	enum range_kind kind;
	uint64_t first, length;
};

static const struct range_case RANGES[] = {
	{NULL, 10, RANGE_WHOLE, 0, 0},
	{"bytes=0-0", 10, RANGE_PART, 0, 1},
	{"bytes=2-5", 10, RANGE_PART, 2, 4},
	{"bytes=5-", 10, RANGE_PART, 5, 5},
	{"bytes=5-99", 10, RANGE_PART, 5, 5},
	{"bytes=-3", 10, RANGE_PART, 7, 3},
	{"bytes=-30", 10, RANGE_PART, 0, 10},
	{"BYTES=9-9", 10, RANGE_PART, 9, 1},
	{"bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=5-2", 10, RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=", 10, RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=x-y", 10, RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=1-2x", 10, RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=99999999999999999999-", 10, RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=-1", 0, RANGE_UNSATISFIABLE, 0, 0},
	{"bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 0},
	{"items=0-1", 10, RANGE_WHOLE, 0, 0},
};

Test(conditional, ranges_are_read_as_rfc_9110_says)
{
	for (size_t i = 0; i < sizeof(RANGES) / sizeof(RANGES[0]); i++) {
		const struct range_case *c = &RANGES[i];
		uint64_t first = 0, length = 0;
		enum range_kind kind = range_parse(c->value, c->size, &first, &length);

		cr_assert_eq(kind, c->kind, "%s", c->value ? c->value : "(none)");
		if (kind == RANGE_PART) {
			cr_assert_eq(first, c->first, "%s", c->value);
			cr_assert_eq(length, c->length, "%s", c->value);
		}
	}
}

Test(conditional, if_range_needs_the_strong_tag_or_the_exact_date)
{
	static const char DATE[] = "Mon, 02 Feb 2026 03:04:05 GMT";

	cr_assert(range_allowed(NULL, 2, DATE));
	cr_assert(range_allowed("\"2\"", 2, DATE));
	cr_assert_not(range_allowed("W/\"2\"", 2, DATE));
	cr_assert_not(range_allowed("\"1\"", 2, DATE));
	cr_assert(range_allowed(DATE, 2, DATE));
	cr_assert_not(range_allowed("Mon, 02 Feb 2026 03:04:06 GMT", 2, DATE));
}
