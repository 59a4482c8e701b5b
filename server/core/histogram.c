#include "server/core/histogram.h"

void histogram_note(struct histogram *histogram, const struct histogram_scale *scale, uint64_t value)
{
	size_t at = 0;

	while (at < scale->count && value > scale->bounds[at])
		at++;
	counter_grow(&histogram->counts[at], 1);
	counter_grow(&histogram->sum, value);
}

void histogram_read(const struct histogram *histogram, struct histogram_sum *sum)
{
	for (size_t i = 0; i <= HISTOGRAM_BOUNDS_MAX; i++)
		sum->counts[i] += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
	sum->sum += atomic_load_explicit(&histogram->sum, memory_order_relaxed);
}

uint64_t histogram_total(const struct histogram_sum *sum)
{
	uint64_t total = 0;

	for (size_t i = 0; i <= HISTOGRAM_BOUNDS_MAX; i++)
		total += sum->counts[i];
	return total;
}
