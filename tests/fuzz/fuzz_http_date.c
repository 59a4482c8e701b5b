/*
 * HTTP dates: what parses is written back the same, and every moment that can be written parses to itself. The input is
 * a text, and its first eight bytes a moment.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/wire.h"
#include "server/core/clock.h"
#include "tests/fuzz/fuzz.h"

/* Of the years 0000 to 9999: what lies outside is written as the nearest of these. */
static const int64_t EARLIEST = -INT64_C(62167219200), LATEST = INT64_C(253402300799);

static void any_text(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	int64_t moment = 77;
	char again[30];

	if (clock_parse_http_date(text, &moment)) {
		clock_http_date(moment, again);
		FUZZ_CHECK(strcmp(again, text) == 0);
		FUZZ_CHECK(moment % 1000 == 0 && moment / 1000 >= EARLIEST && moment / 1000 <= LATEST);
	} else {
		FUZZ_CHECK(moment == 77);
	}
	free(text);
}

static void any_moment(int64_t moment)
{
	char text[30], stamp[25];
	int64_t back, seconds = moment / 1000 - (moment % 1000 < 0);

	memset(text, 'x', sizeof(text));
	memset(stamp, 'x', sizeof(stamp));
	clock_http_date(moment, text);
	clock_rfc3339(moment, stamp);
	FUZZ_CHECK(strlen(text) == 29 && strlen(stamp) == 24);
	FUZZ_CHECK(clock_parse_http_date(text, &back));
	seconds = seconds < EARLIEST ? EARLIEST : seconds > LATEST ? LATEST : seconds;
	FUZZ_CHECK(back == seconds * 1000);
	/* The two forms tell the same day and time. */
	FUZZ_CHECK(memcmp(text + 17, stamp + 11, 8) == 0 && memcmp(text + 12, stamp, 4) == 0);
	FUZZ_CHECK(memcmp(text + 5, stamp + 8, 2) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_in in;
	int64_t moment;

	any_text(data, size);
	wire_in_init(&in, data, size);
	moment = (int64_t)wire_get_u64(&in);
	any_moment(moment);
	any_moment(moment >> 16); /* nearer to now */
	return 0;
}
