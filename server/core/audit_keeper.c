#include "server/core/audit_keeper.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/secret.h"
#include "server/core/audit_archiver.h"
#include "server/core/checkpoint.h"
#include "server/core/clock.h"
#include "server/core/refusals.h"

enum {
	EVERY_MS = 1000,
	ARCHIVE_AT_ONCE_MS = 500,     /* then the head has its turn */
	ARCHIVE_LATE_MS = 86400000,   /* how long the first event of a segment waits for more, at most */
	ARCHIVE_AGAIN_MS = 10 * 1000, /* after a failure */
};

static const char HEAD[] = "audit.head";

struct audit_keeper {
	struct audit_keeper_options options;
	uint64_t written; /* the sequence of the head that is on disk */
	bool failing, losing;
	int64_t tell_at_ms; /* CLOCK_MONOTONIC */
	struct store_view *view;
	bool archive_failing;
	int64_t archive_at_ms;
	_Atomic bool stopping;
	sem_t stop;
	pthread_t thread;
};

static void tell(const struct audit_keeper *keeper, const char *line)
{
	if (keeper->options.log)
		keeper->options.log(line);
}

/* Once when it begins to fail, and once when it works again. */
static void note(struct audit_keeper *keeper, bool failed, const char *why)
{
	char line[1200];

	if (failed == keeper->failing)
		return;
	keeper->failing = failed;
	snprintf(line, sizeof(line),
		 failed ? "the head of the audit log cannot be kept, and will be tried again: %s"
			: "the head of the audit log is kept again%s",
		 failed ? why : "");
	tell(keeper, line);
}

static void keep_head(struct audit_keeper *keeper)
{
	struct checkpoint checkpoint;
	char error[1024] = "out of memory";
	size_t size;
	char *text;
	bool written = false;

	if (checkpoint_make(home_vault(keeper->options.home), &checkpoint) != CORE_OK ||
	    checkpoint.sequence == keeper->written)
		return;
	text = checkpoint_print(&checkpoint, &size);
	if (text)
		written = home_write(keeper->options.home, HEAD, 0600, text, size, error, sizeof(error)) == CORE_OK;
	free(text);
	if (written)
		keeper->written = checkpoint.sequence;
	note(keeper, !written, error);
}

static void tell_checkpoint(struct audit_keeper *keeper)
{
	struct checkpoint checkpoint;
	char line[1024];
	size_t size;
	char *text;

	if (checkpoint_make(home_vault(keeper->options.home), &checkpoint) != CORE_OK)
		return;
	text = checkpoint_print(&checkpoint, &size);
	if (!text)
		return;
	snprintf(line, sizeof(line), "audit checkpoint %s", text);
	free(text);
	tell(keeper, line);
}

static void keep_refusals(struct audit_keeper *keeper, bool all)
{
	const bool lost = keeper->losing;

	if (!keeper->options.refusals)
		return;
	keeper->losing = !refusals_write(keeper->options.refusals, home_vault(keeper->options.home), all);
	if (keeper->losing && !lost)
		tell(keeper, "refused requests cannot be counted in the audit log at the moment");
}

/* ---- the archive ---------------------------------------------------------------------------------------------------
 */

/* Steps until nothing is due, or it is another's turn. */
static enum core_status archive_some(struct audit_keeper *keeper, bool *ret_more, struct files_error *error)
{
	const struct vault *vault = home_vault(keeper->options.home);
	const int64_t end_ms = clock_monotonic_ms() + ARCHIVE_AT_ONCE_MS, keep_ms = keeper->options.keep_ms;
	struct audit_archiver_options options = {.before_ms = clock_unix_ms() - keep_ms};
	enum core_status status = CORE_OK;

	options.late_ms = options.before_ms - (keep_ms < ARCHIVE_LATE_MS ? keep_ms : ARCHIVE_LATE_MS);
	if (!keeper->view)
		status = core_from_store(store_view_new(vault->store, &keeper->view));
	if (status != CORE_OK)
		return files_fail(error, status, "the audit log cannot be archived: the database cannot be read");
	do
		status = audit_archiver_step(vault, keeper->view, &options, ret_more, error);
	while (status == CORE_OK && *ret_more && clock_monotonic_ms() < end_ms && !atomic_load(&keeper->stopping));
	return status;
}

/* Whether there is more to do at once. */
static bool archive(struct audit_keeper *keeper)
{
	char text[1024] = "";
	struct files_error error = {text, sizeof(text)};
	bool more = false, failed;

	if (keeper->options.keep_ms == 0 || clock_monotonic_ms() < keeper->archive_at_ms)
		return false;
	failed = archive_some(keeper, &more, &error) != CORE_OK;
	if (failed)
		keeper->archive_at_ms = clock_monotonic_ms() + ARCHIVE_AGAIN_MS;
	if (failed != keeper->archive_failing)
		tell(keeper, failed ? text : "the audit log is archived again");
	keeper->archive_failing = failed;
	return more && !failed;
}

/* ---- the thread ---------------------------------------------------------------------------------------------------
 */

static void *keep(void *arg)
{
	struct audit_keeper *keeper = arg;
	bool more = false;

	while (!atomic_load(&keeper->stopping)) {
		const int64_t due_ms = clock_monotonic_ms() + (more ? 0 : keeper->options.every_ms);
		const struct timespec due = {.tv_sec = (time_t)(due_ms / 1000), .tv_nsec = due_ms % 1000 * 1000000};

		(void)sem_clockwait(&keeper->stop, CLOCK_MONOTONIC, &due); /* cut short: a head a little early */
		keep_refusals(keeper, false);
		keep_head(keeper);
		more = archive(keeper);
		if (keeper->options.tell_ms > 0 && clock_monotonic_ms() >= keeper->tell_at_ms) {
			tell_checkpoint(keeper);
			keeper->tell_at_ms = clock_monotonic_ms() + keeper->options.tell_ms;
		}
	}
	return NULL;
}

static enum core_status check_at_start(struct home *home, char *ret_error, size_t error_size)
{
	struct store_view *view = NULL;
	bool kept;
	enum core_status status = core_from_store(store_view_new(home_vault(home)->store, &view));

	if (status == CORE_OK)
		status = audit_keeper_check(home, view, &kept, ret_error, error_size);
	store_view_free(view);
	return status;
}

enum core_status audit_keeper_new(const struct audit_keeper_options *options, struct audit_keeper **ret_keeper,
				  char *ret_error, size_t error_size)
{
	struct audit_keeper *keeper;
	enum core_status status = check_at_start(options->home, ret_error, error_size);

	if (status != CORE_OK)
		return status;
	keeper = calloc(1, sizeof(*keeper));
	if (keeper) {
		keeper->options = *options;
		if (keeper->options.every_ms == 0)
			keeper->options.every_ms = EVERY_MS;
		keeper->tell_at_ms = clock_monotonic_ms() + keeper->options.tell_ms;
		sem_init(&keeper->stop, 0, 0);
		if (pthread_create(&keeper->thread, NULL, keep, keeper) == 0) {
			*ret_keeper = keeper;
			return CORE_OK;
		}
		sem_destroy(&keeper->stop);
		free(keeper);
	}
	snprintf(ret_error, error_size, "out of memory or threads");
	return CORE_NOMEM;
}

void audit_keeper_free(struct audit_keeper *keeper)
{
	if (!keeper)
		return;
	atomic_store(&keeper->stopping, true);
	sem_post(&keeper->stop);
	pthread_join(keeper->thread, NULL);
	keep_refusals(keeper, true);
	keep_head(keeper);
	store_view_free(keeper->view);
	sem_destroy(&keeper->stop);
	free(keeper);
}

enum core_status audit_keeper_check(struct home *home, struct store_view *view, bool *ret_kept, char *ret_error,
				    size_t error_size)
{
	const struct vault *vault = home_vault(home);
	uint8_t own[IDENTITY_PUBLIC_SIZE];
	struct checkpoint head;
	enum core_status status;
	char *text = NULL;
	size_t size;
	bool good;

	status = home_read(home, HEAD, false, &text, &size, ret_error, error_size);
	*ret_kept = status != CORE_NOT_FOUND;
	if (status != CORE_OK)
		return status == CORE_NOT_FOUND ? CORE_OK : status;
	good = checkpoint_parse(text, size, &head);
	secret_free(text, size + 1);
	identity_public(vault->identity, own);
	if (!good || !checkpoint_is_signed(&head) || memcmp(head.public_key, own, sizeof(own)) != 0 ||
	    memcmp(head.store_id, vault->store_id, sizeof(head.store_id)) != 0) {
		snprintf(
			ret_error, error_size,
			"%s/%s is not a head of this store's audit log: somebody has replaced it, or put another store "
			"here. To go on knowingly, move it away",
			home_path(home), HEAD);
		return CORE_DAMAGED;
	}
	status = checkpoint_compare(&head, vault, view);
	if (status == CORE_DAMAGED)
		snprintf(ret_error, error_size,
			 "the audit log does not hold event %llu, of which %s/%s tells: its end was cut off, or the "
			 "database "
			 "was put back to an earlier state. To go on with it knowingly, move that file away",
			 (unsigned long long)head.sequence, home_path(home), HEAD);
	else if (status != CORE_OK)
		snprintf(ret_error, error_size, "the audit log cannot be read");
	return status;
}
