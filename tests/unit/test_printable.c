#include <criterion/criterion.h>
#include <string.h>

#include "server/core/printable.h"

static bool shown(const char *text)
{
	return printable_text((const uint8_t *)text, strlen(text));
}

Test(printable, text_in_any_script_is)
{
	static const char *const TEXTS[] = {"",
					    "plain\n\ttext ~",
					    "\xc3\x84rzte",
					    "\xd0\xb7\xd0\xb4\xd1\x80\xd0\xb0",
					    "\xe2\x82\xac",
					    "\xf0\x9f\x98\x80",
					    "\xc2\xa0",
					    "\xf4\x8f\xbf\xbf"};

	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++)
		cr_expect(shown(TEXTS[i]), "%zu", i);
}

Test(printable, what_commands_a_terminal_or_is_no_text_is_not)
{
	static const char *const TEXTS[] = {"\x1b[2J",
					    "\r",
					    "\b",
					    "\x7f",
					    "\xc2\x9b"
					    "2J",
					    "\x9b"
					    "2J",
					    "\xe2\x80\xae",
					    "\xe2\x81\xa7",
					    "\xe2\x80\xa8",
					    "\xd8\x9c",
					    "\x80",
					    "\xff",
					    "\xc3",
					    "\xc3(",
					    "\xe2\x82",
					    "\xf0\x9f\x98",
					    "\xc0\x8a",
					    "\xe0\x80\x8a",
					    "\xf0\x80\x80\x8a",
					    "\xed\xa0\x80",
					    "\xf4\x90\x80\x80",
					    "\xf8\x88\x80\x80\x80",
					    "a\x01"};

	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++)
		cr_expect_not(shown(TEXTS[i]), "%zu", i);
	cr_expect_not(printable_text((const uint8_t[]){'a', 0}, 2));
}
