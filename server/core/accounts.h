/*
 * Administration of accounts and tokens: one account a person or program. Nothing here is ever removed; accounts are
 * disabled and tokens revoked, which holds on the very next request. After a commit principals_forget() is due.
 */
#ifndef COFFER_CORE_ACCOUNTS_H
#define COFFER_CORE_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/store.h"
#include "server/core/account.h"
#include "server/core/directory.h"

enum { TOKEN_DESCRIPTION_MAX = 200 /* bytes */ };

struct account_entry {
	uint8_t id[16];
	char name[DIRECTORY_NAME_MAX + 1];
	uint32_t scopes;
	bool active;
	int64_t created_ms;
};

struct token_entry {
	uint8_t id[16], account_id[16];
	uint32_t scopes;
	bool active, session;
	int64_t created_ms, expires_ms; /* 0: never */
	int64_t used_ms;		/* as it was written down, at most an hour behind; 0: never */
	char description[TOKEN_DESCRIPTION_MAX + 1];
};

/* CORE_NOT_FOUND: no such name, or none at all. CORE_DAMAGED. */
MUST_CHECK enum core_status accounts_find(const struct vault *vault, struct store_view *view, const char *name,
					  struct account_entry *ret_entry);
/* By id. CORE_NOT_FOUND, CORE_DAMAGED. */
MUST_CHECK enum core_status accounts_get(const struct vault *vault, struct store_view *view,
					 const uint8_t id[static 16], struct account_entry *ret_entry);
MUST_CHECK enum core_status tokens_get(const struct vault *vault, struct store_view *view, const uint8_t id[static 16],
				       struct token_entry *ret_entry);
/* At most `limit`, by id, after `after` (NULL: from the start). */
MUST_CHECK enum core_status accounts_list(const struct vault *vault, struct store_view *view, const uint8_t *after,
					  size_t limit, struct account_entry *ret_entries, size_t *ret_count);
/* The same for tokens; account NULL: of all. */
MUST_CHECK enum core_status tokens_list(const struct vault *vault, struct store_view *view, const uint8_t *account,
					const uint8_t *after, size_t limit, struct token_entry *ret_entries,
					size_t *ret_count);

/* Inside apply(): name and scopes are filled in, the rest comes from here. CORE_CONFLICT: the name is taken. */
MUST_CHECK enum store_status accounts_add_apply(const struct vault *vault, struct store_txn *txn,
						struct account_entry *entry, enum core_status *ret_result);
/*
 * Inside apply(): gives an account other scopes, or another state. CORE_NOT_FOUND. CORE_CONFLICT: it is `self`, who
 * would disable itself or give up administration.
 */
MUST_CHECK enum store_status accounts_change_apply(const struct vault *vault, struct store_txn *txn, const char *name,
						   const uint32_t *scopes, const bool *active,
						   const uint8_t self[static 16], struct account_entry *ret_entry,
						   enum core_status *ret_result);

/* Inside apply(): id, account_id, scopes, times and description are filled in; token: account_token_generate().
 * CORE_CONFLICT: scopes that the account does not have. */
MUST_CHECK enum store_status tokens_add_apply(const struct vault *vault, struct store_txn *txn,
					      const struct token_entry *entry, const char *token,
					      enum core_status *ret_result);
/* Inside apply(). CORE_NOT_FOUND. */
MUST_CHECK enum store_status tokens_revoke_apply(const struct vault *vault, struct store_txn *txn,
						 const uint8_t id[static 16], enum core_status *ret_result);

#endif
