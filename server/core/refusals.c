#include "server/core/refusals.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/audit.h"
#include "server/core/clock.h"

enum { PEER_SIZE = sizeof(((struct audit_event *)0)->peer) };

struct row {
	char peer[PEER_SIZE];
	uint64_t count;
};

struct refusals {
	atomic_bool failed; /* a commit */
	pthread_mutex_t lock;
	int64_t minute; /* of the rows */
	size_t used;
	struct row rows[REFUSALS_MAX + 1]; /* the last: all for whom there was no room */
	struct writing *full;		   /* minutes that are over and not yet written; at most one is kept back */
};

/* A minute on its way to the store. */
struct writing {
	struct store_job job; /* first: apply() is handed a pointer to it */
	struct refusals *refusals;
	const struct vault *vault;
	int64_t minute;
	size_t used;
	struct row rows[];
};

struct refusals *refusals_new(void)
{
	struct refusals *refusals = calloc(1, sizeof(*refusals));

	if (refusals)
		pthread_mutex_init(&refusals->lock, NULL);
	return refusals;
}

void refusals_free(struct refusals *refusals)
{
	if (!refusals)
		return;
	pthread_mutex_destroy(&refusals->lock);
	free(refusals->full);
	free(refusals);
}

/* ---- counting -----------------------------------------------------------------------------------------------------
 */

/* Under `lock`. Without memory, or while the store takes nothing, a minute grows longer. */
static void turn(struct refusals *refusals, int64_t minute)
{
	struct writing *full;

	if (refusals->used == 0)
		refusals->minute = minute;
	if (refusals->minute == minute || refusals->full)
		return;
	full = malloc(sizeof(*full) + refusals->used * sizeof(full->rows[0]));
	if (!full)
		return;
	full->minute = refusals->minute;
	full->used = refusals->used;
	memcpy(full->rows, refusals->rows, refusals->used * sizeof(full->rows[0]));
	refusals->full = full;
	refusals->used = 0;
	refusals->minute = minute;
}

static struct row *row_of(struct refusals *refusals, const char *peer)
{
	struct row *row;

	for (size_t i = 0; i < refusals->used; i++)
		if (strcmp(refusals->rows[i].peer, peer) == 0)
			return &refusals->rows[i];
	if (refusals->used == REFUSALS_MAX + 1)
		return &refusals->rows[REFUSALS_MAX];
	row = &refusals->rows[refusals->used++];
	memset(row, 0, sizeof(*row));
	if (refusals->used <= REFUSALS_MAX)
		strncpy(row->peer, peer, sizeof(row->peer) - 1);
	return row;
}

void refusals_count(struct refusals *refusals, const char *peer)
{
	pthread_mutex_lock(&refusals->lock);
	turn(refusals, clock_unix_ms() / CLOCK_MINUTE_MS);
	row_of(refusals, peer)->count++;
	pthread_mutex_unlock(&refusals->lock);
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

static enum store_status write_apply(struct store_job *job, struct store_txn *txn)
{
	const struct writing *writing = (struct writing *)job;
	enum store_status status = STORE_OK;

	for (size_t i = 0; i < writing->used && status == STORE_OK; i++) {
		struct audit_event event = {.time_ms = clock_unix_ms(),
					    .action = AUDIT_REFUSED,
					    .version = writing->rows[i].count,
					    .revision = (uint64_t)writing->minute};

		memcpy(event.peer, writing->rows[i].peer, sizeof(event.peer));
		status = audit_append(writing->vault, txn, &event);
	}
	return status;
}

static void write_settled(struct store_job *job, bool committed)
{
	audit_settled(((struct writing *)job)->vault, committed);
}

static void write_done(struct store_job *job, enum store_status outcome)
{
	struct writing *writing = (struct writing *)job;

	if (outcome != STORE_OK)
		atomic_store(&writing->refusals->failed, true);
	free(writing);
}

bool refusals_write(struct refusals *refusals, const struct vault *vault, bool all)
{
	struct writing *writing;
	bool good = !atomic_exchange(&refusals->failed, false);

	pthread_mutex_lock(&refusals->lock);
	turn(refusals, all ? -1 : clock_unix_ms() / CLOCK_MINUTE_MS);
	writing = refusals->full;
	refusals->full = NULL;
	pthread_mutex_unlock(&refusals->lock);
	if (!writing)
		return good;
	writing->job = (struct store_job){.apply = write_apply, .settled = write_settled, .done = write_done};
	writing->refusals = refusals;
	writing->vault = vault;
	if (store_submit(vault->store, &writing->job) == STORE_OK)
		return good;
	pthread_mutex_lock(&refusals->lock);
	if (!refusals->full) {
		refusals->full = writing;
		writing = NULL;
	}
	pthread_mutex_unlock(&refusals->lock);
	free(writing);
	return false;
}
