#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/exposition.h"

static void assert_text(struct exposition *exposition, const char *wanted)
{
	size_t size = 0;
	char *text = exposition_take(exposition, &size);

	cr_assert(text);
	cr_assert_eq(size, strlen(text));
	cr_assert_str_eq(text, wanted);
	free(text);
}

Test(exposition, a_family_has_help_type_and_samples)
{
	struct exposition *e = exposition_new();
	const struct exposition_label labels[] = {{"method", "GET"}, {"route", "/v1/records/{id}"}};

	exposition_family(e, "coffer_requests_total", "counter", "Requests");
	exposition_count(e, labels, 2, 7);
	exposition_count(e, NULL, 0, UINT64_MAX);
	assert_text(e, "# HELP coffer_requests_total Requests\n"
		       "# TYPE coffer_requests_total counter\n"
		       "coffer_requests_total{method=\"GET\",route=\"/v1/records/{id}\"} 7\n"
		       "coffer_requests_total 18446744073709551615\n");
}

Test(exposition, backslash_newline_and_quote_are_escaped_and_quotes_in_values_only)
{
	struct exposition *e = exposition_new();

	exposition_family(e, "a", "gauge", "back\\slash\nand \"quote\"");
	exposition_count(e, &(struct exposition_label){"l", "a\\b\n\"c\" \xc3\xa9"}, 1, 1);
	exposition_count(e, &(struct exposition_label){"l", ""}, 1, 2);
	assert_text(e, "# HELP a back\\\\slash\\nand \"quote\"\n"
		       "# TYPE a gauge\n"
		       "a{l=\"a\\\\b\\n\\\"c\\\" \xc3\xa9\"} 1\n"
		       "a{l=\"\"} 2\n");
}

Test(exposition, numbers_are_written_as_the_format_has_them)
{
	struct exposition *e = exposition_new();

	exposition_family(e, "a", "gauge", "h");
	exposition_number(e, NULL, 0, 0);
	exposition_number(e, NULL, 0, 1795638196.784);
	exposition_number(e, NULL, 0, 81179987968.0);
	exposition_number(e, NULL, 0, 0.25);
	exposition_number(e, NULL, 0, INFINITY);
	exposition_number(e, NULL, 0, -INFINITY);
	exposition_number(e, NULL, 0, NAN);
	assert_text(e, "# HELP a h\n# TYPE a gauge\n"
		       "a 0\na 1795638196.784\na 81179987968\na 0.25\na +Inf\na -Inf\na NaN\n");
}

Test(exposition, a_histogram_is_cumulative_and_its_count_is_its_last_bucket)
{
	static const struct histogram_scale SCALE = {.bounds = {500, 1000, 2500000}, .count = 3, .unit = 1e-6};
	static const uint64_t VALUES[] = {0, 500, 501, 1000, 1001, 2500000, 2500001, 9000000};
	struct histogram one = {.sum = 0}, other = {.sum = 0};
	struct histogram_sum sum = {.sum = 0};
	struct exposition *e = exposition_new();

	for (size_t i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++)
		histogram_note(i % 2 ? &one : &other, &SCALE, VALUES[i]);
	histogram_read(&one, &sum);
	histogram_read(&other, &sum);
	cr_assert_eq(histogram_total(&sum), 8);
	exposition_family(e, "t_seconds", "histogram", "h");
	exposition_histogram(e, &(struct exposition_label){"route", "/"}, 1, &SCALE, &sum);
	exposition_histogram(e, NULL, 0, &SCALE, &(struct histogram_sum){.sum = 0});
	assert_text(e, "# HELP t_seconds h\n# TYPE t_seconds histogram\n"
		       "t_seconds_bucket{route=\"/\",le=\"0.0005\"} 2\n"
		       "t_seconds_bucket{route=\"/\",le=\"0.001\"} 4\n"
		       "t_seconds_bucket{route=\"/\",le=\"2.5\"} 6\n"
		       "t_seconds_bucket{route=\"/\",le=\"+Inf\"} 8\n"
		       "t_seconds_sum{route=\"/\"} 14.003003\n"
		       "t_seconds_count{route=\"/\"} 8\n"
		       "t_seconds_bucket{le=\"0.0005\"} 0\n"
		       "t_seconds_bucket{le=\"0.001\"} 0\n"
		       "t_seconds_bucket{le=\"2.5\"} 0\n"
		       "t_seconds_bucket{le=\"+Inf\"} 0\n"
		       "t_seconds_sum 0\n"
		       "t_seconds_count 0\n");
}

Test(exposition, without_memory_nothing_is_done)
{
	size_t size;

	exposition_family(NULL, "a", "gauge", "h");
	exposition_count(NULL, NULL, 0, 1);
	exposition_number(NULL, NULL, 0, 1);
	exposition_free(NULL);
	cr_assert_null(exposition_take(NULL, &size));
}
