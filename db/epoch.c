/* Epochs: the keys that wrap the keys of versions once more, so that reading needs no RSA operation. */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

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

	sql_call(txn->view.sql, STATEMENT_EPOCH_UPDATE, &call);
	sql_put_u64(&call, row->revision);
	sql_put_u64(&call, row->reserved);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	sql_put_blob(&call, row->epoch_id, sizeof(row->epoch_id));
	return row_change(txn, &call);
}
