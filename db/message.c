/* Mailboxes: messages, and how many there are. */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

static const uint8_t NOBODY[16];

static void message_columns(struct sql_call *call, struct store_message *row)
{
	memset(row, 0, sizeof(*row));
	sql_get_fixed(call, row->message_id, sizeof(row->message_id));
	sql_get_fixed(call, row->mailbox, sizeof(row->mailbox));
	sql_get_fixed(call, row->sender, sizeof(row->sender));
	row->sender_name = sql_get_bytes(call);
	row->revision = sql_get_u64(call);
	row->state = sql_get_u8(call);
	row->kind = sql_get_u8(call);
	row->received_ms = sql_get_i64(call);
	row->expires_ms = sql_get_i64(call);
	row->changed_ms = sql_get_i64(call);
	row->size = sql_get_u64(call);
	sql_get_fixed(call, row->digest, sizeof(row->digest));
	sql_get_fixed(call, row->recipient_key, sizeof(row->recipient_key));
	row->sender_key = sql_get_bytes(call);
	row->signature = sql_get_bytes(call);
	row->session = sql_get_bytes(call);
	sql_get_fixed(call, row->mac, sizeof(row->mac));
}

static struct store_message *copy_message(const struct sql_call *call, const struct store_message *row)
{
	const size_t extra =
		row->sender_name.size + row->sender_key.size + row->signature.size + row->session.size + row->body.size;
	struct store_message *copy = call->status == STORE_OK ? malloc(sizeof(*copy) + extra) : NULL;
	uint8_t *at = copy ? (uint8_t *)(copy + 1) : NULL;

	if (!copy)
		return NULL;
	*copy = *row;
	copy->sender_name = row_copy_bytes(&at, row->sender_name);
	copy->sender_key = row_copy_bytes(&at, row->sender_key);
	copy->signature = row_copy_bytes(&at, row->signature);
	copy->session = row_copy_bytes(&at, row->session);
	copy->body = row_copy_bytes(&at, row->body);
	return copy;
}

enum store_status store_message_get(struct store_view *view, const uint8_t message_id[static 16],
				    struct store_message **ret_message)
{
	struct store_message row;
	struct store_message *copy = NULL;
	struct sql_call call;
	enum store_status status;
	bool found;

	sql_call(view->sql, STATEMENT_MESSAGE_GET, &call);
	sql_put_blob(&call, message_id, 16);
	found = sql_step(&call);
	if (found) {
		message_columns(&call, &row);
		row.body = sql_get_bytes(&call);
		copy = copy_message(&call, &row);
	}
	status = row_end(&call, found, copy);
	if (status == STORE_OK)
		*ret_message = copy;
	return status;
}

enum store_status store_message_state(struct store_view *view, const uint8_t message_id[static 16], uint8_t *ret_state)
{
	struct sql_call call;
	enum store_status status;
	bool found;

	sql_call(view->sql, STATEMENT_MESSAGE_STATE, &call);
	sql_put_blob(&call, message_id, 16);
	found = sql_step(&call);
	if (found)
		*ret_state = sql_get_u8(&call);
	status = sql_end(&call);
	return status == STORE_OK && !found ? STORE_NOT_FOUND : status;
}

static enum store_status walk_messages(struct sql_call *call, bool bodies, store_message_visit *each, void *arg)
{
	while (sql_step(call)) {
		struct store_message row;

		message_columns(call, &row);
		if (bodies)
			row.body = sql_get_bytes(call);
		if (call->status != STORE_OK || !each(arg, &row))
			break;
	}
	return sql_end(call);
}

enum store_status store_message_list(struct store_view *view, const uint8_t mailbox[static 16], const uint8_t *after,
				     int64_t now_ms, size_t limit, store_message_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_MESSAGE_LIST, &call);
	sql_put_blob(&call, mailbox, 16);
	sql_put_blob(&call, after ? after : NOBODY, 16);
	sql_put_i64(&call, now_ms);
	sql_put_u64(&call, limit);
	return walk_messages(&call, false, each, arg);
}

static enum store_status by_time(struct store_view *view, enum statement statement, int64_t time_ms, size_t limit,
				 store_message_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, statement, &call);
	sql_put_i64(&call, time_ms);
	sql_put_u64(&call, limit);
	return walk_messages(&call, false, each, arg);
}

enum store_status store_message_due(struct store_view *view, int64_t now_ms, size_t limit, store_message_visit *each,
				    void *arg)
{
	return by_time(view, STATEMENT_MESSAGE_DUE, now_ms, limit, each, arg);
}

enum store_status store_message_removed(struct store_view *view, int64_t until_ms, size_t limit,
					store_message_visit *each, void *arg)
{
	return by_time(view, STATEMENT_MESSAGE_REMOVED, until_ms, limit, each, arg);
}

enum store_status store_message_walk(struct store_view *view, const uint8_t *after, size_t limit,
				     store_message_visit *each, void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_MESSAGE_WALK, &call);
	sql_put_blob(&call, after ? after : NOBODY, 16);
	sql_put_u64(&call, limit);
	return walk_messages(&call, true, each, arg);
}

/* ---- counts -------------------------------------------------------------------------------------------------------
 */

enum store_status store_mailbox_count(struct store_view *view, const uint8_t mailbox[static 16],
				      const uint8_t sender[static 16], struct store_mailbox_count *ret_count)
{
	struct store_mailbox_count count = {0};
	struct sql_call call;
	enum store_status status;

	sql_call(view->sql, STATEMENT_COUNT_GET, &call);
	sql_put_blob(&call, mailbox, 16);
	sql_put_blob(&call, sender, 16);
	if (sql_step(&call)) {
		count.messages = sql_get_u64(&call);
		count.bytes = sql_get_u64(&call);
	}
	status = sql_end(&call);
	*ret_count = count;
	return status;
}

static enum store_status put_count(struct store_txn *txn, const uint8_t mailbox[static 16],
				   const uint8_t sender[static 16], const struct store_mailbox_count *count)
{
	const bool none = count->messages == 0;
	struct sql_call call;

	sql_call(txn->view.sql, none ? STATEMENT_COUNT_DELETE : STATEMENT_COUNT_PUT, &call);
	sql_put_blob(&call, mailbox, 16);
	sql_put_blob(&call, sender, 16);
	if (!none) {
		sql_put_u64(&call, count->messages);
		sql_put_u64(&call, count->bytes);
	}
	return sql_run(txn->view.sql, &call, NULL);
}

/* Counts a message in or out, for its sender and in all. Edited counts end at zero, not below. */
static enum store_status count_message(struct store_txn *txn, const struct store_message *row, bool in)
{
	const uint8_t *const senders[] = {row->sender, NOBODY};
	enum store_status status = STORE_OK;

	for (size_t i = 0; i < 2 && status == STORE_OK; i++) {
		struct store_mailbox_count count;

		status = store_mailbox_count(&txn->view, row->mailbox, senders[i], &count);
		if (status != STORE_OK)
			break;
		if (in) {
			count.messages++;
			count.bytes += row->size;
		} else {
			count.messages -= count.messages > 0;
			count.bytes -= count.bytes > row->size ? row->size : count.bytes;
		}
		status = put_count(txn, row->mailbox, senders[i], &count);
	}
	return status;
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

enum store_status store_message_insert(struct store_txn *txn, const struct store_message *row)
{
	struct sql_call call;
	enum store_status status;

	sql_call(txn->view.sql, STATEMENT_MESSAGE_INSERT, &call);
	sql_put_blob(&call, row->message_id, sizeof(row->message_id));
	sql_put_blob(&call, row->mailbox, sizeof(row->mailbox));
	sql_put_blob(&call, row->sender, sizeof(row->sender));
	sql_put_text_bytes(&call, row->sender_name);
	sql_put_u64(&call, row->revision);
	sql_put_u64(&call, row->state);
	sql_put_u64(&call, row->kind);
	sql_put_i64(&call, row->received_ms);
	sql_put_i64(&call, row->expires_ms);
	sql_put_i64(&call, row->changed_ms);
	sql_put_u64(&call, row->size);
	sql_put_blob(&call, row->digest, sizeof(row->digest));
	sql_put_blob(&call, row->recipient_key, sizeof(row->recipient_key));
	sql_put_blob(&call, row->sender_key.data, row->sender_key.size);
	sql_put_blob(&call, row->signature.data, row->signature.size);
	sql_put_blob(&call, row->session.data, row->session.size);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	sql_put_blob(&call, row->body.data, row->body.size);
	status = sql_run(txn->view.sql, &call, NULL);
	return status == STORE_OK ? count_message(txn, row, true) : status;
}

enum store_status store_message_remove(struct store_txn *txn, const struct store_message *row)
{
	struct sql_call call;
	uint64_t changed = 0;
	enum store_status status;

	sql_call(txn->view.sql, STATEMENT_MESSAGE_REMOVE, &call);
	sql_put_u64(&call, row->revision);
	sql_put_u64(&call, row->state);
	sql_put_i64(&call, row->changed_ms);
	sql_put_blob(&call, row->mac, sizeof(row->mac));
	sql_put_blob(&call, row->message_id, sizeof(row->message_id));
	status = sql_run(txn->view.sql, &call, &changed);
	if (status == STORE_OK && changed == 0)
		return STORE_NOT_FOUND;
	return status == STORE_OK ? count_message(txn, row, false) : status;
}

enum store_status store_message_delete(struct store_txn *txn, const uint8_t message_id[static 16])
{
	struct sql_call call;

	sql_call(txn->view.sql, STATEMENT_MESSAGE_DELETE, &call);
	sql_put_blob(&call, message_id, 16);
	return row_change(txn, &call);
}
