/* Accounts and their bearer tokens. A token's value exists at its holder only; the store has a keyed hash. */
#ifndef COFFER_CORE_ACCOUNT_H
#define COFFER_CORE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "db/store.h"
#include "server/core/status.h"
#include "server/core/vault.h"

/* The state of an account's row and of a token's: disabled and revoked are states, not missing rows. */
enum { ROW_ACTIVE = 1, ROW_DISABLED = 2, ROW_REVOKED = 2 };

/* What a token may do; an account's scopes bound those of its tokens. */
enum scope {
	SCOPE_RECORDS_READ = 1u << 0,
	SCOPE_RECORDS_WRITE = 1u << 1,
	SCOPE_ADMIN = 1u << 2,
	SCOPE_PARTNER = 1u << 3,      /* a key in the directory, a mailbox */
	SCOPE_AUDIT = 1u << 4,	      /* read the audit log */
	SCOPE_BREAK_GLASS = 1u << 5,  /* read any record, for a reason and a while (reason.h) */
	SCOPE_METRICS = 1u << 6,      /* figures of the service itself, and of no data */
	SCOPE_ANY_ACCOUNT = 1u << 31, /* in no row: whoever authenticates has it */
};

enum { ACCOUNT_TOKEN_CHARS = 7 + 43 }; /* "coffer_" and base64url of 32 bytes */

/* Who is asking. */
struct principal {
	uint8_t account_id[16];
	uint8_t token_id[16];
	uint32_t scopes;
	int64_t since_ms; /* when the token was made */
	bool emergency;	  /* has given a reason to read what is not his */
};

/*
 * The stored form. The input is the value without its prefix, decoded, so that a token has one spelling. False: no
 * token.
 */
MUST_CHECK bool account_token_hash(const struct vault *vault, const char *token, uint8_t ret_hash[static 32]);

/* Looks a token up and checks the MACs, states and expiry of its row and its account's. CORE_DENIED, CORE_DAMAGED. */
MUST_CHECK enum core_status account_authenticate(const struct vault *vault, struct store_view *view, const char *token,
						 struct principal *ret_principal);

/* A fresh token, terminated; wipe it. It opens nothing until a row has its hash. CORE_INTERNAL: no randomness. */
MUST_CHECK enum core_status account_token_generate(char ret_token[static ACCOUNT_TOKEN_CHARS + 1]);

/*
 * At the first start: the account "admin" with every scope, and `token` without expiry. Its value must be where its
 * holder finds it before this is called: nobody can learn it afterwards. Waits for the store.
 */
MUST_CHECK enum core_status account_create_admin(struct vault *vault, const char *token);

#endif
