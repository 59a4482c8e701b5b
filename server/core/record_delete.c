#include <stdlib.h>
#include <string.h>

#include "server/core/audit.h"
#include "server/core/clock.h"
#include "server/core/record.h"
#include "server/core/rowmac.h"

static enum store_status insert_tombstone(struct record_delete *request, struct store_txn *txn,
					  const struct store_version *latest)
{
	static const uint8_t none[1];
	int64_t now = clock_unix_ms();
	struct store_version row = {
		.version = latest->version + 1,
		.revision = 1,
		.state = STORE_VERSION_TOMBSTONE,
		.suite = RECORD_SUITE_1,
		.created_ms = now,
		.changed_ms = now,
		.meta = {none, 0},
		.inline_chunk = {none, 0},
	};

	memcpy(row.record_id, request->record_id, sizeof(row.record_id));
	memcpy(row.owner, latest->owner, sizeof(row.owner));
	request->tombstone = row.version;
	return rowmac_seal_version(request->vault, &row) ? store_version_insert(txn, &row) : STORE_IO;
}

enum store_status record_delete_apply(struct record_delete *request, struct store_txn *txn,
				      enum core_status *ret_result)
{
	struct store_version *latest = NULL;
	enum store_status status = STORE_OK;

	*ret_result = record_lookup(request->vault, store_txn_view(txn), &request->principal, RECORD_OWN,
				    request->record_id, &latest);
	if (*ret_result != CORE_OK)
		goto out;
	if (request->if_version != 0 && request->if_version != latest->version) {
		request->tombstone = latest->version;
		*ret_result = CORE_STALE;
		goto out;
	}
	status = store_record_erase(txn, request->record_id);
	if (status == STORE_OK)
		status = insert_tombstone(request, txn, latest);
out:
	free(latest);
	return status;
}

/* ---- care: from tombstone to shredded ---------------------------------------------------------------------------- */

enum { SHRED_PAGE = 256 };

struct shred {
	struct store_job job; /* first: apply() is handed a pointer to it */
	const struct vault *vault;
	uint8_t ids[SHRED_PAGE][16];
	size_t count;
};

static bool shred_note(void *arg, const struct store_version *row)
{
	struct shred *shred = arg;

	memcpy(shred->ids[shred->count++], row->record_id, sizeof(shred->ids[0]));
	return shred->count < SHRED_PAGE;
}

static enum store_status shred_one(struct shred *shred, struct store_txn *txn, const uint8_t record_id[static 16])
{
	struct audit_event event = {.time_ms = clock_unix_ms(), .action = AUDIT_RECORD_SHREDDED};
	struct store_version *row = NULL;
	enum store_status status = store_version_latest(store_txn_view(txn), record_id, &row);

	if (status == STORE_NOT_FOUND)
		return STORE_OK;
	/* A row that does not verify is left as it is, for `coffer check` to name. */
	if (status != STORE_OK || row->state != STORE_VERSION_TOMBSTONE || !rowmac_check_version(shred->vault, row))
		goto out;
	row->state = STORE_VERSION_SHREDDED;
	row->revision++;
	row->changed_ms = event.time_ms;
	status = rowmac_seal_version(shred->vault, row) ? store_version_update(txn, row) : STORE_IO;
	memcpy(event.object_id, record_id, sizeof(event.object_id));
	event.version = row->version;
	event.revision = row->revision;
	if (status == STORE_OK)
		status = audit_append(shred->vault, txn, &event);
out:
	free(row);
	return status;
}

static enum store_status shred_apply(struct store_job *job, struct store_txn *txn)
{
	struct shred *shred = (struct shred *)job;
	enum store_status status = STORE_OK;

	for (size_t i = 0; i < shred->count && status == STORE_OK; i++)
		status = shred_one(shred, txn, shred->ids[i]);
	return status;
}

static void shred_settled(struct store_job *job, bool committed)
{
	audit_settled(((struct shred *)job)->vault, committed);
}

enum core_status record_shred_pending(const struct vault *vault, struct store_view *view, uint64_t *ret_count)
{
	struct shred *shred = calloc(1, sizeof(*shred));
	enum store_status status;

	if (!shred)
		return CORE_NOMEM;
	shred->job = (struct store_job){.apply = shred_apply, .settled = shred_settled};
	shred->vault = vault;
	status = store_tombstone_list(view, clock_unix_ms(), SHRED_PAGE, shred_note, shred);
	if (status == STORE_OK && shred->count > 0) {
		status = store_checkpoint_truncate(vault->store);
		if (status == STORE_OK)
			status = store_run(vault->store, &shred->job);
	}
	if (status == STORE_OK)
		*ret_count = shred->count;
	free(shred);
	return core_from_store(status);
}
