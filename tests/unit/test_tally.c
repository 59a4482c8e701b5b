#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/tally.h"

static const struct http_route ROUTES[] = {
	{.method = "GET", .path = "/v1/records/{id}"},
	{.method = "POST", .path = "/v1/records"},
};

static char *print(struct tally *tally)
{
	struct exposition *exposition = exposition_new();
	size_t size;
	char *text;

	tally_print(tally, exposition);
	text = exposition_take(exposition, &size);
	cr_assert(text);
	return text;
}

static void note(struct tally_sheet *sheet, const struct http_route *route, unsigned status, uint64_t microseconds)
{
	tally_note(sheet, &(struct http_done){.route = route,
					      .status = status,
					      .received = 10,
					      .sent = 100,
					      .microseconds = microseconds,
					      .completed = status != 0});
}

Test(tally, sheets_are_summed_by_route_and_status)
{
	struct tally *tally = tally_new(ROUTES, 2);
	struct tally_sheet *one = tally_sheet_new(tally), *other = tally_sheet_new(tally);
	char *text;

	note(one, &ROUTES[0], 200, 400);
	note(other, &ROUTES[0], 200, 600);
	note(other, &ROUTES[0], 404, 10);
	note(other, &ROUTES[1], 201, 2000000);
	text = print(tally);
	cr_assert(strstr(text,
			 "\ncoffer_http_requests_total{method=\"GET\",route=\"/v1/records/{id}\",status=\"200\"} 2\n"
			 "coffer_http_requests_total{method=\"GET\",route=\"/v1/records/{id}\",status=\"404\"} 1\n"
			 "coffer_http_requests_total{method=\"POST\",route=\"/v1/records\",status=\"201\"} 1\n#"));
	cr_assert(
		strstr(text, "_duration_seconds_bucket{method=\"GET\",route=\"/v1/records/{id}\",le=\"0.0005\"} 2\n"));
	cr_assert(strstr(text, "_duration_seconds_count{method=\"GET\",route=\"/v1/records/{id}\"} 3\n"));
	cr_assert(strstr(text, "_duration_seconds_sum{method=\"POST\",route=\"/v1/records\"} 2\n"));
	cr_assert(strstr(text, "\ncoffer_http_received_bytes_total 40\n"));
	cr_assert(strstr(text, "\ncoffer_http_sent_bytes_total 400\n"));
	cr_assert(strstr(text, "\ncoffer_http_incomplete_total 0\n"));
	free(text);
	tally_free(tally);
}

Test(tally, what_clients_choose_makes_no_new_label)
{
	struct tally *tally = tally_new(ROUTES, 2);
	struct tally_sheet *sheet = tally_sheet_new(tally);
	char *text;

	for (unsigned status = 0; status < 1000; status++)
		note(sheet, NULL, status, 1);
	text = print(tally);
	cr_assert(strstr(text, "{method=\"other\",route=\"none\",status=\"404\"} 1\n"));
	/* 0, and those that are no status at all. */
	cr_assert(strstr(text, "{method=\"other\",route=\"none\",status=\"0\"} 500\n"));
	cr_assert(strstr(text, "\ncoffer_http_incomplete_total 1\n"));
	cr_assert_null(strstr(text, "status=\"600\""));
	cr_assert_null(strstr(text, "status=\"99\""));
	free(text);
	tally_free(tally);
}

Test(tally, none_and_null_do_no_harm)
{
	struct tally *tally = tally_new(ROUTES, 2);
	char *text = print(tally);

	cr_assert(strstr(text, "# TYPE coffer_http_requests_total counter\n# HELP "));
	free(text);
	tally_free(tally);
	tally_free(NULL);
}
