/* The directory: names with their keys, and invites to it. */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

/* ---- keys ---------------------------------------------------------------------------------------------------------
 */

static void key_columns(struct sql_call *call, struct store_directory_key *row)
{
	memset(row, 0, sizeof(*row));
	row->name = sql_get_bytes(call);
	row->sequence = sql_get_u64(call);
	sql_get_fixed(call, row->account_id, sizeof(row->account_id));
	row->change = sql_get_u8(call);
	row->authority = sql_get_u8(call);
	row->created_ms = sql_get_i64(call);
	row->spki = sql_get_bytes(call);
	row->signature = sql_get_bytes(call);
	row->old_signature = sql_get_bytes(call);
	row->origin = sql_get_bytes(call);
	sql_get_fixed(call, row->previous, sizeof(row->previous));
	sql_get_fixed(call, row->hash, sizeof(row->hash));
	sql_get_fixed(call, row->mac, sizeof(row->mac));
}

static struct store_directory_key *copy_key(const struct sql_call *call, const struct store_directory_key *row)
{
	const size_t extra =
		row->name.size + row->spki.size + row->signature.size + row->old_signature.size + row->origin.size;
	struct store_directory_key *copy = call->status == STORE_OK ? malloc(sizeof(*copy) + extra) : NULL;
	uint8_t *at = copy ? (uint8_t *)(copy + 1) : NULL;

	if (!copy)
		return NULL;
	*copy = *row;
	copy->name = row_copy_bytes(&at, row->name);
	copy->spki = row_copy_bytes(&at, row->spki);
	copy->signature = row_copy_bytes(&at, row->signature);
	copy->old_signature = row_copy_bytes(&at, row->old_signature);
	copy->origin = row_copy_bytes(&at, row->origin);
	return copy;
}

enum store_status store_directory_latest(struct store_view *view, const char *name,
					 struct store_directory_key **ret_key)
{
	struct store_directory_key row;
	struct store_directory_key *copy = NULL;
	struct sql_call call;
	enum store_status status;
	bool found;

	sql_call(view->sql, STATEMENT_KEY_LATEST, &call);
	sql_put_text(&call, name);
	found = sql_step(&call);
	if (found) {
		key_columns(&call, &row);
		copy = copy_key(&call, &row);
	}
	status = row_end(&call, found, copy);
	if (status == STORE_OK)
		*ret_key = copy;
	return status;
}

static enum store_status walk_keys(struct sql_call *call, store_directory_visit *each, void *arg)
{
	while (sql_step(call)) {
		struct store_directory_key row;

		key_columns(call, &row);
		if (call->status != STORE_OK || !each(arg, &row))
			break;
	}
	return sql_end(call);
}

enum store_status store_directory_list(struct store_view *view, const char *after, size_t limit,
				       store_directory_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_KEY_LIST, &call);
	sql_put_text(&call, after);
	sql_put_u64(&call, limit);
	return walk_keys(&call, each, arg);
}

enum store_status store_directory_history(struct store_view *view, const char *name, uint64_t after, size_t limit,
					  store_directory_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_KEY_HISTORY, &call);
	sql_put_text(&call, name);
	sql_put_u64(&call, after);
	sql_put_u64(&call, limit);
	return walk_keys(&call, each, arg);
}

enum store_status store_directory_walk(struct store_view *view, store_directory_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_KEY_WALK, &call);
	return walk_keys(&call, each, arg);
}

enum store_status store_directory_sequence(struct store_view *view, const uint8_t account_id[static 16],
					   uint64_t *ret_sequence)
{
	struct sql_call call;
	enum store_status status;
	bool found;

	sql_call(view->sql, STATEMENT_KEY_SEQUENCE, &call);
	sql_put_blob(&call, account_id, 16);
	found = sql_step(&call);
	if (found)
		*ret_sequence = sql_get_u64(&call);
	status = sql_end(&call);
	return status == STORE_OK && !found ? STORE_NOT_FOUND : status;
}

enum store_status store_directory_insert(struct store_txn *txn, const struct store_directory_key *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_KEY_INSERT, &call);
	sql_put_text_bytes(&call, row->name);
	sql_put_u64(&call, row->sequence);
	sql_put_blob(&call, row->account_id, sizeof(row->account_id));
	sql_put_u64(&call, row->change);
	sql_put_u64(&call, row->authority);
	sql_put_i64(&call, row->created_ms);
	sql_put_blob(&call, row->spki.data, row->spki.size);
	sql_put_blob(&call, row->signature.data, row->signature.size);
	sql_put_blob(&call, row->old_signature.data, row->old_signature.size);
	sql_put_text_bytes(&call, row->origin);
	sql_put_blob(&call, row->previous, sizeof(row->previous));
	sql_put_blob(&call, row->hash, sizeof(row->hash));
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	return sql_run(txn->view.sql, &call, NULL);
}

/* ---- invites ------------------------------------------------------------------------------------------------------
 */

static void invite_columns(struct sql_call *call, struct store_invite *row)
{
	memset(row, 0, sizeof(*row));
	sql_get_fixed(call, row->invite_id, sizeof(row->invite_id));
	row->revision = sql_get_u64(call);
	row->state = sql_get_u8(call);
	sql_get_fixed(call, row->hash, sizeof(row->hash));
	row->name = sql_get_bytes(call);
	row->scopes = sql_get_u32(call);
	row->created_ms = sql_get_i64(call);
	row->expires_ms = sql_get_i64(call);
	sql_get_fixed(call, row->made_by, sizeof(row->made_by));
	sql_get_fixed(call, row->used_by, sizeof(row->used_by));
	sql_get_fixed(call, row->mac, sizeof(row->mac));
}

static enum store_status get_invite(struct sql_call *call, struct store_invite **ret_invite)
{
	struct store_invite row;
	struct store_invite *copy = NULL;
	bool found = sql_step(call);
	enum store_status status;

	if (found) {
		invite_columns(call, &row);
		copy = row_copy(call, &row, sizeof(row), row.name);
		if (copy)
			copy->name.data = (const uint8_t *)(copy + 1);
	}
	status = row_end(call, found, copy);
	if (status == STORE_OK)
		*ret_invite = copy;
	return status;
}

enum store_status store_invite_get(struct store_view *view, const uint8_t invite_id[static 16],
				   struct store_invite **ret_invite)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_INVITE_GET, &call);
	sql_put_blob(&call, invite_id, 16);
	return get_invite(&call, ret_invite);
}

enum store_status store_invite_by_hash(struct store_view *view, const uint8_t hash[static 32],
				       struct store_invite **ret_invite)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_INVITE_BY_HASH, &call);
	sql_put_blob(&call, hash, 32);
	return get_invite(&call, ret_invite);
}

enum store_status store_invite_list(struct store_view *view, const uint8_t *after, size_t limit,
				    store_invite_visit *each, void *arg)
{
	static const uint8_t first[16];
	struct sql_call call;

	sql_call(view->sql, STATEMENT_INVITE_LIST, &call);
	sql_put_blob(&call, after ? after : first, 16);
	sql_put_u64(&call, limit);
	while (sql_step(&call)) {
		struct store_invite row;

		invite_columns(&call, &row);
		if (call.status != STORE_OK || !each(arg, &row))
			break;
	}
	return sql_end(&call);
}

enum store_status store_invite_insert(struct store_txn *txn, const struct store_invite *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_INVITE_INSERT, &call);
	sql_put_blob(&call, row->invite_id, sizeof(row->invite_id));
	sql_put_u64(&call, row->revision);
	sql_put_u64(&call, row->state);
	sql_put_blob(&call, row->hash, sizeof(row->hash));
	sql_put_text_bytes(&call, row->name);
	sql_put_u64(&call, row->scopes);
	sql_put_i64(&call, row->created_ms);
	sql_put_i64(&call, row->expires_ms);
	sql_put_blob(&call, row->made_by, sizeof(row->made_by));
	sql_put_blob(&call, row->used_by, sizeof(row->used_by));
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	return sql_run(txn->view.sql, &call, NULL);
}

enum store_status store_invite_update(struct store_txn *txn, const struct store_invite *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_INVITE_UPDATE, &call);
	sql_put_u64(&call, row->revision);
	sql_put_u64(&call, row->state);
	sql_put_blob(&call, row->used_by, sizeof(row->used_by));
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	sql_put_blob(&call, row->invite_id, sizeof(row->invite_id));
	return row_change(txn, &call);
}
