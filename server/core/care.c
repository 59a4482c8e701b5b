#include "server/core/care.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "server/core/clock.h"
#include "server/core/mailbox.h"
#include "server/core/record.h"

/* So many keys a transaction, so that requests come between. */
enum { EXPIRE_AT_ONCE = 1000, SESSION_KEPT_MS = 24 * 3600 * 1000 };

struct chore {
	const char *name; /* in messages */
	enum core_status (*run)(struct care *care);
	int64_t every_ms, due_ms;
	bool failing;
};

enum { CHORE_SHRED, CHORE_EXPIRE, CHORE_SESSIONS, CHORE_MESSAGES, CHORE_REMNANTS, CHORE_COUNT };

struct care {
	struct store_job job; /* first: apply() is handed a pointer to it */
	struct care_options options;
	struct chore chores[CHORE_COUNT];
	uint64_t expired; /* by the last transaction */
	_Atomic bool stopping;
	sem_t stop;
	pthread_t thread;
};

/* ---- chores ------------------------------------------------------------------------------------------------------ */

static enum core_status shred(struct care *care)
{
	struct store_view *view = NULL;
	uint64_t count;
	enum core_status status = core_from_store(store_view_new(care->options.vault->store, &view));

	if (status == CORE_OK)
		status = record_shred_pending(care->options.vault, view, &count);
	store_view_free(view);
	return status;
}

static enum store_status expire_apply(struct store_job *job, struct store_txn *txn)
{
	struct care *care = (struct care *)job;

	return store_idempotency_expire(txn, clock_unix_ms() - care->options.idempotency_ttl_ms, EXPIRE_AT_ONCE,
					&care->expired);
}

/* A day late, so that whoever reads the audit log of today still finds them. */
static enum store_status sessions_apply(struct store_job *job, struct store_txn *txn)
{
	struct care *care = (struct care *)job;

	return store_token_expire(txn, clock_unix_ms() - SESSION_KEPT_MS, EXPIRE_AT_ONCE, &care->expired);
}

/* Runs the job until it finds less than it may take. */
static enum core_status expire_by(struct care *care,
				  enum store_status (*apply)(struct store_job *job, struct store_txn *txn))
{
	enum store_status status;

	care->job.apply = apply;
	do {
		care->expired = 0;
		status = store_run(care->options.vault->store, &care->job);
	} while (status == STORE_OK && care->expired == EXPIRE_AT_ONCE && !atomic_load(&care->stopping));
	return core_from_store(status);
}

static enum core_status expire(struct care *care)
{
	return expire_by(care, expire_apply);
}

static enum core_status forget_sessions(struct care *care)
{
	return expire_by(care, sessions_apply);
}

/* Page after page, until there is none or it is time to end. */
static enum core_status sweep(struct care *care, enum core_status (*page)(const struct vault *vault,
									  struct store_view *view, uint64_t *ret_count))
{
	struct store_view *view = NULL;
	uint64_t count = 1;
	enum core_status status = core_from_store(store_view_new(care->options.vault->store, &view));

	while (status == CORE_OK && count > 0 && !atomic_load(&care->stopping))
		status = page(care->options.vault, view, &count);
	store_view_free(view);
	return status;
}

static enum core_status expire_messages(struct care *care)
{
	return sweep(care, mailbox_expire);
}

static enum core_status shred_messages(struct care *care)
{
	return sweep(care, mailbox_shred);
}

static const struct chore CHORES[] = {
	[CHORE_SHRED] = {.name = "shredding deleted records", .run = shred},
	[CHORE_EXPIRE] = {.name = "forgetting old Idempotency-Keys", .run = expire},
	[CHORE_MESSAGES] = {.name = "removing expired messages", .run = expire_messages},
	[CHORE_REMNANTS] = {.name = "shredding removed messages", .run = shred_messages},
	[CHORE_SESSIONS] = {.name = "forgetting old logins", .run = forget_sessions},
};
_Static_assert(sizeof(CHORES) / sizeof(CHORES[0]) == CHORE_COUNT, "each chore has one row");

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* False when it is time to end. */
static bool wait_until(struct care *care, int64_t due_ms)
{
	const struct timespec until = {.tv_sec = (time_t)(due_ms / 1000), .tv_nsec = due_ms % 1000 * 1000000};

	/* A signal's interruption only makes the round begin early. */
	return sem_clockwait(&care->stop, CLOCK_MONOTONIC, &until) != 0;
}

static const char *reason(enum core_status status)
{
	switch (status) {
	case CORE_BUSY:
		return "a reader holds the log, or the queue is full";
	case CORE_NO_SPACE:
		return "the disk is nearly full";
	case CORE_NOMEM:
		return "memory has run out";
	case CORE_DAMAGED:
		return "the database is damaged";
	default:
		return "the store cannot be read or written";
	}
}

/* Once when it begins and once when it ends: a chore that fails is tried again at its next turn anyway. */
static void tell(struct care *care, struct chore *chore, enum core_status status)
{
	bool fails = status != CORE_OK;
	char line[160];

	if (fails == chore->failing)
		return;
	chore->failing = fails;
	if (!care->options.log)
		return;
	if (fails)
		snprintf(line, sizeof(line), "%s fails, and will be tried again: %s", chore->name, reason(status));
	else
		snprintf(line, sizeof(line), "%s works again", chore->name);
	care->options.log(line);
}

static void *take_care(void *arg)
{
	struct care *care = arg;
	int64_t next;

	for (int i = 0; i < CHORE_COUNT; i++)
		care->chores[i].due_ms = now_ms() + care->chores[i].every_ms;
	for (;;) {
		next = INT64_MAX;
		for (int i = 0; i < CHORE_COUNT; i++)
			if (care->chores[i].due_ms < next)
				next = care->chores[i].due_ms;
		if (!wait_until(care, next))
			return NULL;
		for (int i = 0; i < CHORE_COUNT; i++) {
			struct chore *chore = &care->chores[i];

			if (now_ms() < chore->due_ms)
				continue;
			tell(care, chore, chore->run(care));
			chore->due_ms = now_ms() + chore->every_ms;
		}
	}
}

struct care *care_new(const struct care_options *options)
{
	struct care *care = calloc(1, sizeof(*care));

	if (!care)
		return NULL;
	care->options = *options;
	for (int i = 0; i < CHORE_COUNT; i++)
		care->chores[i] = CHORES[i];
	care->chores[CHORE_SHRED].every_ms = options->shred_every_ms;
	care->chores[CHORE_EXPIRE].every_ms = options->expire_every_ms;
	care->chores[CHORE_MESSAGES].every_ms = options->shred_every_ms;
	care->chores[CHORE_REMNANTS].every_ms = options->shred_every_ms;
	care->chores[CHORE_SESSIONS].every_ms = options->expire_every_ms;
	sem_init(&care->stop, 0, 0);
	if (pthread_create(&care->thread, NULL, take_care, care) != 0) {
		sem_destroy(&care->stop);
		free(care);
		return NULL;
	}
	return care;
}

void care_free(struct care *care)
{
	if (!care)
		return;
	atomic_store(&care->stopping, true);
	sem_post(&care->stop);
	pthread_join(care->thread, NULL);
	sem_destroy(&care->stop);
	free(care);
}
