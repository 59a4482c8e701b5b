#include "server/core/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 16, CACHE_LINE = 64 };

struct shard {
	_Alignas(CACHE_LINE) _Atomic uint64_t counts[METRIC_COUNT];
};

struct metrics {
	struct shard shards[SHARDS];
	struct histogram commit_jobs, commit_time;
};

#define METRIC_ROW(name, family_, label_, value_, help_) \
	[METRIC_##name] = {.family = family_, .label = {label_, value_}, .help = help_},
static const struct {
	const char *family;
	struct exposition_label label;
	const char *help;
} ROWS[] = {METRIC_LIST(METRIC_ROW)};
#undef METRIC_ROW
_Static_assert(sizeof(ROWS) / sizeof(ROWS[0]) == METRIC_COUNT, "a row for each counter");

static const struct histogram_scale JOBS = {.bounds = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}, .count = 10, .unit = 1};
static const struct histogram_scale TIME = {
	.bounds = {250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000},
	.count = 13,
	.unit = 1e-6,
};

struct metrics *metrics_new(void)
{
	struct metrics *metrics = aligned_alloc(CACHE_LINE, sizeof(*metrics));

	if (metrics)
		memset(metrics, 0, sizeof(*metrics));
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	free(metrics);
}

/* Threads that share one are as right, and a little slower. */
static struct shard *shard_of(struct metrics *metrics)
{
	const uint64_t self = (uint64_t)pthread_self();

	return &metrics->shards[(self * UINT64_C(0x9e3779b97f4a7c15)) >> 60];
}
_Static_assert(SHARDS == 1 << 4, "the four upper bits choose");

void metrics_count(struct metrics *metrics, enum metric metric, uint64_t count)
{
	if (metrics && count > 0)
		atomic_fetch_add_explicit(&shard_of(metrics)->counts[metric], count, memory_order_relaxed);
}

uint64_t metrics_read(const struct metrics *metrics, enum metric metric)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < SHARDS; i++)
		sum += atomic_load_explicit(&metrics->shards[i].counts[metric], memory_order_relaxed);
	return sum;
}

void metrics_committed(struct metrics *metrics, uint64_t jobs, uint64_t microseconds)
{
	if (!metrics)
		return;
	histogram_note(&metrics->commit_jobs, &JOBS, jobs);
	histogram_note(&metrics->commit_time, &TIME, microseconds);
}

void metrics_print(const struct metrics *metrics, struct exposition *exposition)
{
	struct histogram_sum jobs = {.sum = 0}, time = {.sum = 0};

	for (size_t i = 0; i < METRIC_COUNT; i++) {
		if (i == 0 || strcmp(ROWS[i].family, ROWS[i - 1].family) != 0)
			exposition_family(exposition, ROWS[i].family, "counter", ROWS[i].help);
		exposition_count(exposition, &ROWS[i].label, ROWS[i].label.name ? 1 : 0,
				 metrics_read(metrics, (enum metric)i));
	}
	histogram_read(&metrics->commit_jobs, &jobs);
	histogram_read(&metrics->commit_time, &time);
	exposition_family(exposition, "coffer_commit_requests", "histogram",
			  "Requests and other jobs that one transaction served");
	exposition_histogram(exposition, NULL, 0, &JOBS, &jobs);
	exposition_family(exposition, "coffer_commit_duration_seconds", "histogram",
			  "Transactions, from their beginning until they were on the disk");
	exposition_histogram(exposition, NULL, 0, &TIME, &time);
}
