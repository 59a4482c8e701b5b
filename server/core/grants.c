#include "server/core/grants.h"

#include <stdlib.h>
#include <string.h>

#include "server/core/accounts.h"
#include "server/core/clock.h"
#include "server/core/rowmac.h"

static enum core_status own(const struct vault *vault, struct store_view *view, const struct principal *owner,
			    const uint8_t record_id[static 16])
{
	struct store_version *row = NULL;
	const enum core_status status = record_lookup(vault, view, owner, RECORD_OWN, record_id, &row);

	free(row);
	return status;
}

static enum store_status write_grant(const struct vault *vault, struct store_txn *txn, struct store_grant *row,
				     unsigned rights)
{
	row->revision++;
	row->changed_ms = clock_unix_ms();
	row->state = rights ? GRANT_ACTIVE : GRANT_WITHDRAWN;
	row->rights = (uint8_t)rights;
	return rowmac_seal_grant(vault, row) ? store_grant_put(txn, row) : STORE_IO;
}

enum store_status grants_put_apply(const struct vault *vault, struct store_txn *txn, const struct principal *owner,
				   const uint8_t record_id[static 16], const char *account, unsigned rights,
				   struct grant_entry *ret_entry, enum core_status *ret_result)
{
	struct store_view *view = store_txn_view(txn);
	struct account_entry grantee;
	struct store_grant row = {.revision = 0};
	enum store_status status;

	*ret_result = own(vault, view, owner, record_id);
	if (*ret_result == CORE_OK)
		*ret_result = accounts_find(vault, view, account, &grantee);
	if (*ret_result == CORE_OK && memcmp(grantee.id, owner->account_id, sizeof(grantee.id)) == 0)
		*ret_result = CORE_CONFLICT;
	if (*ret_result != CORE_OK)
		return STORE_OK;
	status = store_grant_get(view, record_id, grantee.id, &row);
	if (status == STORE_OK && !rowmac_check_grant(vault, &row))
		*ret_result = CORE_DAMAGED;
	else if (rights == 0 && (status == STORE_NOT_FOUND || row.state != GRANT_ACTIVE))
		*ret_result = CORE_NOT_FOUND;
	if (*ret_result != CORE_OK || (status != STORE_OK && status != STORE_NOT_FOUND))
		return status == STORE_NOT_FOUND ? STORE_OK : status;
	if (status == STORE_NOT_FOUND) {
		memcpy(row.record_id, record_id, sizeof(row.record_id));
		memcpy(row.account_id, grantee.id, sizeof(row.account_id));
		row.created_ms = clock_unix_ms();
	}
	status = write_grant(vault, txn, &row, rights);
	*ret_entry = (struct grant_entry){.rights = rights, .created_ms = row.created_ms, .changed_ms = row.changed_ms};
	memcpy(ret_entry->account, grantee.name, sizeof(ret_entry->account));
	memcpy(ret_entry->account_id, grantee.id, sizeof(ret_entry->account_id));
	return status;
}

struct listing {
	const struct vault *vault;
	struct grant_entry *entries;
	size_t count, limit;
	bool damaged;
};

static bool list_grant(void *arg, const struct store_grant *row)
{
	struct listing *listing = arg;
	struct grant_entry *entry = &listing->entries[listing->count];

	listing->damaged = !rowmac_check_grant(listing->vault, row);
	if (listing->damaged || row->state != GRANT_ACTIVE)
		return !listing->damaged;
	*entry = (struct grant_entry){
		.rights = row->rights, .created_ms = row->created_ms, .changed_ms = row->changed_ms};
	memcpy(entry->account_id, row->account_id, sizeof(entry->account_id));
	return ++listing->count < listing->limit;
}

/* The names, once the walk over the grants is done. */
static enum core_status name_accounts(const struct vault *vault, struct store_view *view, struct grant_entry *entries,
				      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct store_account *row = NULL;
		enum core_status status = core_from_store(store_account_get(view, entries[i].account_id, &row));

		if (status == CORE_OK && (!rowmac_check_account(vault, row) || row->name.size > DIRECTORY_NAME_MAX))
			status = CORE_DAMAGED;
		if (status == CORE_OK)
			memcpy(entries[i].account, row->name.data, row->name.size);
		free(row);
		if (status != CORE_OK)
			return status == CORE_NOT_FOUND ? CORE_DAMAGED : status;
	}
	return CORE_OK;
}

enum core_status grants_list(const struct vault *vault, struct store_view *view, const struct principal *owner,
			     const uint8_t record_id[static 16], const uint8_t *after, size_t limit,
			     struct grant_entry *ret_entries, size_t *ret_count)
{
	struct listing listing = {.vault = vault, .entries = ret_entries, .limit = limit};
	enum core_status status = own(vault, view, owner, record_id);

	if (status == CORE_OK)
		status = core_from_store(store_grant_list(view, record_id, after, SIZE_MAX / 2, list_grant, &listing));
	if (status == CORE_OK && listing.damaged)
		status = CORE_DAMAGED;
	if (status == CORE_OK)
		status = name_accounts(vault, view, ret_entries, listing.count);
	*ret_count = status == CORE_OK ? listing.count : 0;
	return status;
}
