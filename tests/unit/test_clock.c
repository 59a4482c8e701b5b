#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>
#include <time.h>

#include "server/core/clock.h"

struct moment {
	int64_t unix_ms;
	const char *rfc3339;
	const char *http_date;
};

/* Computed by `date -u`, not by what is tested. */
static const struct moment MOMENTS[] = {
	{0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"},
	{1, "1970-01-01T00:00:00.001Z", "Thu, 01 Jan 1970 00:00:00 GMT"},
	{-1, "1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 GMT"},
	{-1000, "1969-12-31T23:59:59.000Z", "Wed, 31 Dec 1969 23:59:59 GMT"},
	{784111777000, "1994-11-06T08:49:37.000Z", "Sun, 06 Nov 1994 08:49:37 GMT"},
	{951782399999, "2000-02-28T23:59:59.999Z", "Mon, 28 Feb 2000 23:59:59 GMT"},
	{951782400000, "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 00:00:00 GMT"},
	{2147483648000, "2038-01-19T03:14:08.000Z", "Tue, 19 Jan 2038 03:14:08 GMT"},
	{4107542399000, "2100-02-28T23:59:59.000Z", "Sun, 28 Feb 2100 23:59:59 GMT"},
	{4107542400000, "2100-03-01T00:00:00.000Z", "Mon, 01 Mar 2100 00:00:00 GMT"},
	{253402300799999, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 GMT"},
	/* Beyond four digits of year: the nearest end. */
	{253402300800000, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 GMT"},
	{INT64_MAX, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 GMT"},
	{INT64_MIN, "0000-01-01T00:00:00.000Z", "Sat, 01 Jan 0000 00:00:00 GMT"},
};
enum { MOMENT_COUNT = sizeof(MOMENTS) / sizeof(MOMENTS[0]) };

Test(clock, moments_are_written_in_both_forms)
{
	char text[30];

	for (size_t i = 0; i < MOMENT_COUNT; i++) {
		clock_rfc3339(MOMENTS[i].unix_ms, text);
		cr_expect_str_eq(text, MOMENTS[i].rfc3339);
		clock_http_date(MOMENTS[i].unix_ms, text);
		cr_expect_str_eq(text, MOMENTS[i].http_date);
	}
}

Test(clock, an_http_date_is_read_in_whole_seconds)
{
	for (size_t i = 0; i < MOMENT_COUNT; i++) {
		int64_t unix_ms = 42;
		char again[30];

		cr_assert(clock_parse_http_date(MOMENTS[i].http_date, &unix_ms), "%s", MOMENTS[i].http_date);
		cr_expect_eq(unix_ms % 1000, 0);
		clock_http_date(unix_ms, again);
		cr_expect_str_eq(again, MOMENTS[i].http_date);
	}
}

Test(clock, every_day_of_four_centuries_comes_back)
{
	const int64_t day = 86400000;

	for (int64_t unix_ms = -day * 30000; unix_ms < day * 117000; unix_ms += day) {
		int64_t back = 0;
		char text[30];

		clock_http_date(unix_ms, text);
		cr_assert(clock_parse_http_date(text, &back), "%s", text);
		cr_assert_eq(back, unix_ms, "%s", text);
	}
}

Test(clock, whatever_is_no_such_date_is_refused)
{
	static const char *const WRONG[] = {
		"",
		"Sun",
		"Sunday, 06-Nov-94 08:49:37 GMT", /* obsolete forms */
		"Sun Nov  6 08:49:37 1994",
		"Mon, 06 Nov 1994 08:49:37 GMT", /* it was a Sunday */
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 gmt",
		"sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 06 Now 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:60 GMT",
		"Tue, 30 Feb 1994 08:49:37 GMT",
		"Wed, 29 Feb 2023 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, +6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov -994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		" Sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMTSun, 06 Nov 1994 08:49:37 GMT",
		"Sun; 06 Nov 1994 08:49:37 GMT",
		"Sun, 06-Nov-1994 08:49:37 GMT",
	};

	for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
		int64_t unix_ms = 42;

		cr_expect_not(clock_parse_http_date(WRONG[i], &unix_ms), "%s", WRONG[i]);
		cr_expect_eq(unix_ms, 42, "%s", WRONG[i]);
	}
}

/* Each character of a good date replaced by one that never belongs there, and each shorter text. */
Test(clock, one_wrong_character_is_enough)
{
	static const char GOOD[] = "Sun, 06 Nov 1994 08:49:37 GMT";
	int64_t unix_ms = 42;

	for (size_t i = 0; i < sizeof(GOOD) - 1; i++) {
		char text[sizeof(GOOD)];

		memcpy(text, GOOD, sizeof(GOOD));
		text[i] = '?';
		cr_expect_not(clock_parse_http_date(text, &unix_ms), "%s", text);
		text[i] = '\0';
		cr_expect_not(clock_parse_http_date(text, &unix_ms), "%s", text);
	}
	cr_expect_eq(unix_ms, 42);
}

Test(clock, the_locale_has_no_say)
{
	char text[30];

	cr_assert_not_null(setlocale(LC_ALL, ""));
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	clock_http_date(784111777000, text);
	cr_expect_str_eq(text, "Sun, 06 Nov 1994 08:49:37 GMT");
}

Test(clock, now_is_now)
{
	const int64_t before = (int64_t)time(NULL) * 1000;
	const int64_t now = clock_unix_ms();

	cr_expect_geq(now, before - 1000, "time() may lag behind the precise clock by a tick");
	cr_expect_leq(now, ((int64_t)time(NULL) + 2) * 1000);
}
