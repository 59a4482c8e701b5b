/* Into a mailbox. */
#include <stdlib.h>
#include <string.h>

#include "crypto/message.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "crypto/session.h"
#include "crypto/signature.h"
#include "crypto/wire.h"
#include "server/core/audit.h"
#include "server/core/clock.h"
#include "server/core/mailbox.h"
#include "server/core/record_answer.h"
#include "server/core/rowmac.h"

enum core_status mailbox_find(const struct vault *vault, struct store_view *view, const char *name,
			      struct mailbox_deposit *deposit)
{
	struct directory_entry entry;
	const enum core_status status = directory_find(vault, view, name, &entry, &deposit->recipient);

	if (status != CORE_OK)
		return status;
	memcpy(deposit->to, entry.name, sizeof(deposit->to));
	memcpy(deposit->mailbox, entry.account_id, sizeof(deposit->mailbox));
	memcpy(deposit->entry.recipient_key, entry.fingerprint, sizeof(deposit->entry.recipient_key));
	deposit->modulus_size = rsakey_public_size(deposit->recipient);
	return CORE_OK;
}

/* ---- before the transaction ----------------------------------------------------------------------------------------
 */

/* The sender's name, and its key if it has one. */
static enum core_status find_sender(struct mailbox_deposit *deposit, struct store_view *view,
				    struct rsakey_public **ret_key)
{
	struct mailbox_entry *entry = &deposit->entry;
	struct directory_entry sender;
	struct store_account *account = NULL;
	enum core_status status = core_from_store(store_account_get(view, deposit->sender->account_id, &account));

	if (status != CORE_OK)
		return status;
	if (!rowmac_check_account(deposit->vault, account) || account->name.size > DIRECTORY_NAME_MAX) {
		free(account);
		return CORE_DAMAGED;
	}
	memcpy(entry->from, account->name.data, account->name.size);
	free(account);
	status = directory_find(deposit->vault, view, entry->from, &sender, ret_key);
	if (status == CORE_OK) {
		entry->has_sender_key = true;
		memcpy(entry->sender_key, sender.fingerprint, sizeof(entry->sender_key));
	}
	return status == CORE_NOT_FOUND ? CORE_OK : status;
}

static enum core_status judge(const struct mailbox_deposit *deposit, const struct rsakey_public *sender,
			      enum mailbox_verdict *ret_verdict)
{
	const struct mailbox_entry *entry = &deposit->entry;
	const size_t least =
		entry->kind == MAILBOX_SESSION ? (size_t)SESSION_OVERHEAD : message_overhead(deposit->recipient);
	enum crypto_status status;

	*ret_verdict = MAILBOX_GOOD;
	if (deposit->size < least) {
		*ret_verdict = MAILBOX_TOO_SHORT;
	} else if (entry->signature_size > 0 && !sender) {
		*ret_verdict = MAILBOX_NO_SENDER_KEY;
	} else if (entry->signature_size > 0) {
		status = signature_check(sender, deposit->recipient, deposit->bytes, deposit->size, entry->signature,
					 entry->signature_size);
		if (status == CRYPTO_AUTH)
			*ret_verdict = MAILBOX_BAD_SIGNATURE;
		else if (status != CRYPTO_OK)
			return core_from_crypto(status);
	}
	return CORE_OK;
}

void mailbox_request(const uint8_t mailbox[static 16], enum mailbox_kind kind, struct store_bytes session,
		     const uint8_t digest[static DIGEST_SIZE], uint8_t ret_request[static DIGEST_SIZE])
{
	uint8_t bytes[256];
	struct wire_out out;

	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_lp_text(&out, "message");
	wire_put_lp(&out, mailbox, 16);
	wire_put_u8(&out, (uint8_t)kind);
	wire_put_lp(&out, session.data, session.size);
	wire_put_bytes(&out, digest, DIGEST_SIZE);
	digest_sha256(bytes, out.used, ret_request);
}

static void digest_request(struct mailbox_deposit *deposit)
{
	const struct mailbox_entry *entry = &deposit->entry;

	mailbox_request(deposit->mailbox, entry->kind,
			(struct store_bytes){entry->session, entry->has_session ? DIGEST_SIZE : 0}, entry->digest,
			deposit->request);
}

static bool enter_key(struct mailbox_deposit *deposit)
{
	uint8_t bytes[512];
	struct wire_out out;

	if (!deposit->idempotency_key)
		return true;
	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_lp_text(&out, "key");
	wire_put_lp(&out, deposit->sender->account_id, sizeof(deposit->sender->account_id));
	wire_put_lp_text(&out, "depositMessage");
	wire_put_lp_text(&out, deposit->idempotency_key);
	mac_compute(&deposit->vault->keys->idempotency, bytes, out.used, deposit->inflight_entry.key_mac);
	return inflight_enter(deposit->inflight, &deposit->inflight_entry);
}

enum core_status mailbox_deposit_prepare(struct mailbox_deposit *deposit, struct store_view *view,
					 enum mailbox_verdict *ret_verdict)
{
	struct rsakey_public *sender = NULL;
	enum core_status status = find_sender(deposit, view, &sender);

	deposit->entry.size = deposit->size;
	digest_sha256(deposit->bytes, deposit->size, deposit->entry.digest);
	if (status == CORE_OK)
		status = judge(deposit, sender, ret_verdict);
	rsakey_public_free(sender);
	if (status != CORE_OK || *ret_verdict != MAILBOX_GOOD)
		return status;
	digest_request(deposit);
	return enter_key(deposit) ? CORE_OK : CORE_BUSY;
}

/* ---- in the transaction --------------------------------------------------------------------------------------------
 */

static enum store_status check_quota(const struct mailbox_deposit *deposit, struct store_view *view,
				     enum core_status *ret_result)
{
	static const uint8_t all[16];
	const struct mailbox_limits *limits = deposit->limits;
	struct store_mailbox_count count;
	enum store_status status = store_mailbox_count(view, deposit->mailbox, all, &count);

	if (status != STORE_OK)
		return status;
	if (count.messages >= limits->messages || count.bytes + deposit->size > limits->bytes) {
		*ret_result = CORE_MAILBOX_FULL;
		return STORE_OK;
	}
	status = store_mailbox_count(view, deposit->mailbox, deposit->sender->account_id, &count);
	if (status == STORE_OK &&
	    (count.messages >= limits->sender_messages || count.bytes + deposit->size > limits->sender_bytes))
		*ret_result = CORE_SENDER_QUOTA;
	return status;
}

/* The answer of before is made again from the message's row. */
static enum store_status find_replay(struct mailbox_deposit *deposit, struct store_txn *txn,
				     enum core_status *ret_result)
{
	struct store_idempotency row;
	struct store_message *message = NULL;
	uint8_t mac[DIGEST_SIZE];
	enum store_status status;

	if (!deposit->idempotency_key)
		return STORE_OK;
	status = store_idempotency_get(store_txn_view(txn), deposit->inflight_entry.key_mac, &row);
	if (status != STORE_OK)
		return status == STORE_NOT_FOUND ? STORE_OK : status;
	record_answer_mac(deposit->vault, &row, deposit->request, mac);
	*ret_result = CORE_KEY_REUSED;
	if (row.version != 0 || !secret_equal(row.body_mac, mac, sizeof(mac)))
		return STORE_OK;
	status = store_message_get(store_txn_view(txn), row.record_id, &message);
	*ret_result = CORE_GONE;
	if (status == STORE_OK && !rowmac_check_message(deposit->vault, message))
		*ret_result = CORE_DAMAGED;
	else if (status == STORE_OK && message->state == STORE_MESSAGE_KEPT && message->expires_ms > clock_unix_ms())
		*ret_result = mailbox_entry_of(message, &deposit->entry) ? CORE_REPLAY : CORE_DAMAGED;
	free(message);
	return status == STORE_NOT_FOUND ? STORE_OK : status;
}

static enum store_status insert_message(struct mailbox_deposit *deposit, struct store_txn *txn)
{
	struct mailbox_entry *entry = &deposit->entry;
	struct store_message row = {.sender_name = {(const uint8_t *)entry->from, strlen(entry->from)},
				    .revision = 1,
				    .state = STORE_MESSAGE_KEPT,
				    .kind = (uint8_t)entry->kind,
				    .size = deposit->size,
				    .sender_key = {entry->sender_key, entry->has_sender_key ? DIGEST_SIZE : 0},
				    .signature = {entry->signature, entry->signature_size},
				    .session = {entry->session, entry->has_session ? DIGEST_SIZE : 0},
				    .body = {deposit->bytes, deposit->size}};

	/* Here, in the order of commits: whoever reads on from the last id misses none. */
	entry->received_ms = clock_unix_ms();
	entry->expires_ms = entry->received_ms + deposit->ttl_ms;
	if (random_uuid7(entry->received_ms, entry->id) != CRYPTO_OK)
		return STORE_IO;
	row.received_ms = row.changed_ms = entry->received_ms;
	row.expires_ms = entry->expires_ms;
	memcpy(row.message_id, entry->id, sizeof(row.message_id));
	memcpy(row.mailbox, deposit->mailbox, sizeof(row.mailbox));
	memcpy(row.sender, deposit->sender->account_id, sizeof(row.sender));
	memcpy(row.digest, entry->digest, sizeof(row.digest));
	memcpy(row.recipient_key, entry->recipient_key, sizeof(row.recipient_key));
	return rowmac_seal_message(deposit->vault, &row) ? store_message_insert(txn, &row) : STORE_IO;
}

static enum store_status insert_idempotency(const struct mailbox_deposit *deposit, struct store_txn *txn)
{
	struct store_idempotency row = {.version = 0, .created_ms = deposit->entry.received_ms};

	memcpy(row.key_mac, deposit->inflight_entry.key_mac, sizeof(row.key_mac));
	memcpy(row.record_id, deposit->entry.id, sizeof(row.record_id));
	record_answer_mac(deposit->vault, &row, deposit->request, row.body_mac);
	return store_idempotency_insert(txn, &row);
}

enum store_status mailbox_deposit_apply(struct mailbox_deposit *deposit, struct store_txn *txn,
					enum core_status *ret_result)
{
	enum store_status status;

	*ret_result = CORE_OK;
	status = find_replay(deposit, txn, ret_result);
	if (status == STORE_OK && *ret_result == CORE_OK)
		status = check_quota(deposit, store_txn_view(txn), ret_result);
	if (status != STORE_OK || *ret_result != CORE_OK)
		return status;
	status = insert_message(deposit, txn);
	if (status == STORE_OK && deposit->idempotency_key)
		status = insert_idempotency(deposit, txn);
	return status;
}

void mailbox_deposit_done(struct mailbox_deposit *deposit)
{
	if (deposit->inflight)
		inflight_leave(deposit->inflight, &deposit->inflight_entry);
	rsakey_public_free(deposit->recipient);
	deposit->recipient = NULL;
}
