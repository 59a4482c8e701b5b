#include <stdlib.h>
#include <string.h>

#include "server/core/record.h"
#include "server/core/rowmac.h"

struct listing {
	const struct vault *vault;
	const uint8_t *owner;
	struct record_entry *entries;
	size_t count, limit;
	bool damaged;
};

static bool list_row(void *arg, const struct store_version *row)
{
	struct listing *list = arg;
	struct record_entry *entry = &list->entries[list->count];

	if (!rowmac_check_version(list->vault, row) || memcmp(row->owner, list->owner, sizeof(row->owner)) != 0) {
		list->damaged = true;
		return false;
	}
	memcpy(entry->record_id, row->record_id, sizeof(entry->record_id));
	entry->version = row->version;
	entry->size = row->size;
	entry->created_ms = record_created_ms(row->record_id);
	entry->updated_ms = row->created_ms;
	return ++list->count < list->limit;
}

static enum core_status list_end(const struct listing *list, enum store_status status, size_t *ret_count)
{
	if (status != STORE_OK)
		return core_from_store(status);
	if (list->damaged)
		return CORE_DAMAGED;
	*ret_count = list->count;
	return CORE_OK;
}

enum core_status record_list(const struct vault *vault, struct store_view *view, const struct principal *principal,
			     const uint8_t *after, size_t limit, struct record_entry *ret_entries, size_t *ret_count)
{
	struct listing list = {.vault = vault, .owner = principal->account_id, .entries = ret_entries, .limit = limit};
	enum store_status status = store_record_list(view, principal->account_id, after, limit, list_row, &list);

	return list_end(&list, status, ret_count);
}

enum core_status record_versions(const struct vault *vault, struct store_view *view, const struct principal *principal,
				 const uint8_t record_id[static 16], uint64_t after, size_t limit,
				 struct record_entry *ret_entries, size_t *ret_count)
{
	struct listing list = {.vault = vault, .entries = ret_entries, .limit = limit};
	struct store_version *latest = NULL;
	enum store_status status = store_view_begin(view);
	enum core_status allowed;

	if (status != STORE_OK)
		return core_from_store(status);
	allowed = record_lookup(vault, view, principal, RECORD_READ, record_id, &latest);
	if (allowed == CORE_OK) {
		list.owner = latest->owner;
		status = store_version_list(view, record_id, after, limit, list_row, &list);
	}
	free(latest);
	store_view_end(view);
	return allowed == CORE_OK ? list_end(&list, status, ret_count) : allowed;
}
