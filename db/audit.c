/* The audit log: events, notes, segments. */
#include "db/audit.h"

#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

static void get_event(struct sql_call *call, struct store_audit_event *row)
{
	row->sequence = sql_get_u64(call);
	row->event = sql_get_bytes(call);
	sql_get_fixed(call, row->hash, sizeof(row->hash));
	sql_get_fixed(call, row->mac, sizeof(row->mac));
}

enum store_status store_audit_last(struct store_view *view, struct store_audit_event **ret_event)
{
	struct store_audit_event row;
	struct store_audit_event *copy = NULL;
	struct sql_call call;
	enum store_status status;
	bool found;

	sql_call(view->sql, STATEMENT_AUDIT_LAST, &call);
	found = sql_step(&call);
	if (found) {
		memset(&row, 0, sizeof(row));
		get_event(&call, &row);
		copy = row_copy(&call, &row, sizeof(row), row.event);
		if (copy)
			copy->event.data = (const uint8_t *)(copy + 1);
	}
	status = row_end(&call, found, copy);
	if (status == STORE_OK)
		*ret_event = copy;
	return status;
}

enum store_status store_audit_list(struct store_view *view, uint64_t after, size_t limit, store_audit_visit *each,
				   void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_AUDIT_LIST, &call);
	sql_put_u64(&call, after);
	sql_put_u64(&call, limit);
	while (sql_step(&call)) {
		struct store_audit_event row = {0};

		get_event(&call, &row);
		if (call.status != STORE_OK || !each(arg, &row))
			break;
	}
	return sql_end(&call);
}

enum store_status store_audit_insert(struct store_txn *txn, const struct store_audit_event *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_AUDIT_INSERT, &call);
	sql_put_u64(&call, row->sequence);
	sql_put_blob(&call, row->event.data, row->event.size);
	sql_put_blob(&call, row->hash, sizeof(row->hash));
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	return txn_run_log(txn, &call);
}

enum store_status store_audit_note_get(struct store_view *view, uint64_t sequence, uint8_t **ret_note, size_t *ret_size)
{
	struct sql_call call;
	uint8_t *copy = NULL;
	enum store_status status;
	bool found;

	sql_call(view->sql, STATEMENT_AUDIT_NOTE_GET, &call);
	sql_put_u64(&call, sequence);
	found = sql_step(&call);
	if (found) {
		const struct store_bytes note = sql_get_bytes(&call);

		copy = malloc(note.size ? note.size : 1);
		if (copy && note.size)
			memcpy(copy, note.data, note.size);
		*ret_size = note.size;
	}
	status = row_end(&call, found, copy);
	if (status == STORE_OK)
		*ret_note = copy;
	return status;
}

enum store_status store_audit_note_insert(struct store_txn *txn, uint64_t sequence, struct store_bytes note)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_AUDIT_NOTE_INSERT, &call);
	sql_put_u64(&call, sequence);
	sql_put_blob(&call, note.data, note.size);
	return txn_run_log(txn, &call);
}

enum store_status store_audit_remove(struct store_txn *txn, uint64_t until, size_t limit, uint64_t *ret_count)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_AUDIT_REMOVE, &call);
	sql_put_u64(&call, until);
	sql_put_u64(&call, limit);
	return sql_run(txn->view.sql, &call, ret_count);
}

/* ---- segments -------------------------------------------------------------------------------------------------- */

static enum store_status get_segment(struct sql_call *call, struct store_audit_segment *ret_segment)
{
	struct store_audit_segment row = {0};
	const bool found = sql_step(call);
	enum store_status status;

	if (found) {
		row.first = sql_get_u64(call);
		row.last = sql_get_u64(call);
		sql_get_fixed(call, row.previous, sizeof(row.previous));
		sql_get_fixed(call, row.hash, sizeof(row.hash));
		row.created_ms = sql_get_i64(call);
		sql_get_fixed(call, row.mac, sizeof(row.mac));
	}
	status = sql_end(call);
	if (status == STORE_OK && found)
		*ret_segment = row;
	return status == STORE_OK && !found ? STORE_NOT_FOUND : status;
}

enum store_status store_audit_segment_from(struct store_view *view, uint64_t sequence,
					   struct store_audit_segment *ret_segment)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_SEGMENT_FROM, &call);
	sql_put_u64(&call, sequence);
	return get_segment(&call, ret_segment);
}

enum store_status store_audit_segment_last(struct store_view *view, struct store_audit_segment *ret_segment)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_SEGMENT_LAST, &call);
	return get_segment(&call, ret_segment);
}

enum store_status store_audit_segment_insert(struct store_txn *txn, const struct store_audit_segment *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_SEGMENT_INSERT, &call);
	sql_put_u64(&call, row->first);
	sql_put_u64(&call, row->last);
	sql_put_blob(&call, row->previous, sizeof(row->previous));
	sql_put_blob(&call, row->hash, sizeof(row->hash));
	sql_put_i64(&call, row->created_ms);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	return sql_run(txn->view.sql, &call, NULL);
}
