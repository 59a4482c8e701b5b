#include "server/core/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "server/core/clock.h"
#include "server/core/rowmac.h"

/* ---- accounts -----------------------------------------------------------------------------------------------------
 */

static bool account_of(const struct vault *vault, const struct store_account *row, struct account_entry *ret_entry)
{
	if (!rowmac_check_account(vault, row) || row->name.size > DIRECTORY_NAME_MAX)
		return false;
	*ret_entry = (struct account_entry){
		.scopes = row->scopes, .active = row->state == ROW_ACTIVE, .created_ms = row->created_ms};
	memcpy(ret_entry->id, row->account_id, sizeof(ret_entry->id));
	memcpy(ret_entry->name, row->name.data, row->name.size);
	return true;
}

enum core_status accounts_find(const struct vault *vault, struct store_view *view, const char *name,
			       struct account_entry *ret_entry)
{
	struct store_account *row = NULL;
	char folded[DIRECTORY_NAME_MAX + 1];
	enum core_status status;

	if (!directory_name(name, folded))
		return CORE_NOT_FOUND;
	status = core_from_store(store_account_by_name(view, folded, &row));
	if (status == CORE_OK && !account_of(vault, row, ret_entry))
		status = CORE_DAMAGED;
	free(row);
	return status;
}

enum core_status accounts_get(const struct vault *vault, struct store_view *view, const uint8_t id[static 16],
			      struct account_entry *ret_entry)
{
	struct store_account *row = NULL;
	enum core_status status = core_from_store(store_account_get(view, id, &row));

	if (status == CORE_OK && !account_of(vault, row, ret_entry))
		status = CORE_DAMAGED;
	free(row);
	return status;
}

struct account_listing {
	const struct vault *vault;
	struct account_entry *entries;
	size_t count, limit;
	bool damaged;
};

static bool list_account(void *arg, const struct store_account *row)
{
	struct account_listing *listing = arg;

	listing->damaged = !account_of(listing->vault, row, &listing->entries[listing->count]);
	return !listing->damaged && ++listing->count < listing->limit;
}

enum core_status accounts_list(const struct vault *vault, struct store_view *view, const uint8_t *after, size_t limit,
			       struct account_entry *ret_entries, size_t *ret_count)
{
	struct account_listing listing = {.vault = vault, .entries = ret_entries, .limit = limit};
	const enum store_status status = store_account_list(view, after, limit, list_account, &listing);

	*ret_count = listing.count;
	if (status != STORE_OK)
		return core_from_store(status);
	return listing.damaged ? CORE_DAMAGED : CORE_OK;
}

enum store_status accounts_add_apply(const struct vault *vault, struct store_txn *txn, struct account_entry *entry,
				     enum core_status *ret_result)
{
	struct store_account *taken = NULL;
	struct store_account row = {.revision = 1,
				    .state = ROW_ACTIVE,
				    .scopes = entry->scopes,
				    .created_ms = clock_unix_ms(),
				    .name = {(const uint8_t *)entry->name, strlen(entry->name)}};
	enum store_status status = store_account_by_name(store_txn_view(txn), entry->name, &taken);

	free(taken);
	*ret_result = status == STORE_OK ? CORE_CONFLICT : CORE_OK;
	if (status != STORE_NOT_FOUND)
		return status;
	if (random_uuid7(row.created_ms, row.account_id) != CRYPTO_OK || !rowmac_seal_account(vault, &row))
		return STORE_IO;
	entry->active = true;
	entry->created_ms = row.created_ms;
	memcpy(entry->id, row.account_id, sizeof(entry->id));
	return store_account_insert(txn, &row);
}

enum store_status accounts_change_apply(const struct vault *vault, struct store_txn *txn, const char *name,
					const uint32_t *scopes, const bool *active, const uint8_t self[static 16],
					struct account_entry *ret_entry, enum core_status *ret_result)
{
	struct store_account *row = NULL;
	enum store_status status = store_account_by_name(store_txn_view(txn), name, &row);

	*ret_result = CORE_OK;
	if (status == STORE_NOT_FOUND)
		*ret_result = CORE_NOT_FOUND;
	if (status != STORE_OK)
		return status == STORE_NOT_FOUND ? STORE_OK : status;
	if (!rowmac_check_account(vault, row)) {
		*ret_result = CORE_DAMAGED;
		goto out;
	}
	if (memcmp(row->account_id, self, 16) == 0 && ((active && !*active) || (scopes && !(*scopes & SCOPE_ADMIN)))) {
		*ret_result = CORE_CONFLICT;
		goto out;
	}
	if (scopes)
		row->scopes = *scopes;
	if (active)
		row->state = *active ? ROW_ACTIVE : ROW_DISABLED;
	row->revision++;
	status = rowmac_seal_account(vault, row) && account_of(vault, row, ret_entry) ? store_account_update(txn, row)
										      : STORE_IO;
out:
	free(row);
	return status;
}

/* ---- tokens -------------------------------------------------------------------------------------------------------
 */

static bool token_of(const struct vault *vault, const struct store_token *row, struct token_entry *ret_entry)
{
	if (!rowmac_check_token(vault, row) || row->description.size > TOKEN_DESCRIPTION_MAX)
		return false;
	*ret_entry = (struct token_entry){.scopes = row->scopes,
					  .active = row->state == ROW_ACTIVE,
					  .session = row->idle_ms > 0,
					  .created_ms = row->created_ms,
					  .expires_ms = row->expires_ms,
					  .used_ms = row->used_ms};
	memcpy(ret_entry->id, row->token_id, sizeof(ret_entry->id));
	memcpy(ret_entry->account_id, row->account_id, sizeof(ret_entry->account_id));
	if (row->description.size)
		memcpy(ret_entry->description, row->description.data, row->description.size);
	return true;
}

enum core_status tokens_get(const struct vault *vault, struct store_view *view, const uint8_t id[static 16],
			    struct token_entry *ret_entry)
{
	struct store_token *row = NULL;
	enum core_status status = core_from_store(store_token_get(view, id, &row));

	if (status == CORE_OK && !token_of(vault, row, ret_entry))
		status = CORE_DAMAGED;
	free(row);
	return status;
}

struct token_listing {
	const struct vault *vault;
	const uint8_t *account;
	struct token_entry *entries;
	size_t count, limit;
	bool damaged;
};

static bool list_token(void *arg, const struct store_token *row)
{
	struct token_listing *listing = arg;

	if (listing->account && memcmp(row->account_id, listing->account, 16) != 0)
		return true;
	listing->damaged = !token_of(listing->vault, row, &listing->entries[listing->count]);
	return !listing->damaged && ++listing->count < listing->limit;
}

enum core_status tokens_list(const struct vault *vault, struct store_view *view, const uint8_t *account,
			     const uint8_t *after, size_t limit, struct token_entry *ret_entries, size_t *ret_count)
{
	struct token_listing listing = {.vault = vault, .account = account, .entries = ret_entries, .limit = limit};
	const enum store_status status =
		account ? store_token_of_account(view, account, after, limit, list_token, &listing)
			: store_token_list(view, after, limit, list_token, &listing);

	*ret_count = listing.count;
	if (status != STORE_OK)
		return core_from_store(status);
	return listing.damaged ? CORE_DAMAGED : CORE_OK;
}

enum store_status tokens_add_apply(const struct vault *vault, struct store_txn *txn, const struct token_entry *entry,
				   const char *token, enum core_status *ret_result)
{
	struct store_account *account = NULL;
	struct store_token row = {.revision = 1,
				  .state = ROW_ACTIVE,
				  .scopes = entry->scopes,
				  .created_ms = entry->created_ms,
				  .expires_ms = entry->expires_ms,
				  .description = {(const uint8_t *)entry->description, strlen(entry->description)}};
	enum store_status status = store_account_get(store_txn_view(txn), entry->account_id, &account);

	*ret_result = CORE_OK;
	if (status != STORE_OK)
		return status;
	if (!rowmac_check_account(vault, account))
		*ret_result = CORE_DAMAGED;
	else if ((entry->scopes & ~account->scopes) != 0)
		*ret_result = CORE_CONFLICT;
	free(account);
	if (*ret_result != CORE_OK)
		return STORE_OK;
	memcpy(row.token_id, entry->id, sizeof(row.token_id));
	memcpy(row.account_id, entry->account_id, sizeof(row.account_id));
	return account_token_hash(vault, token, row.hash) && rowmac_seal_token(vault, &row)
		       ? store_token_insert(txn, &row)
		       : STORE_IO;
}

enum store_status tokens_revoke_apply(const struct vault *vault, struct store_txn *txn, const uint8_t id[static 16],
				      enum core_status *ret_result)
{
	struct store_token *row = NULL;
	enum store_status status = store_token_get(store_txn_view(txn), id, &row);

	*ret_result = status == STORE_NOT_FOUND ? CORE_NOT_FOUND : CORE_OK;
	if (status != STORE_OK)
		return status == STORE_NOT_FOUND ? STORE_OK : status;
	/* Whatever its MAC: what is written ends it. */
	if (row->state == ROW_ACTIVE) {
		row->state = ROW_DISABLED;
		row->revision++;
		status = rowmac_seal_token(vault, row) ? store_token_update(txn, row) : STORE_IO;
	}
	free(row);
	return status;
}
