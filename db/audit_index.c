/* The index of the audit log. */
#include "db/audit_index.h"

#include "db/internal.h"

static enum store_status get_run(struct sql_call *call, struct store_audit_run *ret_run)
{
	struct store_audit_run row = {0};
	const bool found = sql_step(call);
	enum store_status status;

	if (found) {
		row.first = sql_get_u64(call);
		row.last = sql_get_u64(call);
		row.entries = sql_get_u64(call);
		sql_get_fixed(call, row.mac, sizeof(row.mac));
	}
	status = sql_end(call);
	if (status == STORE_OK && found)
		*ret_run = row;
	return status == STORE_OK && !found ? STORE_NOT_FOUND : status;
}

enum store_status store_audit_run_from(struct store_view *view, uint64_t sequence, struct store_audit_run *ret_run)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_RUN_FROM, &call);
	sql_put_u64(&call, sequence);
	return get_run(&call, ret_run);
}

enum store_status store_audit_run_last(struct store_view *view, struct store_audit_run *ret_run)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_RUN_LAST, &call);
	return get_run(&call, ret_run);
}

enum store_status store_audit_run_insert(struct store_txn *txn, const struct store_audit_run *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_RUN_INSERT, &call);
	sql_put_u64(&call, row->first);
	sql_put_u64(&call, row->last);
	sql_put_u64(&call, row->entries);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	return txn_run_log(txn, &call);
}

enum store_status store_audit_run_remove(struct store_txn *txn, uint64_t first, uint64_t last)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_RUN_REMOVE, &call);
	sql_put_u64(&call, first);
	sql_put_u64(&call, last);
	return sql_run(txn->view.sql, &call, NULL);
}

/* ---- pages --------------------------------------------------------------------------------------------------------
 */

static enum store_status visit_pages(struct sql_call *call, store_audit_page_visit *each, void *arg)
{
	while (sql_step(call)) {
		struct store_audit_page row = {0};

		row.first = sql_get_u64(call);
		row.last = sql_get_u64(call);
		sql_get_fixed(call, row.low, sizeof(row.low));
		sql_get_fixed(call, row.high, sizeof(row.high));
		sql_get_fixed(call, row.mac, sizeof(row.mac));
		row.entries = sql_get_bytes(call);
		if (call->status != STORE_OK || !each(arg, &row))
			break;
	}
	return sql_end(call);
}

enum store_status store_audit_page_at(struct store_view *view, const struct store_audit_run *run,
				      const uint8_t entry[static 16], store_audit_page_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_PAGE_AT, &call);
	sql_put_u64(&call, run->last);
	sql_put_u64(&call, run->first);
	sql_put_blob(&call, entry, 16);
	return visit_pages(&call, each, arg);
}

enum store_status store_audit_page_list(struct store_view *view, const struct store_audit_run *run,
					store_audit_page_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_PAGE_LIST, &call);
	sql_put_u64(&call, run->last);
	sql_put_u64(&call, run->first);
	return visit_pages(&call, each, arg);
}

enum store_status store_audit_page_put(struct store_txn *txn, const struct store_audit_page *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_PAGE_PUT, &call);
	sql_put_u64(&call, row->first);
	sql_put_u64(&call, row->last);
	sql_put_blob(&call, row->low, sizeof(row->low));
	sql_put_blob(&call, row->high, sizeof(row->high));
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	sql_put_blob(&call, row->entries.data, row->entries.size);
	return txn_run_log(txn, &call);
}

enum store_status store_audit_page_remove(struct store_txn *txn, uint64_t first, uint64_t last, uint64_t events,
					  size_t limit, uint64_t *ret_count)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_PAGE_REMOVE, &call);
	sql_put_u64(&call, first);
	sql_put_u64(&call, last);
	sql_put_u64(&call, events);
	sql_put_u64(&call, limit);
	return sql_run(txn->view.sql, &call, ret_count);
}
