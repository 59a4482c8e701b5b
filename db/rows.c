/* The small tables: keys, idempotency, settings, blobs. */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

struct store_bytes row_copy_bytes(uint8_t **at, struct store_bytes bytes)
{
	struct store_bytes copy = {*at, bytes.size};

	if (bytes.size)
		memcpy(*at, bytes.data, bytes.size);
	*at += bytes.size;
	return copy;
}

void *row_copy(const struct sql_call *call, const void *row, size_t size, struct store_bytes bytes)
{
	uint8_t *copy = call->status == STORE_OK ? malloc(size + bytes.size) : NULL;
	uint8_t *at = copy ? copy + size : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, row, size);
	(void)row_copy_bytes(&at, bytes);
	return copy;
}

enum store_status row_end(struct sql_call *call, bool found, void *copy)
{
	enum store_status status = sql_end(call);

	if (status != STORE_OK) {
		free(copy);
		return status;
	}
	if (!found)
		return STORE_NOT_FOUND;
	return copy ? STORE_OK : STORE_NOMEM;
}

enum store_status row_change(struct store_txn *txn, struct sql_call *call)
{
	uint64_t changed = 0;
	const enum store_status status = sql_run(txn->view.sql, call, &changed);

	return status == STORE_OK && changed == 0 ? STORE_NOT_FOUND : status;
}

/* ---- KEKs ---------------------------------------------------------------------------------------------------------
 */

static void kek_columns(struct sql_call *call, struct store_kek *row)
{
	memset(row, 0, sizeof(*row));
	sql_get_fixed(call, row->kek_id, sizeof(row->kek_id));
	row->revision = sql_get_u64(call);
	row->state = sql_get_u8(call);
	row->created_ms = sql_get_i64(call);
	row->spki = sql_get_bytes(call);
	sql_get_fixed(call, row->mac, sizeof(row->mac));
}

static enum store_status get_kek(struct sql_call *call, struct store_kek **ret_kek)
{
	struct store_kek row;
	struct store_kek *copy = NULL;
	bool found = sql_step(call);
	enum store_status status;

	if (found) {
		kek_columns(call, &row);
		copy = row_copy(call, &row, sizeof(row), row.spki);
		if (copy)
			copy->spki.data = (const uint8_t *)(copy + 1);
	}
	status = row_end(call, found, copy);
	if (status == STORE_OK)
		*ret_kek = copy;
	return status;
}

enum store_status store_kek_get(struct store_view *view, const uint8_t kek_id[static 32], struct store_kek **ret_kek)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_KEK_GET, &call);
	sql_put_blob(&call, kek_id, 32);
	return get_kek(&call, ret_kek);
}

enum store_status store_kek_current(struct store_view *view, struct store_kek **ret_kek)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_KEK_CURRENT, &call);
	return get_kek(&call, ret_kek);
}

enum store_status store_kek_list(struct store_view *view, store_kek_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_KEK_LIST, &call);
	while (sql_step(&call)) {
		struct store_kek row;

		kek_columns(&call, &row);
		if (call.status != STORE_OK || !each(arg, &row))
			break;
	}
	return sql_end(&call);
}

enum store_status store_kek_insert(struct store_txn *txn, const struct store_kek *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_KEK_INSERT, &call);
	sql_put_blob(&call, row->kek_id, sizeof(row->kek_id));
	sql_put_u64(&call, row->revision);
	sql_put_u64(&call, row->state);
	sql_put_i64(&call, row->created_ms);
	sql_put_blob(&call, row->spki.data, row->spki.size);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	return sql_run(txn->view.sql, &call, NULL);
}

/* ---- idempotency ----------------------------------------------------------------------------------------------------
 */

static void idempotency_columns(struct sql_call *call, struct store_idempotency *row)
{
	sql_get_fixed(call, row->key_mac, sizeof(row->key_mac));
	sql_get_fixed(call, row->body_mac, sizeof(row->body_mac));
	sql_get_fixed(call, row->record_id, sizeof(row->record_id));
	row->version = sql_get_u64(call);
	row->created_ms = sql_get_i64(call);
}

enum store_status store_idempotency_get(struct store_view *view, const uint8_t key_mac[static 32],
					struct store_idempotency *ret_row)
{
	struct store_idempotency row;
	struct sql_call call;
	enum store_status status;
	bool found;

	sql_call(view->sql, STATEMENT_IDEMPOTENCY_GET, &call);
	sql_put_blob(&call, key_mac, 32);
	found = sql_step(&call);
	if (found)
		idempotency_columns(&call, &row);
	status = sql_end(&call);
	if (status != STORE_OK)
		return status;
	if (!found)
		return STORE_NOT_FOUND;
	*ret_row = row;
	return STORE_OK;
}

enum store_status store_idempotency_walk(struct store_view *view, const uint8_t *after, size_t limit,
					 struct store_idempotency *ret_rows, size_t *ret_count)
{
	static const uint8_t FIRST[32];
	struct sql_call call;
	size_t count = 0;

	sql_call(view->sql, STATEMENT_IDEMPOTENCY_LIST, &call);
	sql_put_blob(&call, after ? after : FIRST, 32);
	sql_put_u64(&call, limit);
	while (count < limit && sql_step(&call))
		idempotency_columns(&call, &ret_rows[count++]);
	*ret_count = count;
	return sql_end(&call);
}

enum store_status store_idempotency_insert(struct store_txn *txn, const struct store_idempotency *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_IDEMPOTENCY_INSERT, &call);
	sql_put_blob(&call, row->key_mac, sizeof(row->key_mac));
	sql_put_blob(&call, row->body_mac, sizeof(row->body_mac));
	sql_put_blob(&call, row->record_id, sizeof(row->record_id));
	sql_put_u64(&call, row->version);
	sql_put_i64(&call, row->created_ms);
	return sql_run(txn->view.sql, &call, NULL);
}

enum store_status store_idempotency_expire(struct store_txn *txn, int64_t before_ms, size_t limit, uint64_t *ret_count)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_IDEMPOTENCY_EXPIRE, &call);
	sql_put_i64(&call, before_ms);
	sql_put_u64(&call, limit);
	return sql_run(txn->view.sql, &call, ret_count);
}

/* ---- settings and blobs ---------------------------------------------------------------------------------------------
 */

/* Copies the one blob column of the row that `call` finds. */
static enum store_status get_blob(struct sql_call *call, void *ret_bytes, size_t cap, size_t *ret_size)
{
	enum store_status status;
	size_t size = 0;
	bool found = sql_step(call);

	if (found) {
		struct store_bytes bytes = sql_get_bytes(call);

		size = bytes.size;
		if (size <= cap && size > 0)
			memcpy(ret_bytes, bytes.data, size);
	}
	status = sql_end(call);
	if (status != STORE_OK)
		return status;
	if (!found)
		return STORE_NOT_FOUND;
	if (size > cap)
		return STORE_CORRUPT;
	*ret_size = size;
	return STORE_OK;
}

enum store_status store_setting_get(struct store_view *view, const char *name, void *ret_bytes, size_t cap,
				    size_t *ret_size)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_SETTING_GET, &call);
	sql_put_text(&call, name);
	return get_blob(&call, ret_bytes, cap, ret_size);
}

enum store_status store_setting_put(struct store_txn *txn, const char *name, const void *bytes, size_t size)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_SETTING_PUT, &call);
	sql_put_text(&call, name);
	sql_put_blob(&call, bytes, size);
	return sql_run(txn->view.sql, &call, NULL);
}

enum store_status store_chunk_get(struct store_view *view, uint64_t blob_id, uint64_t number, uint8_t *ret_bytes,
				  size_t cap, size_t *ret_size)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_CHUNK_GET, &call);
	sql_put_u64(&call, blob_id);
	sql_put_u64(&call, number);
	return get_blob(&call, ret_bytes, cap, ret_size);
}

enum store_status store_blob_link(struct store_txn *txn, uint64_t blob_id, uint64_t chunks)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_BLOB_LINK, &call);
	sql_put_u64(&call, blob_id);
	sql_put_u64(&call, chunks);
	return row_change(txn, &call);
}
