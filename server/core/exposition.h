/*
 * The text format of Prometheus, version 0.0.4: families of samples, each family with its help and its type. Failures
 * stick. One thread a text; every function accepts NULL and does nothing.
 */
#ifndef COFFER_CORE_EXPOSITION_H
#define COFFER_CORE_EXPOSITION_H

#include <stddef.h>
#include <stdint.h>

#include "server/core/histogram.h"

#define EXPOSITION_MEDIA_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct exposition;

/* Any UTF-8 is a value: it is escaped. */
struct exposition_label {
	const char *name;
	const char *value;
};

/* NULL when memory runs out. */
struct exposition *exposition_new(void);
void exposition_free(struct exposition *exposition);

/* The samples that follow are of this family. type: "counter", "gauge", "histogram". name: borrowed until the next. */
void exposition_family(struct exposition *exposition, const char *name, const char *type, const char *help);
void exposition_count(struct exposition *exposition, const struct exposition_label *labels, size_t count,
		      uint64_t value);
void exposition_number(struct exposition *exposition, const struct exposition_label *labels, size_t count,
		       double value);
/* Every _bucket, _sum and _count of a histogram. */
void exposition_histogram(struct exposition *exposition, const struct exposition_label *labels, size_t count,
			  const struct histogram_scale *scale, const struct histogram_sum *sum);

/* Ends and frees it: the text, terminated, to be freed with free(); NULL when anything failed. */
char *exposition_take(struct exposition *exposition, size_t *ret_size);

#endif
