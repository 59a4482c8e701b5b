#include "server/core/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MS_A_SECOND = 1000 };

/* RFC 9110's own names, whatever the locale says. */
static const char *const DAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* Both forms have four digits for the year: what lies outside is moved to the nearest end. */
static const int64_t EARLIEST_MS = -INT64_C(62167219200000);
static const int64_t LATEST_MS = INT64_C(253402300799999);

static int64_t read_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_unix_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

/* The calendar of a moment, and the milliseconds beyond its second. */
static int split(int64_t unix_ms, struct tm *ret_tm)
{
	int64_t ms;
	time_t seconds;

	if (unix_ms < EARLIEST_MS)
		unix_ms = EARLIEST_MS;
	if (unix_ms > LATEST_MS)
		unix_ms = LATEST_MS;
	ms = unix_ms % MS_A_SECOND;
	if (ms < 0)
		ms += MS_A_SECOND;
	seconds = (time_t)((unix_ms - ms) / MS_A_SECOND);
	gmtime_r(&seconds, ret_tm);
	return (int)ms;
}

void clock_rfc3339(int64_t unix_ms, char ret_text[static 25])
{
	struct tm tm;
	const int ms = split(unix_ms, &tm);
	char text[80]; /* the compiler cannot know that every field is short */

	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
		 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ms);
	memcpy(ret_text, text, 24);
	ret_text[24] = '\0';
}

void clock_http_date(int64_t unix_ms, char ret_text[static 30])
{
	struct tm tm;
	char text[80];

	(void)split(unix_ms, &tm);
	snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", DAYS[tm.tm_wday], tm.tm_mday,
		 MONTHS[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(ret_text, text, 29);
	ret_text[29] = '\0';
}

/* `count` digits; -1 when something else stands there. */
static int digits(const char *text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

bool clock_parse_http_date(const char *text, int64_t *ret_unix_ms)
{
	struct tm tm = {0};
	char again[30];
	int64_t unix_ms;

	if (strnlen(text, sizeof(again)) != sizeof(again) - 1)
		return false;
	tm.tm_mday = digits(text + 5, 2);
	tm.tm_year = digits(text + 12, 4);
	tm.tm_hour = digits(text + 17, 2);
	tm.tm_min = digits(text + 20, 2);
	tm.tm_sec = digits(text + 23, 2);
	if (tm.tm_mday < 0 || tm.tm_year < 0 || tm.tm_hour < 0 || tm.tm_min < 0 || tm.tm_sec < 0)
		return false;
	tm.tm_year -= 1900;
	while (tm.tm_mon < 12 && memcmp(text + 8, MONTHS[tm.tm_mon], 3) != 0)
		tm.tm_mon++;
	if (tm.tm_mon == 12)
		return false;
	/* timegm() takes days that do not exist; whatever is not written back the same was no date. */
	unix_ms = (int64_t)timegm(&tm) * MS_A_SECOND;
	clock_http_date(unix_ms, again);
	if (strcmp(again, text) != 0)
		return false;
	*ret_unix_ms = unix_ms;
	return true;
}

bool clock_parse_rfc3339(const char *text, int64_t *ret_unix_ms)
{
	const size_t size = strnlen(text, 25);
	char whole[25], again[25];
	struct tm tm = {0};
	int64_t unix_ms;
	int ms;

	if (size != 20 && size != 24)
		return false;
	snprintf(whole, sizeof(whole), "%.19s%s", text, size == 24 ? text + 19 : ".000Z");
	tm.tm_year = digits(whole, 4) - 1900;
	tm.tm_mon = digits(whole + 5, 2) - 1;
	tm.tm_mday = digits(whole + 8, 2);
	tm.tm_hour = digits(whole + 11, 2);
	tm.tm_min = digits(whole + 14, 2);
	tm.tm_sec = digits(whole + 17, 2);
	ms = digits(whole + 20, 3);
	if (ms < 0 || (size == 20 && text[19] != 'Z'))
		return false;
	/* As above: whatever is not written back the same was none. */
	unix_ms = (int64_t)timegm(&tm) * MS_A_SECOND + ms;
	clock_rfc3339(unix_ms, again);
	if (strcmp(again, whole) != 0)
		return false;
	*ret_unix_ms = unix_ms;
	return true;
}
