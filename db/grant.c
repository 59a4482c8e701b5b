/* Grants of records to accounts. */
#include <string.h>

#include "db/internal.h"

static void grant_columns(struct sql_call *call, struct store_grant *row)
{
	memset(row, 0, sizeof(*row));
	sql_get_fixed(call, row->record_id, sizeof(row->record_id));
	sql_get_fixed(call, row->account_id, sizeof(row->account_id));
	row->revision = sql_get_u64(call);
	row->state = sql_get_u8(call);
	row->rights = sql_get_u8(call);
	row->created_ms = sql_get_i64(call);
	row->changed_ms = sql_get_i64(call);
	sql_get_fixed(call, row->mac, sizeof(row->mac));
}

enum store_status store_grant_get(struct store_view *view, const uint8_t record_id[static 16],
				  const uint8_t account_id[static 16], struct store_grant *ret_grant)
{
	struct store_grant row;
	struct sql_call call;
	enum store_status status;
	bool found;

	sql_call(view->sql, STATEMENT_GRANT_GET, &call);
	sql_put_blob(&call, record_id, 16);
	sql_put_blob(&call, account_id, 16);
	found = sql_step(&call);
	if (found)
		grant_columns(&call, &row);
	status = sql_end(&call);
	if (status == STORE_OK && found)
		*ret_grant = row;
	return status == STORE_OK && !found ? STORE_NOT_FOUND : status;
}

static enum store_status walk_grants(struct sql_call *call, store_grant_visit *each, void *arg)
{
	while (sql_step(call)) {
		struct store_grant row;

		grant_columns(call, &row);
		if (call->status != STORE_OK || !each(arg, &row))
			break;
	}
	return sql_end(call);
}

enum store_status store_grant_list(struct store_view *view, const uint8_t record_id[static 16], const uint8_t *after,
				   size_t limit, store_grant_visit *each, void *arg)
{
	static const uint8_t first[16];
	struct sql_call call;

	sql_call(view->sql, STATEMENT_GRANT_LIST, &call);
	sql_put_blob(&call, record_id, 16);
	sql_put_blob(&call, after ? after : first, 16);
	sql_put_u64(&call, limit);
	return walk_grants(&call, each, arg);
}

enum store_status store_grant_walk(struct store_view *view, store_grant_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_GRANT_WALK, &call);
	return walk_grants(&call, each, arg);
}

enum store_status store_grant_put(struct store_txn *txn, const struct store_grant *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_GRANT_PUT, &call);
	sql_put_blob(&call, row->record_id, sizeof(row->record_id));
	sql_put_blob(&call, row->account_id, sizeof(row->account_id));
	sql_put_u64(&call, row->revision);
	sql_put_u64(&call, row->state);
	sql_put_u64(&call, row->rights);
	sql_put_i64(&call, row->created_ms);
	sql_put_i64(&call, row->changed_ms);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	return sql_run(txn->view.sql, &call, NULL);
}
