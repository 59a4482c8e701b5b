#include <criterion/criterion.h>
#include <string.h>

#include "server/service/cert_notice.h"

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static struct tls_expiry expiry_of(int64_t lifetime, int64_t left)
{
	/* 2027-01-02T03:04:05Z */
	return (struct tls_expiry){.not_before = 1798859045 - lifetime,
				   .not_after = 1798859045,
				   .seconds_left = left,
				   .subject = "records.example",
				   .fingerprint = "AB:CD"};
}

Test(cert_notice, the_urgency_grows_as_the_lifetime_ends)
{
	static const struct {
		int64_t lifetime, left;
		enum cert_urgency urgency;
	} cases[] = {
		{100 * DAY, 100 * DAY, CERT_FRESH},
		{100 * DAY, 25 * DAY, CERT_FRESH},
		{100 * DAY, 25 * DAY - 1, CERT_LATE},
		{100 * DAY, 10 * DAY, CERT_LATE},
		{100 * DAY, 10 * DAY - 1, CERT_VERY_LATE},
		{100 * DAY, 1, CERT_VERY_LATE},
		{100 * DAY, 0, CERT_EXPIRED},
		{100 * DAY, -5, CERT_EXPIRED},
		/* A certificate of six days is not late from its first day on. */
		{6 * DAY, 5 * DAY, CERT_FRESH},
		{6 * DAY, DAY, CERT_LATE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tls_expiry expiry = expiry_of(cases[i].lifetime, cases[i].left);

		cr_expect_eq(cert_urgency_of(&expiry), cases[i].urgency, "case %zu", i);
	}
}

Test(cert_notice, a_line_tells_the_time_left_in_a_unit_that_says_something)
{
	static const struct {
		int64_t left;
		const char *words;
	} cases[] = {
		{10 * DAY, "expires in 10 days (2027-01-02T03:04:05Z), and nothing has renewed it yet"},
		{2 * DAY, "expires in 2 days "},
		{2 * DAY - 1, "expires in 47 hours "},
		{2 * HOUR, "expires in 2 hours "},
		{2 * HOUR - 1, "expires in 119 minutes "},
		{119, "expires in 119 seconds "},
		{1, "expires in 1 seconds "},
		{0, "has expired (2027-01-02T03:04:05Z): clients refuse it"},
	};
	char line[400];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tls_expiry expiry = expiry_of(100 * DAY, cases[i].left);

		cert_notice_urgent(&expiry, line, sizeof(line));
		cr_expect(strstr(line, cases[i].words), "%s", line);
		cr_expect(strstr(line, "the certificate for records.example "), "%s", line);
	}
}

Test(cert_notice, what_is_served_is_named_by_subject_end_and_fingerprint)
{
	const struct tls_expiry expiry = expiry_of(DAY, DAY);
	char line[400];

	cert_notice_served(&expiry, line, sizeof(line));
	cr_expect_str_eq(line, "the certificate served from now on is for records.example, until 2027-01-02T03:04:05Z, "
			       "SHA-256 AB:CD");
}
