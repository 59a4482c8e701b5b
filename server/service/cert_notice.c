#include "server/service/cert_notice.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR, DATE = 32 };

static void print_date(int64_t seconds, char ret_text[static DATE])
{
	const time_t when = (time_t)seconds;
	struct tm parts;

	ret_text[0] = '\0';
	if (gmtime_r(&when, &parts))
		strftime(ret_text, DATE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

enum cert_urgency cert_urgency_of(const struct tls_expiry *expiry)
{
	const int64_t lifetime = expiry->not_after - expiry->not_before;

	if (expiry->seconds_left <= 0)
		return CERT_EXPIRED;
	if (expiry->seconds_left < lifetime / 10)
		return CERT_VERY_LATE;
	return expiry->seconds_left < lifetime / 4 ? CERT_LATE : CERT_FRESH;
}

void cert_notice_served(const struct tls_expiry *expiry, char *ret_line, size_t size)
{
	char date[DATE];

	print_date(expiry->not_after, date);
	snprintf(ret_line, size, "the certificate served from now on is for %s, until %s, SHA-256 %s", expiry->subject,
		 date, expiry->fingerprint);
}

void cert_notice_urgent(const struct tls_expiry *expiry, char *ret_line, size_t size)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {{2 * DAY, "days"}, {2 * HOUR, "hours"}, {2 * MINUTE, "minutes"}, {0, "seconds"}};
	static const int64_t lengths[] = {DAY, HOUR, MINUTE, 1};
	char date[DATE];
	size_t unit = 0;

	print_date(expiry->not_after, date);
	if (expiry->seconds_left <= 0) {
		snprintf(ret_line, size, "the certificate for %s has expired (%s): clients refuse it", expiry->subject,
			 date);
		return;
	}
	while (expiry->seconds_left < units[unit].seconds)
		unit++;
	snprintf(ret_line, size,
		 "the certificate for %s expires in %" PRId64 " %s (%s), and nothing has renewed it yet",
		 expiry->subject, expiry->seconds_left / lengths[unit], units[unit].name, date);
}
