#include <criterion/criterion.h>

#include "server/core/human.h"

Test(human, bytes_have_one_digit_and_the_unit_that_fits)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} ROWS[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536, "1.5 KiB"},
		{UINT64_C(1048575), "1.0 MiB"},
		{UINT64_C(268435456), "256.0 MiB"},
		{UINT64_C(81363394560), "75.8 GiB"},
		{UINT64_MAX, "16.0 EiB"},
	};

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		char text[HUMAN_TEXT_MAX];

		human_bytes(ROWS[i].bytes, text);
		cr_assert_str_eq(text, ROWS[i].text);
	}
}

Test(human, spans_have_the_two_largest_units)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} ROWS[] = {
		{0, "0 s"},	     {59, "59 s"},	     {60, "1 min"},	 {3599, "59 min"},
		{3600, "1 h 0 min"}, {86399, "23 h 59 min"}, {86400, "1 d 0 h"}, {34297198, "396 d 22 h"},
	};

	for (size_t i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
		char text[HUMAN_TEXT_MAX];

		human_span(ROWS[i].seconds, text);
		cr_assert_str_eq(text, ROWS[i].text);
	}
}
