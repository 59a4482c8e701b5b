/* What becomes of messages that nobody fetches, and of the remnants of those that are gone. */
#include <stdlib.h>
#include <string.h>

#include "server/core/audit.h"
#include "server/core/clock.h"
#include "server/core/mailbox.h"
#include "server/core/rowmac.h"

/* So many a transaction, so that requests come between: of those whose bytes go, and of rows without any. */
enum { EXPIRE_AT_ONCE = 16, SHRED_AT_ONCE = 1000 };

struct sweep {
	struct store_job job; /* first: apply() is handed a pointer to it */
	const struct vault *vault;
	enum audit_action action;
	uint8_t ids[SHRED_AT_ONCE][16];
	size_t count, most, swept;
};

/* A row that does not verify is left as it is, for `coffer check` to name; those behind it are found all the same. */
static bool note(void *arg, const struct store_message *row)
{
	struct sweep *sweep = arg;

	if (rowmac_check_message(sweep->vault, row))
		memcpy(sweep->ids[sweep->count++], row->message_id, sizeof(sweep->ids[0]));
	return sweep->count < sweep->most;
}

static enum store_status sweep_row(struct sweep *sweep, struct store_txn *txn, struct store_message *row, int64_t now)
{
	if (sweep->action == AUDIT_MESSAGE_SHREDDED)
		return row->state == STORE_MESSAGE_KEPT ? STORE_NOT_FOUND : store_message_delete(txn, row->message_id);
	if (row->state != STORE_MESSAGE_KEPT || row->expires_ms > now)
		return STORE_NOT_FOUND;
	row->state = STORE_MESSAGE_EXPIRED;
	row->revision++;
	row->changed_ms = now;
	return rowmac_seal_message(sweep->vault, row) ? store_message_remove(txn, row) : STORE_IO;
}

static enum store_status sweep_one(struct sweep *sweep, struct store_txn *txn, const uint8_t id[static 16])
{
	struct audit_event event = {.time_ms = clock_unix_ms(), .action = sweep->action};
	struct store_message *row = NULL;
	enum store_status status = store_message_get(store_txn_view(txn), id, &row);

	if (status == STORE_OK && !rowmac_check_message(sweep->vault, row))
		status = STORE_NOT_FOUND;
	if (status == STORE_OK)
		status = sweep_row(sweep, txn, row, event.time_ms);
	memcpy(event.object_id, id, sizeof(event.object_id));
	if (status == STORE_OK)
		status = audit_append(sweep->vault, txn, &event);
	sweep->swept += status == STORE_OK;
	free(row);
	return status == STORE_NOT_FOUND ? STORE_OK : status;
}

static enum store_status sweep_apply(struct store_job *job, struct store_txn *txn)
{
	struct sweep *sweep = (struct sweep *)job;
	enum store_status status = STORE_OK;

	sweep->swept = 0;
	for (size_t i = 0; i < sweep->count && status == STORE_OK; i++)
		status = sweep_one(sweep, txn, sweep->ids[i]);
	return status;
}

static void sweep_settled(struct store_job *job, bool committed)
{
	audit_settled(((struct sweep *)job)->vault, committed);
}

static struct sweep *sweep_new(const struct vault *vault, enum audit_action action, size_t most)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));

	if (sweep) {
		sweep->job = (struct store_job){.apply = sweep_apply, .settled = sweep_settled};
		sweep->vault = vault;
		sweep->action = action;
		sweep->most = most;
	}
	return sweep;
}

enum core_status mailbox_expire(const struct vault *vault, struct store_view *view, uint64_t *ret_count)
{
	struct sweep *sweep = sweep_new(vault, AUDIT_MESSAGE_EXPIRED, EXPIRE_AT_ONCE);
	enum store_status status;

	if (!sweep)
		return CORE_NOMEM;
	status = store_message_due(view, clock_unix_ms(), INT64_MAX, note, sweep);
	if (status == STORE_OK && sweep->count > 0)
		status = store_run(vault->store, &sweep->job);
	*ret_count = status == STORE_OK ? sweep->swept : 0;
	free(sweep);
	return core_from_store(status);
}

enum core_status mailbox_shred(const struct vault *vault, struct store_view *view, uint64_t *ret_count)
{
	struct sweep *sweep = sweep_new(vault, AUDIT_MESSAGE_SHREDDED, SHRED_AT_ONCE);
	enum store_status status;

	if (!sweep)
		return CORE_NOMEM;
	status = store_message_removed(view, clock_unix_ms(), INT64_MAX, note, sweep);
	if (status == STORE_OK && sweep->count > 0) {
		status = store_checkpoint_truncate(vault->store);
		if (status == STORE_OK)
			status = store_run(vault->store, &sweep->job);
	}
	*ret_count = status == STORE_OK ? sweep->swept : 0;
	free(sweep);
	return core_from_store(status);
}
