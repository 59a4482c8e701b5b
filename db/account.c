/* Accounts and their tokens. */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

static void account_columns(struct sql_call *call, struct store_account *row)
{
	memset(row, 0, sizeof(*row));
	sql_get_fixed(call, row->account_id, sizeof(row->account_id));
	row->revision = sql_get_u64(call);
	row->state = sql_get_u8(call);
	row->scopes = sql_get_u32(call);
	row->created_ms = sql_get_i64(call);
	row->name = sql_get_bytes(call);
	sql_get_fixed(call, row->mac, sizeof(row->mac));
}

static enum store_status get_account(struct sql_call *call, struct store_account **ret_account)
{
	struct store_account row;
	struct store_account *copy = NULL;
	bool found = sql_step(call);
	enum store_status status;

	if (found) {
		account_columns(call, &row);
		copy = row_copy(call, &row, sizeof(row), row.name);
		if (copy)
			copy->name.data = (const uint8_t *)(copy + 1);
	}
	status = row_end(call, found, copy);
	if (status == STORE_OK)
		*ret_account = copy;
	return status;
}

enum store_status store_account_get(struct store_view *view, const uint8_t account_id[static 16],
				    struct store_account **ret_account)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_ACCOUNT_GET, &call);
	sql_put_blob(&call, account_id, 16);
	return get_account(&call, ret_account);
}

enum store_status store_account_by_name(struct store_view *view, const char *name, struct store_account **ret_account)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_ACCOUNT_BY_NAME, &call);
	sql_put_text(&call, name);
	return get_account(&call, ret_account);
}

enum store_status store_account_insert(struct store_txn *txn, const struct store_account *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_ACCOUNT_INSERT, &call);
	sql_put_blob(&call, row->account_id, sizeof(row->account_id));
	sql_put_u64(&call, row->revision);
	sql_put_u64(&call, row->state);
	sql_put_u64(&call, row->scopes);
	sql_put_i64(&call, row->created_ms);
	sql_put_text_bytes(&call, row->name);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	return sql_run(txn->view.sql, &call, NULL);
}

enum store_status store_account_update(struct store_txn *txn, const struct store_account *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_ACCOUNT_UPDATE, &call);
	sql_put_u64(&call, row->revision);
	sql_put_u64(&call, row->state);
	sql_put_u64(&call, row->scopes);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	sql_put_blob(&call, row->account_id, sizeof(row->account_id));
	return row_change(txn, &call);
}

static const uint8_t FIRST_ID[16];

enum store_status store_account_list(struct store_view *view, const uint8_t *after, size_t limit,
				     store_account_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_ACCOUNT_LIST, &call);
	sql_put_blob(&call, after ? after : FIRST_ID, 16);
	sql_put_u64(&call, limit);
	while (sql_step(&call)) {
		struct store_account row;

		account_columns(&call, &row);
		if (call.status != STORE_OK || !each(arg, &row))
			break;
	}
	return sql_end(&call);
}

static void token_columns(struct sql_call *call, struct store_token *row)
{
	memset(row, 0, sizeof(*row));
	sql_get_fixed(call, row->token_id, sizeof(row->token_id));
	row->revision = sql_get_u64(call);
	row->state = sql_get_u8(call);
	sql_get_fixed(call, row->hash, sizeof(row->hash));
	sql_get_fixed(call, row->account_id, sizeof(row->account_id));
	row->scopes = sql_get_u32(call);
	row->created_ms = sql_get_i64(call);
	row->expires_ms = sql_get_i64(call);
	row->description = sql_get_bytes(call);
	row->idle_ms = sql_get_i64(call);
	row->used_ms = sql_get_i64(call);
	sql_get_fixed(call, row->mac, sizeof(row->mac));
}

static enum store_status walk_tokens(struct sql_call *call, const uint8_t *after, size_t limit, store_token_visit *each,
				     void *arg)
{
	sql_put_blob(call, after ? after : FIRST_ID, 16);
	sql_put_u64(call, limit);
	while (sql_step(call)) {
		struct store_token row;

		token_columns(call, &row);
		if (call->status != STORE_OK || !each(arg, &row))
			break;
	}
	return sql_end(call);
}

enum store_status store_token_list(struct store_view *view, const uint8_t *after, size_t limit, store_token_visit *each,
				   void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_TOKEN_LIST, &call);
	return walk_tokens(&call, after, limit, each, arg);
}

enum store_status store_token_of_account(struct store_view *view, const uint8_t account_id[static 16],
					 const uint8_t *after, size_t limit, store_token_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_TOKEN_OF_ACCOUNT, &call);
	sql_put_blob(&call, account_id, 16);
	return walk_tokens(&call, after, limit, each, arg);
}

static enum store_status get_token(struct sql_call *call, struct store_token **ret_token)
{
	struct store_token row;
	struct store_token *copy = NULL;
	bool found = sql_step(call);
	enum store_status status;

	if (found) {
		token_columns(call, &row);
		copy = row_copy(call, &row, sizeof(row), row.description);
		if (copy)
			copy->description.data = (const uint8_t *)(copy + 1);
	}
	status = row_end(call, found, copy);
	if (status == STORE_OK)
		*ret_token = copy;
	return status;
}

enum store_status store_token_by_hash(struct store_view *view, const uint8_t hash[static 32],
				      struct store_token **ret_token)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_TOKEN_BY_HASH, &call);
	sql_put_blob(&call, hash, 32);
	return get_token(&call, ret_token);
}

enum store_status store_token_get(struct store_view *view, const uint8_t token_id[static 16],
				  struct store_token **ret_token)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_TOKEN_GET, &call);
	sql_put_blob(&call, token_id, 16);
	return get_token(&call, ret_token);
}

enum store_status store_token_session(struct store_view *view, const uint8_t account_id[static 16],
				      struct store_token **ret_token)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_TOKEN_SESSION, &call);
	sql_put_blob(&call, account_id, 16);
	return get_token(&call, ret_token);
}

enum store_status store_token_expire(struct store_txn *txn, int64_t before_ms, size_t limit, uint64_t *ret_count)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_TOKEN_EXPIRE, &call);
	sql_put_i64(&call, before_ms);
	sql_put_u64(&call, limit);
	return sql_run(txn->view.sql, &call, ret_count);
}

static void put_token_rest(struct sql_call *call, const struct store_token *row)
{
	sql_put_u64(call, row->revision);
	sql_put_u64(call, row->state);
	sql_put_blob(call, row->hash, sizeof(row->hash));
	sql_put_blob(call, row->account_id, sizeof(row->account_id));
	sql_put_u64(call, row->scopes);
	sql_put_i64(call, row->created_ms);
	sql_put_i64(call, row->expires_ms);
	sql_put_text_bytes(call, row->description);
	sql_put_i64(call, row->idle_ms);
	sql_put_i64(call, row->used_ms);
	sql_put_blob(call, row->mac, sizeof(row->mac));
}

enum store_status store_token_insert(struct store_txn *txn, const struct store_token *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_TOKEN_INSERT, &call);
	sql_put_blob(&call, row->token_id, sizeof(row->token_id));
	put_token_rest(&call, row);
	return sql_run(txn->view.sql, &call, NULL);
}

enum store_status store_token_update(struct store_txn *txn, const struct store_token *row)
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_TOKEN_UPDATE, &call);
	put_token_rest(&call, row);
	sql_put_blob(&call, row->token_id, sizeof(row->token_id));
	return row_change(txn, &call);
}
