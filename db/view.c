#include <stdlib.h>

#include "db/internal.h"

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
	view->store = store;
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

static void finish(struct store_view *view)
{
	/* Nothing was written: a failing COMMIT loses nothing, and ROLLBACK then ends the snapshot. */
	if (view->begun && sql_do(view->sql, STATEMENT_COMMIT) != STORE_OK && sql_in_transaction(view->sql) &&
	    sql_exec(view->sql, "ROLLBACK") != STORE_OK)
		return;
	view->begun = view->lingering = false;
}

static uint64_t age_us(const struct store_view *view)
{
	return store_now_us() - view->since_us;
}

static bool still_holds(const struct store_view *view)
{
	return view->changes % 2 == 0 && atomic_load(&view->store->changes) == view->changes &&
	       age_us(view) < view->linger_us;
}

enum store_status store_view_begin(struct store_view *view)
{
	enum store_status status = STORE_OK;

	if (view->lingering && still_holds(view)) {
		view->lingering = false;
		return STORE_OK;
	}
	if (view->lingering)
		finish(view);
	/* It cannot be ended, and is not to pass for a new one. */
	if (view->lingering)
		return STORE_NOMEM;
	if (view->linger_us > 0) {
		/* Before the snapshot: what is committed between the two is in it, and asked for once more. */
		view->changes = atomic_load(&view->store->changes);
		view->since_us = store_now_us();
	}
	if (!sql_in_transaction(view->sql)) {
		status = sql_do(view->sql, STATEMENT_BEGIN);
		view->begun = status == STORE_OK;
	}
	return status;
}

void store_view_end(struct store_view *view)
{
	/* Some failures have ended the transaction. */
	if (view->linger_us > 0 && view->begun && sql_in_transaction(view->sql))
		view->lingering = true;
	else
		finish(view);
}

void store_view_linger(struct store_view *view, unsigned ms)
{
	view->linger_us = (uint64_t)ms * 1000;
}

int store_view_rest(struct store_view *view)
{
	const uint64_t age = view->lingering ? age_us(view) : 0;

	if (view->lingering && age < view->linger_us)
		return (int)((view->linger_us - age + 999) / 1000);
	if (view->lingering)
		finish(view);
	return view->lingering ? 1 : -1;
}

struct store_view *store_txn_view(struct store_txn *txn)
{
	return &txn->view;
}

enum store_status txn_run_log(struct store_txn *txn, struct sql_call *call)
{
	const uint64_t before = sql_rows_written(txn->view.sql);
	const enum store_status status = sql_run(txn->view.sql, call, NULL);

	txn->log_rows += sql_rows_written(txn->view.sql) - before;
	return status;
}
