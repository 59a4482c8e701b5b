/*
 * Sessions: the tokens that logging in gives. They end at their expiry, when they have not been used for their idle
 * time, when they are logged out, and when their account's key changes. A use is written down at most every thirtieth
 * of the idle time, so a session ends between once and 31/30 of it after the last use. Of other tokens it is written
 * down at most once an hour, and ends nothing.
 */
#ifndef COFFER_CORE_SESSION_H
#define COFFER_CORE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "db/store.h"
#include "server/core/account.h"
#include "server/core/status.h"
#include "server/core/vault.h"

/* Whether a token's row is a session that has not been used for too long. */
bool session_is_idle(const struct store_token *row, int64_t now_ms);
/* Until when a verified row may be relied on without looking at it: for its uses to be seen, not past its expiry. 0:
 * for ever. */
int64_t session_look_again(const struct store_token *row, int64_t now_ms);
/* Has the use written down, if it is time to; waits for nothing, and a failure only leaves that to the next use. */
void session_touch(const struct vault *vault, const struct store_token *row, int64_t now_ms);

/* Inside apply(): a session of an account, with all its scopes, under `token` (account_token_generate()).
 * CORE_DENIED: the account is not active. */
struct session_open {
	uint8_t account_id[16];
	uint8_t token_id[16]; /* random_uuid7() */
	const char *token;
	int64_t ttl_ms, idle_ms;
	int64_t expires_ms; /* set */
};
MUST_CHECK enum store_status session_open_apply(const struct vault *vault, struct store_txn *txn,
						struct session_open *open, enum core_status *ret_result);
/* Inside apply(): ends one. CORE_CONFLICT: the token is no session. */
MUST_CHECK enum store_status session_end_apply(const struct vault *vault, struct store_txn *txn,
					       const uint8_t token_id[static 16], enum core_status *ret_result);
/* Inside apply(): ends all of an account. */
MUST_CHECK enum store_status session_end_all(const struct vault *vault, struct store_txn *txn,
					     const uint8_t account_id[static 16]);

#endif
