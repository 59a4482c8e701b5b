#include "server/core/check.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/record.h"
#include "crypto/secret.h"
#include "server/core/check_internal.h"

enum { RECORD_PAGE = 64, ANSWER_PAGE = 64, PROGRESS_MS = 100, THREADS_MAX = 256 };

const char *check_failure_text(enum check_failure failure)
{
#define CHECK_FAILURE_TEXT(name, text) [CHECK_##name] = text,
	static const char *const TEXTS[] = {CHECK_FAILURES(CHECK_FAILURE_TEXT)};
#undef CHECK_FAILURE_TEXT

	return TEXTS[failure];
}

/* ---- what the parts use ------------------------------------------------------------------------------------------ */

bool check_stopped(const struct check *check)
{
	return check->options->stop && check->options->stop(check->options->arg);
}

void check_report(struct check *check, const struct check_fault *fault)
{
	pthread_mutex_lock(&check->lock);
	check->totals.faults++;
	check->options->fault(check->options->arg, fault);
	pthread_mutex_unlock(&check->lock);
}

/* Exhaustive, so that the compiler asks for a decision on each new status. */
bool check_is_finding(enum store_status status)
{
	switch (status) {
	case STORE_OK:
	case STORE_NOT_FOUND:
	case STORE_CORRUPT:
	case STORE_IO:
		return true;
	case STORE_CONFLICT:
	case STORE_BUSY:
	case STORE_NO_SPACE:
	case STORE_UNKNOWN:
	case STORE_NOMEM:
	case STORE_NEWER:
	case STORE_LOCKED:
	case STORE_STOPPED:
		return false;
	}
	return false;
}

enum core_status check_note(struct check_worker *w, const struct check_fault *fault)
{
	if (w->fault_count == w->fault_room) {
		const size_t room = w->fault_room ? 2 * w->fault_room : 16;
		struct check_fault *faults = reallocarray(w->faults, room, sizeof(*faults));

		if (!faults)
			return CORE_NOMEM;
		w->faults = faults;
		w->fault_room = room;
	}
	w->faults[w->fault_count++] = *fault;
	return CORE_OK;
}

enum core_status check_begin(struct check_worker *w)
{
	return w->in_snapshot ? CORE_OK : core_from_store(store_view_begin(w->view));
}

void check_end(struct check_worker *w)
{
	if (!w->in_snapshot)
		store_view_end(w->view);
}

/* ---- workers ---------------------------------------------------------------------------------------------------- */

struct page {
	uint8_t records[RECORD_PAGE][16];
	struct store_idempotency answers[ANSWER_PAGE];
	size_t record_count, answer_count;
};

/*
 * Records that are made while the check runs are left out, and answers that name them, or beside a busy server it would
 * not end: ids are in order of time.
 */
static bool is_newer(const struct check *check, const uint8_t record_id[static 16])
{
	return memcmp(record_id, check->record_last, sizeof(check->record_last)) > 0;
}

static enum store_status take_records(struct check *check, struct store_view *view, struct page *page)
{
	const enum store_status status =
		store_record_walk(view, check->record_after, RECORD_PAGE, page->records, &page->record_count);

	if (status != STORE_OK) {
		page->record_count = 0;
		return status;
	}
	while (page->record_count > 0 && is_newer(check, page->records[page->record_count - 1]))
		page->record_count--;
	if (page->record_count > 0)
		memcpy(check->record_after, page->records[page->record_count - 1], sizeof(check->record_after));
	else
		check->records_taken = true;
	return STORE_OK;
}

static enum store_status take_answers(struct check *check, struct store_view *view, struct page *page)
{
	const enum store_status status =
		store_idempotency_walk(view, check->answer_after, ANSWER_PAGE, page->answers, &page->answer_count);

	if (status != STORE_OK) {
		page->answer_count = 0;
		return status;
	}
	if (page->answer_count > 0)
		memcpy(check->answer_after, page->answers[page->answer_count - 1].key_mac, sizeof(check->answer_after));
	else
		check->answers_taken = true;
	return STORE_OK;
}

/* The next page, of records while there are some; both counts 0: nothing is left. */
static enum core_status take(struct check_worker *w, struct page *page)
{
	struct check *check = w->check;
	enum store_status status = STORE_OK;
	const char *unreadable = NULL;

	page->record_count = page->answer_count = 0;
	pthread_mutex_lock(&check->lock);
	if (!check->records_taken) {
		status = take_records(check, w->view, page);
		unreadable = status == STORE_OK ? NULL : "the list of records cannot be read to its end";
		check->records_taken = check->records_taken || unreadable;
	}
	if (check->records_taken && !check->answers_taken && !unreadable) {
		status = take_answers(check, w->view, page);
		unreadable = status == STORE_OK ? NULL : "the table of idempotency keys cannot be read to its end";
		check->answers_taken = check->answers_taken || unreadable;
	}
	pthread_mutex_unlock(&check->lock);
	if (!unreadable)
		return CORE_OK;
	if (!check_is_finding(status))
		return core_from_store(status);
	check_report(check,
		     &(struct check_fault){.subject = CHECK_FILE, .failure = CHECK_DATABASE, .detail = unreadable});
	return take(w, page);
}

static enum core_status work(struct check_worker *w)
{
	struct page page;
	enum core_status status;

	for (;;) {
		status = take(w, &page);
		if (status != CORE_OK || page.record_count + page.answer_count == 0)
			return status;
		for (size_t i = 0; i < page.record_count && status == CORE_OK && !check_stopped(w->check); i++)
			status = check_record(w, page.records[i]);
		for (size_t i = 0; i < page.answer_count && status == CORE_OK && !check_stopped(w->check); i++)
			if (!is_newer(w->check, page.answers[i].record_id))
				status = check_answer(w, &page.answers[i]);
		if (status != CORE_OK || check_stopped(w->check))
			return status;
	}
}

static void *worker_main(void *arg)
{
	struct check_worker *w = arg;
	struct check *check = w->check;
	enum core_status status = core_from_store(store_view_new(w->vault->store, &w->view));

	w->sealed = malloc(RECORD_SEALED_MAX);
	w->plain = malloc(RECORD_CHUNK_SIZE);
	if (status == CORE_OK)
		status = core_from_crypto(digest_new(&w->digest));
	if (status == CORE_OK)
		status = w->sealed && w->plain ? work(w) : CORE_NOMEM;
	store_view_free(w->view);
	digest_free(w->digest);
	if (w->plain)
		secret_wipe(w->plain, RECORD_CHUNK_SIZE);
	free(w->plain);
	free(w->sealed);
	free(w->faults);
	free(w->rows);
	pthread_mutex_lock(&check->lock);
	if (check->failure == CORE_OK)
		check->failure = status;
	/* A worker that fails leaves its page unchecked: no use for the others to go on. */
	if (status != CORE_OK)
		check->records_taken = check->answers_taken = true;
	check->running--;
	pthread_cond_signal(&check->ended);
	pthread_mutex_unlock(&check->lock);
	return NULL;
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

static void show(struct check *check, enum check_stage stage)
{
	if (check->options->progress)
		check->options->progress(check->options->arg, stage, &check->totals, check->expected);
}

static unsigned thread_count(unsigned wanted)
{
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted == 0)
		wanted = cores > 0 ? (unsigned)cores : 1;
	return wanted < THREADS_MAX ? wanted : THREADS_MAX;
}

/* Until no thread runs. `interruptible` (may be NULL): a view whose statements are too long to ask for a stop. */
static void wait_for_threads(struct check *check, enum check_stage stage, struct store_view *interruptible)
{
	pthread_mutex_lock(&check->lock);
	while (check->running > 0) {
		struct timespec until;

		show(check, stage);
		if (interruptible && check_stopped(check))
			store_view_interrupt(interruptible);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PROGRESS_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&check->ended, &check->lock, &until);
	}
	show(check, stage);
	pthread_mutex_unlock(&check->lock);
}

static enum core_status check_records(struct check *check)
{
	const unsigned count = thread_count(check->options->threads);
	struct check_worker *workers = calloc(count, sizeof(*workers));
	unsigned started = 0;

	if (!workers)
		return CORE_NOMEM;
	for (; started < count; started++) {
		workers[started].check = check;
		workers[started].vault = check->vault;
		pthread_mutex_lock(&check->lock);
		check->running++;
		pthread_mutex_unlock(&check->lock);
		if (pthread_create(&workers[started].thread, NULL, worker_main, &workers[started]) != 0)
			break;
	}
	if (started < count) {
		pthread_mutex_lock(&check->lock);
		check->running--;
		pthread_mutex_unlock(&check->lock);
	}
	wait_for_threads(check, CHECK_STAGE_RECORDS, NULL);
	for (unsigned i = 0; i < started; i++)
		pthread_join(workers[i].thread, NULL);
	free(workers);
	return started == 0 ? CORE_NOMEM : check->failure; /* fewer threads than wished for do the same work */
}

/* ---- what is checked once ---------------------------------------------------------------------------------------- */

struct survey {
	struct check *check;
	struct store_view *view;
	enum core_status status;
};

static void *survey_main(void *arg)
{
	struct survey *survey = arg;
	struct check *check = survey->check;

	survey->status = check_file(check, survey->view);
	if (survey->status == CORE_OK && !check_stopped(check))
		survey->status = check_tables(check, survey->view);
	if (survey->status == CORE_BUSY && check_stopped(check))
		survey->status = CORE_OK;
	pthread_mutex_lock(&check->lock);
	check->running--;
	pthread_cond_signal(&check->ended);
	pthread_mutex_unlock(&check->lock);
	return NULL;
}

/* On a thread of its own, so that this one can interrupt it. */
static enum core_status survey_run(struct check *check, struct store_view *view)
{
	struct survey survey = {.check = check, .view = view};
	pthread_t thread;

	check->running = 1;
	if (pthread_create(&thread, NULL, survey_main, &survey) != 0) {
		check->running = 0;
		return CORE_NOMEM;
	}
	wait_for_threads(check, CHECK_STAGE_TABLES, view);
	pthread_join(thread, NULL);
	return survey.status;
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

/* How far the walk goes. A table that cannot be counted is walked until it cannot be read. */
static enum core_status measure(struct check *check, struct store_view *view)
{
	enum store_status status = store_record_last(view, check->record_last);

	check->records_taken = status == STORE_NOT_FOUND;
	if (status == STORE_CORRUPT || status == STORE_IO)
		memset(check->record_last, 0xff, sizeof(check->record_last));
	if (check_is_finding(status))
		status = store_version_count(view, &check->expected);
	return check_is_finding(status) ? CORE_OK : core_from_store(status);
}

enum core_status check_run(const struct check_options *options, struct check_totals *ret_totals, bool *ret_whole)
{
	struct check check = {.options = options, .vault = options->vault};
	struct store_view *view = NULL;
	enum core_status status = core_from_store(store_view_new(options->vault->store, &view));

	pthread_mutex_init(&check.lock, NULL);
	pthread_cond_init(&check.ended, NULL);
	if (status == CORE_OK)
		status = measure(&check, view);
	if (status == CORE_OK)
		status = survey_run(&check, view);
	store_view_free(view);
	if (status == CORE_OK && !check_stopped(&check))
		status = check_records(&check);
	*ret_totals = check.totals;
	*ret_whole = status == CORE_OK && !check_stopped(&check);
	pthread_mutex_destroy(&check.lock);
	pthread_cond_destroy(&check.ended);
	return status;
}
