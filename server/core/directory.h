/*
 * The directory: names of partners and their public keys (FORMATS §4, §5). Every change stays in the history of its
 * name, each entry linked to the one before by hash, so that a client that kept one can tell whether it was rewritten.
 *
 * A name is 1 to 64 characters of ASCII: first a letter or digit, then letters, digits, '.', '_' and '-'. Upper case is
 * folded to lower. It is the name of the partner's account, and is never given twice.
 */
#ifndef COFFER_CORE_DIRECTORY_H
#define COFFER_CORE_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/rsakey.h"
#include "db/store.h"
#include "server/core/account.h"
#include "server/core/status.h"
#include "server/core/vault.h"

enum {
	DIRECTORY_NAME_MAX = 64,
	DIRECTORY_ORIGIN_MAX = 300, /* characters of "https://host:port" */
};

/* Whose word a change stands on. Stored: never renumbered. */
enum directory_authority {
	DIRECTORY_BY_INVITE = 1,
	DIRECTORY_BY_ANYONE = 2, /* open enrollment */
	DIRECTORY_BY_OLD_KEY = 3,
	DIRECTORY_BY_ADMINISTRATOR = 4,
	DIRECTORY_BY_OWNER = 5, /* a token of the account */
};

/* A name and its key as of the last change. */
struct directory_entry {
	char name[DIRECTORY_NAME_MAX + 1];
	uint64_t sequence; /* counts the changes of this name's key, from 1 */
	uint8_t account_id[16];
	bool removed; /* there is no key; fingerprint and bits are zeros */
	uint8_t fingerprint[DIGEST_SIZE];
	unsigned bits;
	int64_t created_ms; /* of the change */
};

/* Folds case; false when the text is no name. */
bool directory_name(const char *text, char ret_name[static DIRECTORY_NAME_MAX + 1]);

/*
 * Looks a name up. CORE_NOT_FOUND: unknown, malformed, or its key was removed. CORE_DAMAGED. ret_key may be NULL; else
 * the caller frees it.
 */
MUST_CHECK enum core_status directory_find(const struct vault *vault, struct store_view *view, const char *name,
					   struct directory_entry *ret_entry, struct rsakey_public **ret_key);
/* The same, also when the key was removed: then *ret_key is NULL. */
MUST_CHECK enum core_status directory_find_last(const struct vault *vault, struct store_view *view, const char *name,
						struct directory_entry *ret_entry, struct rsakey_public **ret_key);

/* At most `limit` names that have a key, by name, after `after` ("": from the start). */
MUST_CHECK enum core_status directory_list(const struct vault *vault, struct store_view *view, const char *after,
					   size_t limit, struct directory_entry *ret_entries, size_t *ret_count);

/*
 * Changes of one name, oldest first, after sequence `after`: `each` gets rows that verified, until it returns false.
 * CORE_NOT_FOUND: there has never been a key; CORE_DAMAGED: a row does not verify, or not follow the one before it.
 */
MUST_CHECK enum core_status directory_history(const struct vault *vault, struct store_view *view, const char *name,
					      uint64_t after, size_t limit, store_directory_visit *each, void *arg);

/*
 * hash of a change: SHA-256 over lp("coffer-key-history-v1") ‖ previous ‖ lp(name) ‖ u64 sequence ‖ u8 change ‖
 * u8 authority ‖ u64 time ‖ lp(origin) ‖ lp(spki) ‖ lp(signature) ‖ lp(old signature); the first previous is zeros.
 * False only for a row that is too long.
 */
MUST_CHECK bool directory_hash(const struct store_directory_key *row, uint8_t ret_hash[static DIGEST_SIZE]);

/* ---- changes ------------------------------------------------------------------------------------------------------
 */

/*
 * A key to be registered. The caller fills in the first part, and owns what it points to. `key` may come after the
 * decision.
 */
struct directory_put {
	const struct vault *vault;
	char name[DIRECTORY_NAME_MAX + 1];
	char origin[DIRECTORY_ORIGIN_MAX + 1]; /* the server's own, which the proof names */
	struct rsakey_public *key;
	const uint8_t *signature, *old_signature; /* old_signature NULL: none given */
	size_t signature_size, old_signature_size;
	bool has_invite;
	uint8_t invite_hash[32];
	bool open_enrollment;
	uint64_t if_sequence;		   /* the change that the client knows of; 0: any */
	const struct principal *principal; /* NULL: nobody */

	/* directory_put_decide() fills in the rest. */
	enum directory_authority authority;
	enum store_key_change change;
	uint64_t sequence;
	struct rsakey_public *old_key; /* NULL: none; freed by directory_put_done() */
	bool makes_account;
	uint8_t account_id[16];
	uint8_t invite_id[16];
	struct directory_entry entry; /* what directory_put_apply() made */
};

/*
 * Finds out on whose word the change may stand, and which sequence and old key its proof must name. CORE_PROOF: an old
 * key's signature or an administrator is needed. CORE_INVITE: a new name needs an invite that is good for it.
 * CORE_CONFLICT: the name is an account's without a key, or its key was removed, and only an administrator may give it
 * one. CORE_STALE: if_sequence is not the last change's.
 */
MUST_CHECK enum core_status directory_put_decide(struct directory_put *put, struct store_view *view);
/* The text that both signatures are over, terminated. */
enum { DIRECTORY_PROOF_MAX = 640 };
void directory_proof(const struct directory_put *put, char ret_text[static DIRECTORY_PROOF_MAX]);
/*
 * After the decision, which is the answer unless it was CORE_OK; by now `key` is needed. CORE_CONFLICT: the name has
 * this key already. CORE_PROOF. Two public RSA operations: not for a loop when keys are long.
 */
MUST_CHECK enum core_status directory_put_verify(const struct directory_put *put, enum core_status decision);
/*
 * Inside apply(): decides again, and writes when that came out the same; CORE_CONFLICT when it did not. Ends the
 * account's sessions. After the commit principals_forget() is due.
 */
MUST_CHECK enum store_status directory_put_apply(struct directory_put *put, struct store_txn *txn,
						 enum core_status *ret_result);
void directory_put_done(struct directory_put *put);

/*
 * Inside apply(): removes the key of a name, and ends its account's sessions. CORE_NOT_FOUND; CORE_FORBIDDEN: the
 * principal is neither the account nor an administrator. Afterwards principals_forget() is due.
 */
MUST_CHECK enum store_status directory_remove_apply(const struct vault *vault, struct store_txn *txn, const char *name,
						    const struct principal *principal,
						    struct directory_entry *ret_entry, enum core_status *ret_result);

#endif
