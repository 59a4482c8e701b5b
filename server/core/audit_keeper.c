#include "server/core/audit_keeper.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "server/core/audit_archiver.h"
#include "server/core/audit_indexer.h"
#include "server/core/checkpoint.h"
#include "server/core/clock.h"
#include "server/core/identities.h"
#include "server/core/refusals.h"

enum {
	EVERY_MS = 1000,
	CHORE_AT_ONCE_MS = 300,	    /* then another has its turn */
	AGAIN_MS = 10 * 1000,	    /* after a failure */
	ARCHIVE_LATE_MS = 86400000, /* how long the first event of a segment waits for more, at most */
	NICENESS = 5,
};

enum { CHORE_INDEX, CHORE_ARCHIVE, CHORE_COUNT };

static const char HEAD[] = "audit.head";

struct audit_keeper {
	struct audit_keeper_options options;
	uint64_t written; /* the sequence of the head that is on disk */
	bool failing, losing;
	int64_t tell_at_ms; /* CLOCK_MONOTONIC */
	struct store_view *view;
	struct audit_indexer indexer;
	struct {
		bool failing;
		int64_t at_ms; /* not before this, CLOCK_MONOTONIC */
	} chores[CHORE_COUNT];
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

/* ---- chores: the index and the archive ----------------------------------------------------------------------------
 */

static enum core_status index_step(struct audit_keeper *keeper, bool *ret_more, struct files_error *error)
{
	return audit_indexer_step(&keeper->indexer, home_vault(keeper->options.home), keeper->view, ret_more, error);
}

static enum core_status archive_step(struct audit_keeper *keeper, bool *ret_more, struct files_error *error)
{
	const int64_t keep_ms = keeper->options.keep_ms;
	struct audit_archiver_options options = {.before_ms = clock_unix_ms() - keep_ms};

	*ret_more = false;
	if (keep_ms == 0)
		return CORE_OK;
	options.late_ms = options.before_ms - (keep_ms < ARCHIVE_LATE_MS ? keep_ms : ARCHIVE_LATE_MS);
	return audit_archiver_step(home_vault(keeper->options.home), keeper->view, &options, ret_more, error);
}

static const struct {
	enum core_status (*step)(struct audit_keeper *keeper, bool *ret_more, struct files_error *error);
	const char *again; /* when it works after a failure */
} CHORES[] = {
	[CHORE_INDEX] = {.step = index_step, .again = "the index of the audit log is made again"},
	[CHORE_ARCHIVE] = {.step = archive_step, .again = "the audit log is archived again"},
};
_Static_assert(sizeof(CHORES) / sizeof(CHORES[0]) == CHORE_COUNT, "each chore has one row");

/* Steps until nothing is due, or it is another's turn. Whether there is more to do at once. */
static bool do_chore(struct audit_keeper *keeper, unsigned chore)
{
	const int64_t end_ms = clock_monotonic_ms() + CHORE_AT_ONCE_MS;
	char text[1024] = "the database cannot be read";
	struct files_error error = {text, sizeof(text)};
	bool more = false, failed;

	if (clock_monotonic_ms() < keeper->chores[chore].at_ms)
		return false;
	failed = !keeper->view && store_view_new(home_vault(keeper->options.home)->store, &keeper->view) != STORE_OK;
	while (!failed) {
		failed = CHORES[chore].step(keeper, &more, &error) != CORE_OK;
		if (!more || clock_monotonic_ms() >= end_ms || atomic_load(&keeper->stopping))
			break;
	}
	if (failed)
		keeper->chores[chore].at_ms = clock_monotonic_ms() + AGAIN_MS;
	if (failed != keeper->chores[chore].failing)
		tell(keeper, failed ? text : CHORES[chore].again);
	keeper->chores[chore].failing = failed;
	return more && !failed;
}

/* ---- the thread ---------------------------------------------------------------------------------------------------
 */

static void *keep(void *arg)
{
	struct audit_keeper *keeper = arg;
	bool more = false;

	/* On Linux a niceness belongs to a thread. Requests come first. */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS);
	while (!atomic_load(&keeper->stopping)) {
		const int64_t due_ms = clock_monotonic_ms() + (more ? 0 : keeper->options.every_ms);
		const struct timespec due = {.tv_sec = (time_t)(due_ms / 1000), .tv_nsec = due_ms % 1000 * 1000000};

		(void)sem_clockwait(&keeper->stop, CLOCK_MONOTONIC, &due); /* cut short: a head a little early */
		keep_refusals(keeper, false);
		keep_head(keeper);
		more = false;
		for (unsigned i = 0; i < CHORE_COUNT; i++)
			more = do_chore(keeper, i) || more;
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
	if (!good || !checkpoint_is_signed(&head) || !identities_vouch(vault, head.public_key, head.sequence) ||
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
