/* Grants: what a record's owner lets other accounts do with it (record.h's rights). Any number; withdrawn ones stay. */
#ifndef COFFER_CORE_GRANTS_H
#define COFFER_CORE_GRANTS_H

#include <stdint.h>

#include "server/core/directory.h"
#include "server/core/record.h"

enum { GRANT_ACTIVE = 1, GRANT_WITHDRAWN = 2 };

struct grant_entry {
	char account[DIRECTORY_NAME_MAX + 1];
	uint8_t account_id[16];
	unsigned rights; /* of enum record_right */
	int64_t created_ms, changed_ms;
};

/* Inside apply(): rights 0 withdraws. CORE_NOT_FOUND: the record is not the principal's own, or there is no such
 * account (or, to be withdrawn, no such grant). CORE_CONFLICT: it is the owner's own account. */
MUST_CHECK enum store_status grants_put_apply(const struct vault *vault, struct store_txn *txn,
					      const struct principal *owner, const uint8_t record_id[static 16],
					      const char *account, unsigned rights, struct grant_entry *ret_entry,
					      enum core_status *ret_result);
/* Those in force, at most `limit`, by account id. For the owner: CORE_NOT_FOUND as above. */
MUST_CHECK enum core_status grants_list(const struct vault *vault, struct store_view *view,
					const struct principal *owner, const uint8_t record_id[static 16],
					const uint8_t *after, size_t limit, struct grant_entry *ret_entries,
					size_t *ret_count);

#endif
