#include <stdlib.h>
#include <string.h>

#include "server/core/grants.h"
#include "server/core/record.h"
#include "server/core/rowmac.h"

int64_t record_created_ms(const uint8_t record_id[static 16])
{
	int64_t ms = 0;

	for (size_t i = 0; i < 6; i++)
		ms = (int64_t)((uint64_t)ms << 8 | record_id[i]);
	return ms;
}

/* CORE_NOT_FOUND unless the owner lets this account do that. */
static enum core_status check_grant(const struct vault *vault, struct store_view *view,
				    const struct principal *principal, enum record_right right,
				    const uint8_t record_id[static 16])
{
	struct store_grant grant;
	const enum store_status status = store_grant_get(view, record_id, principal->account_id, &grant);

	if (status != STORE_OK)
		return core_from_store(status);
	if (!rowmac_check_grant(vault, &grant))
		return CORE_DAMAGED;
	return grant.state == GRANT_ACTIVE && (grant.rights & right) ? CORE_OK : CORE_NOT_FOUND;
}

enum core_status record_lookup(const struct vault *vault, struct store_view *view, const struct principal *principal,
			       enum record_right right, const uint8_t record_id[static 16],
			       struct store_version **ret_row)
{
	struct store_version *row = NULL;
	enum store_status found = store_version_latest(view, record_id, &row);
	enum core_status status = core_from_store(found);

	if (found != STORE_OK)
		return status;
	if (!rowmac_check_version(vault, row)) {
		free(row);
		return CORE_DAMAGED;
	}
	if (memcmp(row->owner, principal->account_id, sizeof(row->owner)) != 0) {
		status = check_grant(vault, view, principal, right, record_id);
		if (status == CORE_NOT_FOUND && right == RECORD_READ && principal->emergency)
			status = CORE_OK;
		if (status != CORE_OK) {
			free(row);
			return status;
		}
	}
	/* The latest row of a record is current or a tombstone; a superseded one means that its successor was removed.
	 */
	if (row->state == STORE_VERSION_SUPERSEDED) {
		free(row);
		return CORE_DAMAGED;
	}
	*ret_row = row;
	return row->state == STORE_VERSION_CURRENT ? CORE_OK : CORE_GONE;
}

enum core_status record_check_current(const struct vault *vault, struct store_view *view,
				      const struct principal *principal, const uint8_t record_id[static 16],
				      uint64_t if_version, uint64_t *ret_current)
{
	struct store_version *row = NULL;
	enum core_status status = record_lookup(vault, view, principal, RECORD_WRITE, record_id, &row);

	if (status == CORE_OK) {
		*ret_current = row->version;
		if (row->version != if_version)
			status = CORE_STALE;
	}
	free(row);
	return status;
}
