#include "server/api/tally.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Statuses that are noted: 100 to 599, and 0 for a request that was lost before its answer was known. */
enum { STATUS_FIRST = 100, STATUS_PLACES = 501, LOST = 500 };

static const struct histogram_scale TIME = {
	.bounds = {500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
		   10000000},
	.count = 14,
	.unit = 1e-6,
};

struct route_sheet {
	_Atomic uint64_t statuses[STATUS_PLACES];
	struct histogram time;
};

struct tally_sheet {
	struct tally_sheet *next;
	const struct tally *tally;
	_Atomic uint64_t received, sent, incomplete;
	struct route_sheet routes[]; /* one more than the table has: of no route */
};

struct tally {
	const struct http_route *routes;
	size_t count;
	pthread_mutex_t lock; /* for the list; what is on a sheet is its thread's */
	struct tally_sheet *sheets;
};

struct tally *tally_new(const struct http_route *routes, size_t count)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (!tally)
		return NULL;
	tally->routes = routes;
	tally->count = count;
	pthread_mutex_init(&tally->lock, NULL);
	return tally;
}

void tally_free(struct tally *tally)
{
	if (!tally)
		return;
	while (tally->sheets) {
		struct tally_sheet *sheet = tally->sheets;

		tally->sheets = sheet->next;
		free(sheet);
	}
	pthread_mutex_destroy(&tally->lock);
	free(tally);
}

struct tally_sheet *tally_sheet_new(struct tally *tally)
{
	struct tally_sheet *sheet = calloc(1, sizeof(*sheet) + (tally->count + 1) * sizeof(sheet->routes[0]));

	if (!sheet)
		return NULL;
	sheet->tally = tally;
	pthread_mutex_lock(&tally->lock);
	sheet->next = tally->sheets;
	tally->sheets = sheet;
	pthread_mutex_unlock(&tally->lock);
	return sheet;
}

/* ---- noting ------------------------------------------------------------------------------------------------------ */

void tally_note(struct tally_sheet *sheet, const struct http_done *done)
{
	const struct tally *tally = sheet->tally;
	struct route_sheet *route = &sheet->routes[done->route ? (size_t)(done->route - tally->routes) : tally->count];
	const unsigned place = done->status - STATUS_FIRST;

	counter_grow(&route->statuses[place < LOST ? place : LOST], 1);
	histogram_note(&route->time, &TIME, done->microseconds);
	counter_grow(&sheet->received, done->received);
	counter_grow(&sheet->sent, done->sent);
	if (!done->completed)
		counter_grow(&sheet->incomplete, 1);
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

/* A client chooses the method of what has no route: it is not told. */
static void name_route(const struct tally *tally, size_t index, struct exposition_label ret_labels[static 2])
{
	const bool known = index < tally->count;

	ret_labels[0] = (struct exposition_label){"method", known ? tally->routes[index].method : "other"};
	ret_labels[1] = (struct exposition_label){"route", known ? tally->routes[index].path : "none"};
}

static void print_statuses(const struct tally *tally, size_t index, struct exposition *exposition)
{
	struct exposition_label labels[3] = {{.name = NULL}, {.name = NULL}, {.name = "status"}};
	char status[12];

	name_route(tally, index, labels);
	labels[2].value = status;
	for (unsigned place = 0; place < STATUS_PLACES; place++) {
		uint64_t sum = 0;

		for (const struct tally_sheet *s = tally->sheets; s; s = s->next)
			sum += atomic_load_explicit(&s->routes[index].statuses[place], memory_order_relaxed);
		if (sum == 0)
			continue;
		snprintf(status, sizeof(status), "%u", place == LOST ? 0 : STATUS_FIRST + place);
		exposition_count(exposition, labels, 3, sum);
	}
}

static void print_time(const struct tally *tally, size_t index, struct exposition *exposition)
{
	struct histogram_sum sum = {.sum = 0};
	struct exposition_label labels[2];

	name_route(tally, index, labels);
	for (const struct tally_sheet *s = tally->sheets; s; s = s->next)
		histogram_read(&s->routes[index].time, &sum);
	if (histogram_total(&sum) > 0)
		exposition_histogram(exposition, labels, 2, &TIME, &sum);
}

static void print_sum(const struct tally *tally, size_t offset, const char *name, const char *help,
		      struct exposition *exposition)
{
	uint64_t sum = 0;

	for (const struct tally_sheet *s = tally->sheets; s; s = s->next)
		sum += atomic_load_explicit((const _Atomic uint64_t *)(const void *)((const char *)s + offset),
					    memory_order_relaxed);
	exposition_family(exposition, name, "counter", help);
	exposition_count(exposition, NULL, 0, sum);
}

void tally_print(struct tally *tally, struct exposition *exposition)
{
	pthread_mutex_lock(&tally->lock);
	exposition_family(
		exposition, "coffer_http_requests_total", "counter",
		"Requests by route and status, once they are over; status 0: lost before the answer was known");
	for (size_t i = 0; i <= tally->count; i++)
		print_statuses(tally, i, exposition);
	exposition_family(exposition, "coffer_http_request_duration_seconds", "histogram",
			  "Requests, from their head until the last byte of their answer was given to the kernel");
	for (size_t i = 0; i <= tally->count; i++)
		print_time(tally, i, exposition);
	print_sum(tally, offsetof(struct tally_sheet, received), "coffer_http_received_bytes_total",
		  "Bytes of request bodies", exposition);
	print_sum(tally, offsetof(struct tally_sheet, sent), "coffer_http_sent_bytes_total",
		  "Bytes of the bodies of answers, as announced", exposition);
	print_sum(
		tally, offsetof(struct tally_sheet, incomplete), "coffer_http_incomplete_total",
		"Requests whose answer did not go out whole: the client went away, was too slow, or the record failed "
		"to verify on the way",
		exposition);
	pthread_mutex_unlock(&tally->lock);
}
