/*
 * How often a value fell between fixed bounds. One thread writes a histogram, any may read it: each number is right,
 * though they need not be of the same moment.
 */
#ifndef COFFER_CORE_HISTOGRAM_H
#define COFFER_CORE_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* A number that one thread writes and any may read: nobody comes between the load and the store. */
static inline void counter_grow(_Atomic uint64_t *number, uint64_t by)
{
	atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + by, memory_order_relaxed);
}

enum { HISTOGRAM_BOUNDS_MAX = 16 };

struct histogram_scale {
	uint64_t bounds[HISTOGRAM_BOUNDS_MAX]; /* ascending; a value that equals one is below it */
	size_t count;
	double unit; /* what a value of 1 is, in base units: 1e-6 for microseconds */
};

struct histogram {
	_Atomic uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* the last one used: of what is beyond all bounds */
	_Atomic uint64_t sum;
};

/* What is read of several: all zeros at first. */
struct histogram_sum {
	uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1];
	uint64_t sum;
};

/* The writer's thread: without a lock, or a locked instruction. */
void histogram_note(struct histogram *histogram, const struct histogram_scale *scale, uint64_t value);
/* Any thread. */
void histogram_read(const struct histogram *histogram, struct histogram_sum *sum);
/* How many values there are. */
uint64_t histogram_total(const struct histogram_sum *sum);

#endif
