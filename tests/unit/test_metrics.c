#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/metrics.h"

enum { THREADS = 8, ROUNDS = 10000 };

static void *count(void *metrics)
{
	for (size_t i = 0; i < ROUNDS; i++) {
		metrics_count(metrics, METRIC_EPOCH_HIT, 1);
		metrics_count(metrics, METRIC_BREAK_GLASS, 2);
	}
	return NULL;
}

Test(metrics, what_threads_count_at_the_same_time_is_the_sum)
{
	struct metrics *metrics = metrics_new();
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, count, metrics), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(metrics_read(metrics, METRIC_EPOCH_HIT), THREADS * ROUNDS);
	cr_assert_eq(metrics_read(metrics, METRIC_BREAK_GLASS), 2 * THREADS * ROUNDS);
	cr_assert_eq(metrics_read(metrics, METRIC_EPOCH_MISS), 0);
	metrics_free(metrics);
}

Test(metrics, nothing_counts_where_there_are_none)
{
	metrics_count(NULL, METRIC_EPOCH_HIT, 1);
	metrics_committed(NULL, 1, 1);
	metrics_free(NULL);
}

static size_t occurrences(const char *text, const char *part)
{
	size_t found = 0;

	while ((text = strstr(text, part))) {
		found++;
		text += strlen(part);
	}
	return found;
}

Test(metrics, each_family_is_named_once_and_each_row_has_a_sample)
{
	struct metrics *metrics = metrics_new();
	struct exposition *exposition = exposition_new();
	size_t size = 0;
	char *text;

	metrics_count(metrics, METRIC_RSA_EPOCH_KEY, 3);
	metrics_committed(metrics, 5, 1200);
	metrics_print(metrics, exposition);
	text = exposition_take(exposition, &size);
	cr_assert(text);
	cr_assert(strstr(text, "\ncoffer_rsa_unwraps_total{key=\"epoch\"} 3\n"));
	cr_assert(strstr(text, "\ncoffer_rsa_unwraps_total{key=\"record\"} 0\n"));
	cr_assert(strstr(text, "\ncoffer_commit_requests_bucket{le=\"4\"} 0\n"));
	cr_assert(strstr(text, "\ncoffer_commit_requests_bucket{le=\"8\"} 1\n"));
	cr_assert(strstr(text, "\ncoffer_commit_requests_sum 5\n"));
	cr_assert(strstr(text, "\ncoffer_commit_duration_seconds_bucket{le=\"0.0025\"} 1\n"));
	cr_assert(strstr(text, "\ncoffer_commit_duration_seconds_sum 0.0012\n"));
	cr_assert_eq(occurrences(text, "# TYPE coffer_rsa_unwraps_total counter\n"), 1);
	cr_assert_eq(occurrences(text, "# TYPE coffer_audit_events_total counter\n"), 1);
	cr_assert_eq(occurrences(text, "# TYPE "), occurrences(text, "# HELP "));
	free(text);
	metrics_free(metrics);
}
