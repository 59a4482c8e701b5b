#include "server/core/human.h"

#include <inttypes.h>
#include <stdio.h>

void human_bytes(uint64_t bytes, char ret_text[static HUMAN_TEXT_MAX])
{
	static const char *const UNITS[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	/* What would be printed as 1024.0 is one of the next. */
	while (value >= 1023.95 && unit + 1 < sizeof(UNITS) / sizeof(UNITS[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(ret_text, HUMAN_TEXT_MAX, unit ? "%.1f %s" : "%.0f %s", value, UNITS[unit]);
}

void human_span(uint64_t seconds, char ret_text[static HUMAN_TEXT_MAX])
{
	const uint64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

	if (days > 0)
		snprintf(ret_text, HUMAN_TEXT_MAX, "%" PRIu64 " d %" PRIu64 " h", days, hours % 24);
	else if (hours > 0)
		snprintf(ret_text, HUMAN_TEXT_MAX, "%" PRIu64 " h %" PRIu64 " min", hours, minutes % 60);
	else if (minutes > 0)
		snprintf(ret_text, HUMAN_TEXT_MAX, "%" PRIu64 " min", minutes);
	else
		snprintf(ret_text, HUMAN_TEXT_MAX, "%" PRIu64 " s", seconds);
}
