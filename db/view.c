#include <stdlib.h>

#include "db/internal.h"

/* Every request reads in a snapshot or two: statements that stay prepared, not texts to parse again. */
static enum store_status run(struct sql *sql, enum statement id)
{
	struct sql_call call;

	sql_call(sql, id, &call);
	return sql_run(sql, &call, NULL);
}

enum store_status store_view_new(struct store *store, struct store_view **ret_view)
{
	struct store_view *view = calloc(1, sizeof(*view));
	enum store_status status;

	if (!view)
		return STORE_NOMEM;
	status = sql_open(store->path, store->read_only ? SQL_READ : SQL_SERVE, &view->sql);
	if (status != STORE_OK) {
		free(view);
		return status;
	}
	*ret_view = view;
	return STORE_OK;
}

void store_view_free(struct store_view *view)
{
	if (!view)
		return;
	sql_close(view->sql);
	free(view);
}

enum store_status store_view_begin(struct store_view *view)
{
	enum store_status status = STORE_OK;

	if (!sql_in_transaction(view->sql)) {
		status = run(view->sql, STATEMENT_BEGIN);
		view->begun = status == STORE_OK;
	}
	return status;
}

void store_view_end(struct store_view *view)
{
	/* Nothing was written: a failing COMMIT loses nothing, and ROLLBACK then ends the snapshot. */
	if (view->begun && run(view->sql, STATEMENT_COMMIT) != STORE_OK && sql_in_transaction(view->sql) &&
	    sql_exec(view->sql, "ROLLBACK") != STORE_OK)
		return;
	view->begun = false;
}

struct store_view *store_txn_view(struct store_txn *txn)
{
	return &txn->view;
}
