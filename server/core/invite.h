/*
 * Invites: who holds one may take the name in it (FORMATS §5). Single-use. The store has a keyed hash of the secret;
 * its value goes to the administrator once, within a text that also says which server it is for and how to recognise
 * it:
 *
 *   "coffer-invite-v1." ‖ base64url of {"origin": …, "ca": …, "name": …, "role": …, "secret": …}
 */
#ifndef COFFER_CORE_INVITE_H
#define COFFER_CORE_INVITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/store.h"
#include "server/core/directory.h"
#include "server/core/status.h"
#include "server/core/vault.h"

enum { INVITE_SECRET_CHARS = 43 /* base64url of 32 bytes */ };

struct invite {
	uint8_t invite_id[16];
	char name[DIRECTORY_NAME_MAX + 1];
	int64_t created_ms, expires_ms;
	enum store_invite_state state;
};

/* A fresh secret, terminated; wipe it. */
MUST_CHECK enum core_status invite_secret(char ret_secret[static INVITE_SECRET_CHARS + 1]);
/* The stored form of a secret: HMAC(token key, "coffer-invite-v1" ‖ its 32 bytes). False: it is none. */
MUST_CHECK bool invite_hash(const struct vault *vault, const char *secret, uint8_t ret_hash[static 32]);

/* CORE_INVITE unless there is an open invite of that hash, for that name, not expired. */
MUST_CHECK enum core_status invite_find(const struct vault *vault, struct store_view *view,
					const uint8_t hash[static 32], const char *name, struct invite *ret_invite);

/* Inside apply(). invite: id, name and both times are filled in. CORE_CONFLICT: the name is taken. */
MUST_CHECK enum store_status invite_make_apply(const struct vault *vault, struct store_txn *txn,
					       const struct invite *invite, const uint8_t hash[static 32],
					       const struct principal *maker, enum core_status *ret_result);
/* Inside apply(): it is used up. STORE_NOT_FOUND: it was not open. */
MUST_CHECK enum store_status invite_use_apply(const struct vault *vault, struct store_txn *txn,
					      const uint8_t invite_id[static 16], const uint8_t account_id[static 16]);
/* Inside apply(): nobody can use it any more. CORE_NOT_FOUND: there is no such invite, or it has been used. */
MUST_CHECK enum store_status invite_revoke_apply(const struct vault *vault, struct store_txn *txn,
						 const uint8_t invite_id[static 16], enum core_status *ret_result);

/* At most `limit`, oldest first, after `after` (NULL: from the start); used and revoked ones too. */
MUST_CHECK enum core_status invite_list(const struct vault *vault, struct store_view *view, const uint8_t *after,
					size_t limit, struct invite *ret_invites, size_t *ret_count);

#endif
