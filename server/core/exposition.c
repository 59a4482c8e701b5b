#include "server/core/exposition.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct exposition {
	FILE *out;
	char *text;
	size_t size;
	const char *family;
};

struct exposition *exposition_new(void)
{
	struct exposition *e = calloc(1, sizeof(*e));

	if (e)
		e->out = open_memstream(&e->text, &e->size);
	if (e && !e->out) {
		free(e);
		e = NULL;
	}
	return e;
}

void exposition_free(struct exposition *e)
{
	if (!e)
		return;
	(void)fclose(e->out); /* thrown away, whatever became of it */
	free(e->text);
	free(e);
}

char *exposition_take(struct exposition *e, size_t *ret_size)
{
	bool good;
	char *text;

	if (!e)
		return NULL;
	good = ferror(e->out) == 0;
	good = fclose(e->out) == 0 && good;
	text = e->text;
	*ret_size = e->size;
	free(e);
	if (good)
		return text;
	free(text);
	return NULL;
}

/* A quote is escaped in values only. */
static void put_escaped(FILE *out, const char *text, bool quoted)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\\' || (quoted && *text == '"'))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

void exposition_family(struct exposition *e, const char *name, const char *type, const char *help)
{
	if (!e)
		return;
	e->family = name;
	fprintf(e->out, "# HELP %s ", name);
	put_escaped(e->out, help, false);
	fprintf(e->out, "\n# TYPE %s %s\n", name, type);
}

/* Up to the value. `bound`: of a bucket, or NULL. */
static void begin(struct exposition *e, const char *suffix, const struct exposition_label *labels, size_t count,
		  const char *bound)
{
	const char *before = "{";

	fprintf(e->out, "%s%s", e->family, suffix);
	for (size_t i = 0; i < count; i++) {
		fprintf(e->out, "%s%s=\"", before, labels[i].name);
		put_escaped(e->out, labels[i].value, true);
		fputc('"', e->out);
		before = ",";
	}
	if (bound)
		fprintf(e->out, "%sle=\"%s\"", before, bound);
	fputs(count || bound ? "} " : " ", e->out);
}

static void put_number(FILE *out, double value)
{
	if (isnan(value))
		fputs("NaN\n", out);
	else if (isinf(value))
		fputs(value > 0 ? "+Inf\n" : "-Inf\n", out);
	else
		fprintf(out, "%.15g\n", value);
}

void exposition_count(struct exposition *e, const struct exposition_label *labels, size_t count, uint64_t value)
{
	if (!e)
		return;
	begin(e, "", labels, count, NULL);
	fprintf(e->out, "%" PRIu64 "\n", value);
}

void exposition_number(struct exposition *e, const struct exposition_label *labels, size_t count, double value)
{
	if (!e)
		return;
	begin(e, "", labels, count, NULL);
	put_number(e->out, value);
}

void exposition_histogram(struct exposition *e, const struct exposition_label *labels, size_t count,
			  const struct histogram_scale *scale, const struct histogram_sum *sum)
{
	uint64_t below = 0;
	char bound[32];

	if (!e)
		return;
	for (size_t i = 0; i <= scale->count; i++) {
		below += sum->counts[i];
		if (i < scale->count)
			snprintf(bound, sizeof(bound), "%.6g", (double)scale->bounds[i] * scale->unit);
		begin(e, "_bucket", labels, count, i < scale->count ? bound : "+Inf");
		fprintf(e->out, "%" PRIu64 "\n", below);
	}
	begin(e, "_sum", labels, count, NULL);
	put_number(e->out, (double)sum->sum * scale->unit);
	/* Of the same numbers as the buckets: a reader takes them together. */
	begin(e, "_count", labels, count, NULL);
	fprintf(e->out, "%" PRIu64 "\n", below);
}
