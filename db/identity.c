#include "db/identity.h"

#include "db/internal.h"

enum store_status store_identity_list(struct store_view *view, store_identity_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_IDENTITY_LIST, &call);
	while (sql_step(&call)) {
		struct store_identity row = {0};

		sql_get_fixed(&call, row.public_key, sizeof(row.public_key));
		row.revision = sql_get_u64(&call);
		row.state = sql_get_u8(&call);
		row.created_ms = sql_get_i64(&call);
		row.retired_ms = sql_get_i64(&call);
		row.last_event = sql_get_u64(&call);
		sql_get_fixed(&call, row.previous, sizeof(row.previous));
		sql_get_fixed(&call, row.endorsement, sizeof(row.endorsement));
		sql_get_fixed(&call, row.mac, sizeof(row.mac));
		if (call.status != STORE_OK || !each(arg, &row))
			break;
	}
	return sql_end(&call);
}

enum store_status store_identity_put(struct store_txn *txn, const struct store_identity *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_IDENTITY_PUT, &call);
	sql_put_blob(&call, row->public_key, sizeof(row->public_key));
	sql_put_u64(&call, row->revision);
	sql_put_u64(&call, row->state);
	sql_put_i64(&call, row->created_ms);
	sql_put_i64(&call, row->retired_ms);
	sql_put_u64(&call, row->last_event);
	sql_put_blob(&call, row->previous, sizeof(row->previous));
	sql_put_blob(&call, row->endorsement, sizeof(row->endorsement));
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	return sql_run(txn->view.sql, &call, NULL);
}
