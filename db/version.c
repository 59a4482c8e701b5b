/* Versions of records, and lists of them. */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

static void get_columns(struct sql_call *call, struct store_version *row)
{
	sql_get_fixed(call, row->record_id, sizeof(row->record_id));
	row->version = sql_get_u64(call);
	row->revision = sql_get_u64(call);
	row->state = sql_get_u8(call);
	row->suite = sql_get_u8(call);
	sql_get_fixed(call, row->owner, sizeof(row->owner));
	row->size = sql_get_u64(call);
	row->created_ms = sql_get_i64(call);
	row->changed_ms = sql_get_i64(call);
	sql_get_fixed(call, row->content_nonce, sizeof(row->content_nonce));
	sql_get_fixed(call, row->meta_nonce, sizeof(row->meta_nonce));
	sql_get_fixed(call, row->commitment, sizeof(row->commitment));
	row->blob_id = sql_get_u64(call);
	row->meta = sql_get_bytes(call);
	sql_get_fixed(call, row->mac, sizeof(row->mac));
}

static void get_wrap(struct sql_call *call, struct store_wrap *wrap)
{
	sql_get_fixed(call, wrap->kek_id, sizeof(wrap->kek_id));
	wrap->revision = sql_get_u64(call);
	wrap->rsa = sql_get_bytes(call);
	sql_get_fixed(call, wrap->mac, sizeof(wrap->mac));
	wrap->epoch = sql_get_bytes(call);
}

static enum store_status copy_version(const struct store_version *row, struct store_version **ret_version)
{
	struct store_version *copy = malloc(sizeof(*copy) + row->meta.size + row->wrap.rsa.size + row->wrap.epoch.size +
					    row->inline_chunk.size);
	uint8_t *at = (uint8_t *)(copy + 1);

	if (!copy)
		return STORE_NOMEM;
	*copy = *row;
	copy->meta = row_copy_bytes(&at, row->meta);
	copy->wrap.rsa = row_copy_bytes(&at, row->wrap.rsa);
	copy->wrap.epoch = row_copy_bytes(&at, row->wrap.epoch);
	copy->inline_chunk = row_copy_bytes(&at, row->inline_chunk);
	*ret_version = copy;
	return STORE_OK;
}

static enum store_status read_one(struct sql_call *call, struct store_version **ret_version)
{
	struct store_version row = {0};
	struct store_version *copy = NULL;
	enum store_status status = STORE_NOT_FOUND;

	if (sql_step(call)) {
		get_columns(call, &row);
		get_wrap(call, &row.wrap);
		row.inline_chunk = sql_get_bytes(call);
		if (call->status == STORE_OK)
			status = copy_version(&row, &copy);
	}
	if (sql_end(call) != STORE_OK) {
		free(copy);
		return call->status;
	}
	if (status == STORE_OK)
		*ret_version = copy;
	return status;
}

enum store_status store_version_latest(struct store_view *view, const uint8_t record_id[static 16],
				       struct store_version **ret_version)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_VERSION_LATEST, &call);
	sql_put_blob(&call, record_id, 16);
	return read_one(&call, ret_version);
}

enum store_status store_version_get(struct store_view *view, const uint8_t record_id[static 16], uint64_t version,
				    struct store_version **ret_version)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_VERSION_GET, &call);
	sql_put_blob(&call, record_id, 16);
	sql_put_u64(&call, version);
	return read_one(&call, ret_version);
}

static enum store_status visit_all(struct sql_call *call, store_version_visit *each, void *arg)
{
	while (sql_step(call)) {
		struct store_version row = {0};

		get_columns(call, &row);
		if (call->status != STORE_OK || !each(arg, &row))
			break;
	}
	return sql_end(call);
}

static const uint8_t FIRST_ID[16];

enum store_status store_record_list(struct store_view *view, const uint8_t owner[static 16], const uint8_t *after,
				    size_t limit, store_version_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_RECORD_LIST, &call);
	sql_put_blob(&call, owner, 16);
	sql_put_blob(&call, after ? after : FIRST_ID, 16);
	sql_put_u64(&call, limit);
	return visit_all(&call, each, arg);
}

enum store_status store_version_list(struct store_view *view, const uint8_t record_id[static 16], uint64_t after,
				     size_t limit, store_version_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_VERSION_LIST, &call);
	sql_put_blob(&call, record_id, 16);
	sql_put_u64(&call, after);
	sql_put_u64(&call, limit);
	return visit_all(&call, each, arg);
}

enum store_status store_tombstone_list(struct store_view *view, int64_t until_ms, size_t limit,
				       store_version_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_TOMBSTONE_LIST, &call);
	sql_put_i64(&call, until_ms);
	sql_put_u64(&call, limit);
	return visit_all(&call, each, arg);
}

enum store_status store_version_count(struct store_view *view, uint64_t *ret_count)
{
	struct sql_call call;
	uint64_t count = 0;
	enum store_status status;

	sql_call(view->sql, STATEMENT_VERSION_COUNT, &call);
	if (sql_step(&call))
		count = sql_get_u64(&call);
	status = sql_end(&call);
	if (status == STORE_OK)
		*ret_count = count;
	return status;
}

enum store_status store_version_insert(struct store_txn *txn, const struct store_version *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_VERSION_INSERT, &call);
	sql_put_blob(&call, row->record_id, sizeof(row->record_id));
	sql_put_u64(&call, row->version);
	sql_put_u64(&call, row->revision);
	sql_put_u64(&call, row->state);
	sql_put_u64(&call, row->suite);
	sql_put_blob(&call, row->owner, sizeof(row->owner));
	sql_put_u64(&call, row->size);
	sql_put_i64(&call, row->created_ms);
	sql_put_i64(&call, row->changed_ms);
	sql_put_blob(&call, row->content_nonce, sizeof(row->content_nonce));
	sql_put_blob(&call, row->meta_nonce, sizeof(row->meta_nonce));
	sql_put_blob(&call, row->commitment, sizeof(row->commitment));
	sql_put_u64(&call, row->blob_id);
	sql_put_blob(&call, row->meta.data, row->meta.size);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	sql_put_blob(&call, row->wrap.kek_id, sizeof(row->wrap.kek_id));
	sql_put_u64(&call, row->wrap.revision);
	sql_put_blob(&call, row->wrap.rsa.data, row->wrap.rsa.size);
	sql_put_blob(&call, row->wrap.mac, sizeof(row->wrap.mac));
	sql_put_blob(&call, row->wrap.epoch.data, row->wrap.epoch.size);
	sql_put_blob(&call, row->inline_chunk.data, row->inline_chunk.size);
	return sql_run(txn->view.sql, &call, NULL);
}

enum store_status store_version_update(struct store_txn *txn, const struct store_version *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_VERSION_UPDATE, &call);
	sql_put_u64(&call, row->state);
	sql_put_u64(&call, row->revision);
	sql_put_i64(&call, row->changed_ms);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	sql_put_blob(&call, row->record_id, sizeof(row->record_id));
	sql_put_u64(&call, row->version);
	return row_change(txn, &call);
}

enum store_status store_version_set_epoch_wrap(struct store_txn *txn, const struct store_version *row,
					       struct store_bytes epoch_wrap)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_VERSION_SET_EPOCH_WRAP, &call);
	sql_put_blob(&call, epoch_wrap.data, epoch_wrap.size);
	sql_put_blob(&call, row->record_id, sizeof(row->record_id));
	sql_put_u64(&call, row->version);
	sql_put_blob(&call, row->wrap.kek_id, sizeof(row->wrap.kek_id));
	return row_change(txn, &call);
}

static enum store_status run_for_record(struct sql *sql, enum statement id, const uint8_t record_id[static 16])
{
	struct sql_call call;

	sql_call(sql, id, &call);
	sql_put_blob(&call, record_id, 16);
	return sql_run(sql, &call, NULL);
}

enum store_status store_record_erase(struct store_txn *txn, const uint8_t record_id[static 16])
{
	const enum store_status status = run_for_record(txn->view.sql, STATEMENT_BLOB_DOOM_RECORD, record_id);

	return status == STORE_OK ? run_for_record(txn->view.sql, STATEMENT_VERSION_DELETE, record_id) : status;
}
