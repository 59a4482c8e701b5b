/* What wraps the keys of versions: RSA wraps with the epoch wrap beside them, and the epochs. */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

enum store_status store_wrap_get(struct store_view *view, const uint8_t record_id[static 16], uint64_t version,
				 const uint8_t kek_id[static 32], struct store_wrap **ret_wrap)
{
	struct store_wrap row = {.version = version};
	struct store_wrap *copy = NULL;
	struct sql_call call;
	enum store_status status;
	bool found;

	memcpy(row.record_id, record_id, sizeof(row.record_id));
	memcpy(row.kek_id, kek_id, sizeof(row.kek_id));
	sql_call(view->sql, STATEMENT_WRAP_GET, &call);
	sql_put_blob(&call, record_id, 16);
	sql_put_u64(&call, version);
	sql_put_blob(&call, kek_id, 32);
	found = sql_step(&call);
	if (found) {
		row.revision = sql_get_u64(&call);
		row.wrap = sql_get_bytes(&call);
		sql_get_fixed(&call, row.mac, sizeof(row.mac));
		row.epoch_wrap = sql_get_bytes(&call);
		copy = call.status == STORE_OK ? malloc(sizeof(*copy) + row.wrap.size + row.epoch_wrap.size) : NULL;
		if (copy) {
			uint8_t *at = (uint8_t *)(copy + 1);

			*copy = row;
			copy->wrap = row_copy_bytes(&at, row.wrap);
			copy->epoch_wrap = row_copy_bytes(&at, row.epoch_wrap);
		}
	}
	status = row_end(&call, found, copy);
	if (status == STORE_OK)
		*ret_wrap = copy;
	return status;
}

enum store_status store_wrap_insert(struct store_txn *txn, const struct store_wrap *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_WRAP_INSERT, &call);
	sql_put_blob(&call, row->record_id, sizeof(row->record_id));
	sql_put_u64(&call, row->version);
	sql_put_blob(&call, row->kek_id, sizeof(row->kek_id));
	sql_put_u64(&call, row->revision);
	sql_put_blob(&call, row->wrap.data, row->wrap.size);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	sql_put_blob(&call, row->epoch_wrap.data, row->epoch_wrap.size);
	return sql_run(txn->view.sql, &call, NULL);
}

enum store_status store_wrap_set_epoch(struct store_txn *txn, const uint8_t record_id[static 16], uint64_t version,
				       const uint8_t kek_id[static 32], struct store_bytes epoch_wrap)
{
	struct sql_call call;
	uint64_t changed = 0;
	enum store_status status;

	sql_call(txn->view.sql, STATEMENT_WRAP_SET_EPOCH, &call);
	sql_put_blob(&call, epoch_wrap.data, epoch_wrap.size);
	sql_put_blob(&call, record_id, 16);
	sql_put_u64(&call, version);
	sql_put_blob(&call, kek_id, 32);
	status = sql_run(txn->view.sql, &call, &changed);
	return status == STORE_OK && changed == 0 ? STORE_NOT_FOUND : status;
}

/* ---- epochs ----------------------------------------------------------------------------------------------------- */

static void epoch_columns(struct sql_call *call, struct store_epoch *row)
{
	sql_get_fixed(call, row->epoch_id, sizeof(row->epoch_id));
	sql_get_fixed(call, row->kek_id, sizeof(row->kek_id));
	row->revision = sql_get_u64(call);
	row->created_ms = sql_get_i64(call);
	row->reserved = sql_get_u64(call);
	row->wrap = sql_get_bytes(call);
	sql_get_fixed(call, row->mac, sizeof(row->mac));
}

static enum store_status get_epoch(struct sql_call *call, struct store_epoch **ret_epoch)
{
	struct store_epoch row = {0};
	struct store_epoch *copy = NULL;
	bool found = sql_step(call);
	enum store_status status;

	if (found) {
		epoch_columns(call, &row);
		copy = row_copy(call, &row, sizeof(row), row.wrap);
		if (copy)
			copy->wrap.data = (const uint8_t *)(copy + 1);
	}
	status = row_end(call, found, copy);
	if (status == STORE_OK)
		*ret_epoch = copy;
	return status;
}

enum store_status store_epoch_get(struct store_view *view, const uint8_t epoch_id[static 16],
				  struct store_epoch **ret_epoch)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_EPOCH_GET, &call);
	sql_put_blob(&call, epoch_id, 16);
	return get_epoch(&call, ret_epoch);
}

enum store_status store_epoch_latest(struct store_view *view, const uint8_t kek_id[static 32],
				     struct store_epoch **ret_epoch)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_EPOCH_LATEST, &call);
	sql_put_blob(&call, kek_id, 32);
	return get_epoch(&call, ret_epoch);
}

enum store_status store_epoch_list(struct store_view *view, store_epoch_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_EPOCH_LIST, &call);
	while (sql_step(&call)) {
		struct store_epoch row = {0};

		epoch_columns(&call, &row);
		if (call.status != STORE_OK || !each(arg, &row))
			break;
	}
	return sql_end(&call);
}

enum store_status store_epoch_insert(struct store_txn *txn, const struct store_epoch *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_EPOCH_INSERT, &call);
	sql_put_blob(&call, row->epoch_id, sizeof(row->epoch_id));
	sql_put_blob(&call, row->kek_id, sizeof(row->kek_id));
	sql_put_u64(&call, row->revision);
	sql_put_i64(&call, row->created_ms);
	sql_put_u64(&call, row->reserved);
	sql_put_blob(&call, row->wrap.data, row->wrap.size);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	return sql_run(txn->view.sql, &call, NULL);
}

enum store_status store_epoch_update(struct store_txn *txn, const struct store_epoch *row)
{
	struct sql_call call;
	uint64_t changed = 0;
	enum store_status status;

	sql_call(txn->view.sql, STATEMENT_EPOCH_UPDATE, &call);
	sql_put_u64(&call, row->revision);
	sql_put_u64(&call, row->reserved);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	sql_put_blob(&call, row->epoch_id, sizeof(row->epoch_id));
	status = sql_run(txn->view.sql, &call, &changed);
	return status == STORE_OK && changed == 0 ? STORE_NOT_FOUND : status;
}
