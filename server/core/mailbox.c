#include "server/core/mailbox.h"

#include <stdlib.h>
#include <string.h>

#include "server/core/clock.h"
#include "server/core/rowmac.h"

enum core_status mailbox_own(const struct vault *vault, struct store_view *view, const char *name,
			     const struct principal *principal, char ret_name[static DIRECTORY_NAME_MAX + 1])
{
	struct store_account *account = NULL;
	enum core_status status;

	if (!directory_name(name, ret_name))
		return CORE_NOT_FOUND;
	status = core_from_store(store_account_by_name(view, ret_name, &account));
	if (status == CORE_OK && !rowmac_check_account(vault, account))
		status = CORE_DAMAGED;
	else if (status == CORE_OK && memcmp(account->account_id, principal->account_id, 16) != 0)
		status = CORE_NOT_FOUND;
	free(account);
	return status;
}

static bool fits(struct store_bytes bytes, size_t size)
{
	return bytes.size == 0 || bytes.size == size;
}

bool mailbox_entry_of(const struct store_message *row, struct mailbox_entry *ret_entry)
{
	if (row->sender_name.size > DIRECTORY_NAME_MAX || !fits(row->sender_key, DIGEST_SIZE) ||
	    !fits(row->session, DIGEST_SIZE) || row->signature.size > RSAKEY_MAX_SIZE ||
	    (row->kind != MAILBOX_SEALED && row->kind != MAILBOX_SESSION))
		return false;
	*ret_entry = (struct mailbox_entry){.kind = (enum mailbox_kind)row->kind,
					    .received_ms = row->received_ms,
					    .expires_ms = row->expires_ms,
					    .size = row->size,
					    .has_sender_key = row->sender_key.size > 0,
					    .has_session = row->session.size > 0,
					    .signature_size = row->signature.size};
	memcpy(ret_entry->id, row->message_id, sizeof(ret_entry->id));
	memcpy(ret_entry->from, row->sender_name.data, row->sender_name.size);
	memcpy(ret_entry->digest, row->digest, sizeof(ret_entry->digest));
	memcpy(ret_entry->recipient_key, row->recipient_key, sizeof(ret_entry->recipient_key));
	if (ret_entry->has_sender_key)
		memcpy(ret_entry->sender_key, row->sender_key.data, DIGEST_SIZE);
	if (ret_entry->has_session)
		memcpy(ret_entry->session, row->session.data, DIGEST_SIZE);
	if (ret_entry->signature_size)
		memcpy(ret_entry->signature, row->signature.data, row->signature.size);
	return true;
}

struct listing {
	const struct vault *vault;
	struct mailbox_entry *entries;
	size_t count, limit;
	bool damaged;
};

static bool list_one(void *arg, const struct store_message *row)
{
	struct listing *listing = arg;

	listing->damaged =
		!rowmac_check_message(listing->vault, row) || !mailbox_entry_of(row, &listing->entries[listing->count]);
	return !listing->damaged && ++listing->count < listing->limit;
}

enum core_status mailbox_list(const struct vault *vault, struct store_view *view, const struct principal *owner,
			      const uint8_t *after, size_t limit, struct mailbox_entry *ret_entries, size_t *ret_count)
{
	struct listing listing = {.vault = vault, .entries = ret_entries, .limit = limit};
	const enum store_status status =
		store_message_list(view, owner->account_id, after, clock_unix_ms(), limit, list_one, &listing);

	*ret_count = listing.count;
	if (status != STORE_OK)
		return core_from_store(status);
	return listing.damaged ? CORE_DAMAGED : CORE_OK;
}

/* A message that its owner can have: kept, not expired, verified. */
static enum core_status judge(const struct vault *vault, const struct store_message *row, const struct principal *owner)
{
	if (!rowmac_check_message(vault, row))
		return CORE_DAMAGED;
	return memcmp(row->mailbox, owner->account_id, 16) == 0 && row->state == STORE_MESSAGE_KEPT &&
			       row->expires_ms > clock_unix_ms()
		       ? CORE_OK
		       : CORE_NOT_FOUND;
}

enum core_status mailbox_read(const struct vault *vault, struct store_view *view, const struct principal *owner,
			      const uint8_t id[static 16], struct mailbox_entry *ret_entry, uint8_t **ret_bytes)
{
	struct store_message *row = NULL;
	uint8_t digest[DIGEST_SIZE];
	enum core_status status = core_from_store(store_message_get(view, id, &row));

	if (status == CORE_OK)
		status = judge(vault, row, owner);
	if (status != CORE_OK)
		goto out;
	digest_sha256(row->body.data, row->body.size, digest);
	if (row->body.size != row->size || memcmp(digest, row->digest, sizeof(digest)) != 0 ||
	    !mailbox_entry_of(row, ret_entry)) {
		status = CORE_DAMAGED;
		goto out;
	}
	*ret_bytes = malloc(row->body.size ? row->body.size : 1);
	if (*ret_bytes)
		memcpy(*ret_bytes, row->body.data, row->body.size);
	else
		status = CORE_NOMEM;
out:
	free(row);
	return status;
}

enum store_status mailbox_acknowledge_apply(const struct vault *vault, struct store_txn *txn,
					    const struct principal *owner, const uint8_t id[static 16],
					    enum core_status *ret_result)
{
	struct store_message *row = NULL;
	enum store_status status = store_message_get(store_txn_view(txn), id, &row);

	*ret_result = status == STORE_OK ? judge(vault, row, owner) : CORE_NOT_FOUND;
	if (status == STORE_OK && *ret_result == CORE_OK) {
		row->state = STORE_MESSAGE_ACKNOWLEDGED;
		row->revision++;
		row->changed_ms = clock_unix_ms();
		status = rowmac_seal_message(vault, row) ? store_message_remove(txn, row) : STORE_IO;
	}
	free(row);
	return status == STORE_NOT_FOUND ? STORE_OK : status;
}
