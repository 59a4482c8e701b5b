/* Changes to the directory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/pss.h"
#include "crypto/random.h"
#include "server/core/clock.h"
#include "server/core/directory.h"
#include "server/core/invite.h"
#include "server/core/rowmac.h"
#include "server/core/session.h"

static bool administers(const struct principal *principal)
{
	return principal && (principal->scopes & SCOPE_ADMIN);
}

static bool owns(const struct principal *principal, const uint8_t account_id[static 16])
{
	return principal && memcmp(principal->account_id, account_id, 16) == 0;
}

/* A session has all that its account may: so a token that may do less does not choose the key that opens one. */
static bool speaks_for(const struct principal *principal, const struct store_account *account)
{
	return owns(principal, account->account_id) && (account->scopes & ~principal->scopes) == 0;
}

/* ---- on whose word ------------------------------------------------------------------------------------------------
 */

/* The name has, or had, a key. */
static enum core_status decide_known(struct directory_put *put, const struct directory_entry *last)
{
	put->sequence = last->sequence + 1;
	memcpy(put->account_id, last->account_id, sizeof(put->account_id));
	put->change = last->removed ? STORE_KEY_ADDED : STORE_KEY_REPLACED;
	if (put->if_sequence != 0 && put->if_sequence != last->sequence)
		return CORE_STALE;
	if (!last->removed && put->old_signature) {
		put->authority = DIRECTORY_BY_OLD_KEY;
		return CORE_OK;
	}
	put->authority = DIRECTORY_BY_ADMINISTRATOR;
	if (administers(put->principal))
		return CORE_OK;
	return last->removed ? CORE_CONFLICT : CORE_PROOF;
}

/* The name has never had a key. */
static enum core_status decide_new(struct directory_put *put, struct store_view *view)
{
	struct store_account *account = NULL;
	struct invite invite;
	enum store_status status = store_account_by_name(view, put->name, &account);
	enum core_status result = CORE_OK;

	if (put->if_sequence != 0)
		return CORE_STALE;
	put->sequence = 1;
	put->change = STORE_KEY_ADDED;
	if (status == STORE_OK) {
		if (!rowmac_check_account(put->vault, account))
			result = CORE_DAMAGED;
		memcpy(put->account_id, account->account_id, sizeof(put->account_id));
		put->authority = speaks_for(put->principal, account) ? DIRECTORY_BY_OWNER : DIRECTORY_BY_ADMINISTRATOR;
		free(account);
		if (result != CORE_OK || put->authority == DIRECTORY_BY_OWNER || administers(put->principal))
			return result;
		return CORE_CONFLICT;
	}
	if (status != STORE_NOT_FOUND)
		return core_from_store(status);
	put->makes_account = true;
	if (put->has_invite) {
		put->authority = DIRECTORY_BY_INVITE;
		result = invite_find(put->vault, view, put->invite_hash, put->name, &invite);
		if (result == CORE_OK)
			memcpy(put->invite_id, invite.invite_id, sizeof(put->invite_id));
		return result;
	}
	put->authority = administers(put->principal) ? DIRECTORY_BY_ADMINISTRATOR : DIRECTORY_BY_ANYONE;
	return put->open_enrollment || administers(put->principal) ? CORE_OK : CORE_INVITE;
}

enum core_status directory_put_decide(struct directory_put *put, struct store_view *view)
{
	struct directory_entry last;
	enum core_status status;

	rsakey_public_free(put->old_key);
	put->old_key = NULL;
	put->makes_account = false;
	status = directory_find_last(put->vault, view, put->name, &last, &put->old_key);
	if (status == CORE_OK)
		return decide_known(put, &last);
	return status == CORE_NOT_FOUND ? decide_new(put, view) : status;
}

/* ---- proof --------------------------------------------------------------------------------------------------------
 */

static void fingerprint_text(const struct rsakey_public *key, char ret_text[static 2 * DIGEST_SIZE + 1])
{
	uint8_t id[DIGEST_SIZE];

	if (!key) {
		strcpy(ret_text, "none");
		return;
	}
	rsakey_public_id(key, id);
	encode_hex(id, sizeof(id), ret_text);
}

void directory_proof(const struct directory_put *put, char ret_text[static DIRECTORY_PROOF_MAX])
{
	char old[2 * DIGEST_SIZE + 1], new[2 * DIGEST_SIZE + 1];

	fingerprint_text(put->old_key, old);
	fingerprint_text(put->key, new);
	snprintf(ret_text, DIRECTORY_PROOF_MAX, "coffer-key-v1\n%s\n%s\n%s\n%s\n%llu\n", put->origin, put->name, old,
		 new, (unsigned long long)put->sequence);
}

static bool same_key(const struct rsakey_public *a, const struct rsakey_public *b)
{
	uint8_t a_id[DIGEST_SIZE], b_id[DIGEST_SIZE];

	rsakey_public_id(a, a_id);
	rsakey_public_id(b, b_id);
	return memcmp(a_id, b_id, sizeof(a_id)) == 0;
}

enum core_status directory_put_verify(const struct directory_put *put, enum core_status decision)
{
	char text[DIRECTORY_PROOF_MAX];
	enum crypto_status status;

	if (put->old_key && same_key(put->key, put->old_key))
		return CORE_CONFLICT;
	if (decision != CORE_OK)
		return decision;
	directory_proof(put, text);
	status = pss_verify(put->key, text, strlen(text), put->signature, put->signature_size);
	if (status == CRYPTO_OK && put->authority == DIRECTORY_BY_OLD_KEY)
		status = pss_verify(put->old_key, text, strlen(text), put->old_signature, put->old_signature_size);
	return status == CRYPTO_AUTH ? CORE_PROOF : core_from_crypto(status);
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

/* Links a change to the one before it, and writes it. */
static enum store_status append(const struct vault *vault, struct store_txn *txn, struct store_directory_key *row,
				const char *name)
{
	struct store_directory_key *last = NULL;
	enum store_status status = store_directory_latest(store_txn_view(txn), name, &last);

	if (status == STORE_OK)
		memcpy(row->previous, last->hash, sizeof(row->previous));
	free(last);
	if (status != STORE_OK && status != STORE_NOT_FOUND)
		return status;
	row->name = (struct store_bytes){(const uint8_t *)name, strlen(name)};
	row->created_ms = clock_unix_ms();
	if (!directory_hash(row, row->hash) || !rowmac_seal_directory_key(vault, row))
		return STORE_IO;
	return store_directory_insert(txn, row);
}

static enum store_status make_account(struct directory_put *put, struct store_txn *txn)
{
	struct store_account account = {.revision = 1,
					.state = ROW_ACTIVE,
					.scopes = SCOPE_PARTNER,
					.name = {(const uint8_t *)put->name, strlen(put->name)},
					.created_ms = clock_unix_ms()};
	enum store_status status;

	if (random_uuid7(account.created_ms, account.account_id) != CRYPTO_OK ||
	    !rowmac_seal_account(put->vault, &account))
		return STORE_IO;
	memcpy(put->account_id, account.account_id, sizeof(put->account_id));
	status = store_account_insert(txn, &account);
	if (status == STORE_OK && put->authority == DIRECTORY_BY_INVITE)
		status = invite_use_apply(put->vault, txn, put->invite_id, put->account_id);
	return status;
}

static enum store_status write_key(struct directory_put *put, struct store_txn *txn)
{
	struct store_directory_key row = {.sequence = put->sequence,
					  .change = (uint8_t)put->change,
					  .authority = (uint8_t)put->authority,
					  .signature = {put->signature, put->signature_size},
					  .origin = {(const uint8_t *)put->origin, strlen(put->origin)}};
	enum store_status status;

	memcpy(row.account_id, put->account_id, sizeof(row.account_id));
	row.spki.data = rsakey_public_spki(put->key, &row.spki.size);
	if (put->authority == DIRECTORY_BY_OLD_KEY)
		row.old_signature = (struct store_bytes){put->old_signature, put->old_signature_size};
	status = append(put->vault, txn, &row, put->name);
	put->entry = (struct directory_entry){
		.sequence = row.sequence, .bits = rsakey_public_bits(put->key), .created_ms = row.created_ms};
	memcpy(put->entry.name, put->name, sizeof(put->entry.name));
	memcpy(put->entry.account_id, put->account_id, sizeof(put->entry.account_id));
	rsakey_public_id(put->key, put->entry.fingerprint);
	return status;
}

enum store_status directory_put_apply(struct directory_put *put, struct store_txn *txn, enum core_status *ret_result)
{
	struct directory_put now = *put;
	char proven[DIRECTORY_PROOF_MAX], proof[DIRECTORY_PROOF_MAX];
	enum store_status status = STORE_OK;

	directory_proof(put, proven);
	now.old_key = NULL;
	*ret_result = directory_put_decide(&now, store_txn_view(txn));
	if (*ret_result != CORE_OK)
		goto out;
	directory_proof(&now, proof);
	if (strcmp(proof, proven) != 0 || now.authority != put->authority) {
		*ret_result = CORE_CONFLICT;
		goto out;
	}
	if (now.makes_account)
		status = make_account(&now, txn);
	if (status == STORE_OK)
		status = write_key(&now, txn);
	if (status == STORE_OK && now.change == STORE_KEY_REPLACED)
		status = session_end_all(put->vault, txn, now.account_id);
	put->entry = now.entry;
	put->makes_account = now.makes_account;
out:
	directory_put_done(&now);
	return status;
}

void directory_put_done(struct directory_put *put)
{
	rsakey_public_free(put->old_key);
	put->old_key = NULL;
}

enum store_status directory_remove_apply(const struct vault *vault, struct store_txn *txn, const char *name,
					 const struct principal *principal, struct directory_entry *ret_entry,
					 enum core_status *ret_result)
{
	struct store_directory_key row = {.change = STORE_KEY_REMOVED};
	enum store_status status;

	*ret_result = directory_find(vault, store_txn_view(txn), name, ret_entry, NULL);
	if (*ret_result != CORE_OK)
		return STORE_OK;
	if (!owns(principal, ret_entry->account_id) && !administers(principal)) {
		*ret_result = CORE_FORBIDDEN;
		return STORE_OK;
	}
	row.authority = owns(principal, ret_entry->account_id) ? DIRECTORY_BY_OWNER : DIRECTORY_BY_ADMINISTRATOR;
	row.sequence = ret_entry->sequence + 1;
	memcpy(row.account_id, ret_entry->account_id, sizeof(row.account_id));
	status = append(vault, txn, &row, ret_entry->name);
	if (status == STORE_OK)
		status = session_end_all(vault, txn, ret_entry->account_id);
	return status;
}
