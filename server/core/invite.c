#include "server/core/invite.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "server/core/clock.h"
#include "server/core/rowmac.h"

enum { SECRET_BYTES = 32 };

static const char PURPOSE[] = "coffer-invite-v1";

enum core_status invite_secret(char ret_secret[static INVITE_SECRET_CHARS + 1])
{
	uint8_t value[SECRET_BYTES];
	char text[ENCODE_BASE64_SIZE(SECRET_BYTES)];
	enum core_status status = CORE_INTERNAL;

	if (random_key(value, sizeof(value)) == CRYPTO_OK) {
		encode_base64url(value, sizeof(value), text);
		memcpy(ret_secret, text, INVITE_SECRET_CHARS + 1);
		status = CORE_OK;
	}
	secret_wipe(value, sizeof(value));
	secret_wipe(text, sizeof(text));
	return status;
}

bool invite_hash(const struct vault *vault, const char *secret, uint8_t ret_hash[static 32])
{
	uint8_t input[sizeof(PURPOSE) - 1 + SECRET_BYTES];
	uint8_t *value = input + sizeof(PURPOSE) - 1;
	size_t size = 0;
	bool good;

	memcpy(input, PURPOSE, sizeof(PURPOSE) - 1);
	good = decode_base64url(secret, strlen(secret), value, SECRET_BYTES, &size) && size == SECRET_BYTES;
	if (good)
		mac_compute(&vault->keys->token, input, sizeof(input), ret_hash);
	secret_wipe(input, sizeof(input));
	return good;
}

static bool invite_of(const struct vault *vault, const struct store_invite *row, struct invite *ret_invite)
{
	if (!rowmac_check_invite(vault, row) || row->name.size > DIRECTORY_NAME_MAX)
		return false;
	*ret_invite = (struct invite){.created_ms = row->created_ms,
				      .expires_ms = row->expires_ms,
				      .state = (enum store_invite_state)row->state};
	memcpy(ret_invite->invite_id, row->invite_id, sizeof(ret_invite->invite_id));
	memcpy(ret_invite->name, row->name.data, row->name.size);
	return true;
}

enum core_status invite_find(const struct vault *vault, struct store_view *view, const uint8_t hash[static 32],
			     const char *name, struct invite *ret_invite)
{
	struct store_invite *row = NULL;
	enum store_status status = store_invite_by_hash(view, hash, &row);
	enum core_status result = CORE_OK;

	if (status != STORE_OK)
		return status == STORE_NOT_FOUND ? CORE_INVITE : core_from_store(status);
	if (!invite_of(vault, row, ret_invite))
		result = CORE_DAMAGED;
	else if (ret_invite->state != STORE_INVITE_OPEN || ret_invite->expires_ms <= clock_unix_ms() ||
		 strcmp(ret_invite->name, name) != 0)
		result = CORE_INVITE;
	free(row);
	return result;
}

enum store_status invite_make_apply(const struct vault *vault, struct store_txn *txn, const struct invite *invite,
				    const uint8_t hash[static 32], const struct principal *maker,
				    enum core_status *ret_result)
{
	struct store_account *account = NULL;
	struct store_invite row = {.revision = 1,
				   .state = STORE_INVITE_OPEN,
				   .scopes = SCOPE_PARTNER,
				   .name = {(const uint8_t *)invite->name, strlen(invite->name)},
				   .created_ms = invite->created_ms,
				   .expires_ms = invite->expires_ms};
	enum store_status status = store_account_by_name(store_txn_view(txn), invite->name, &account);

	free(account);
	*ret_result = status == STORE_OK ? CORE_CONFLICT : CORE_OK;
	if (status != STORE_NOT_FOUND)
		return status;
	memcpy(row.invite_id, invite->invite_id, sizeof(row.invite_id));
	memcpy(row.hash, hash, sizeof(row.hash));
	memcpy(row.made_by, maker->account_id, sizeof(row.made_by));
	return rowmac_seal_invite(vault, &row) ? store_invite_insert(txn, &row) : STORE_IO;
}

static enum store_status close_invite(const struct vault *vault, struct store_txn *txn, struct store_invite *row,
				      enum store_invite_state state)
{
	row->state = (uint8_t)state;
	row->revision++;
	return rowmac_seal_invite(vault, row) ? store_invite_update(txn, row) : STORE_IO;
}

enum store_status invite_use_apply(const struct vault *vault, struct store_txn *txn, const uint8_t invite_id[static 16],
				   const uint8_t account_id[static 16])
{
	struct store_invite *row = NULL;
	enum store_status status = store_invite_get(store_txn_view(txn), invite_id, &row);

	if (status != STORE_OK)
		return status;
	if (!rowmac_check_invite(vault, row) || row->state != STORE_INVITE_OPEN) {
		status = STORE_NOT_FOUND;
	} else {
		memcpy(row->used_by, account_id, sizeof(row->used_by));
		status = close_invite(vault, txn, row, STORE_INVITE_USED);
	}
	free(row);
	return status;
}

enum store_status invite_revoke_apply(const struct vault *vault, struct store_txn *txn,
				      const uint8_t invite_id[static 16], enum core_status *ret_result)
{
	struct store_invite *row = NULL;
	enum store_status status = store_invite_get(store_txn_view(txn), invite_id, &row);

	*ret_result = CORE_OK;
	if (status == STORE_NOT_FOUND) {
		*ret_result = CORE_NOT_FOUND;
		return STORE_OK;
	}
	if (status != STORE_OK)
		return status;
	if (!rowmac_check_invite(vault, row))
		*ret_result = CORE_DAMAGED;
	else if (row->state == STORE_INVITE_USED)
		*ret_result = CORE_NOT_FOUND;
	else if (row->state == STORE_INVITE_OPEN)
		status = close_invite(vault, txn, row, STORE_INVITE_REVOKED);
	free(row);
	return status;
}

struct listing {
	const struct vault *vault;
	struct invite *invites;
	size_t count, limit;
	bool damaged;
};

static bool list_one(void *arg, const struct store_invite *row)
{
	struct listing *listing = arg;

	listing->damaged = !invite_of(listing->vault, row, &listing->invites[listing->count]);
	return !listing->damaged && ++listing->count < listing->limit;
}

enum core_status invite_list(const struct vault *vault, struct store_view *view, const uint8_t *after, size_t limit,
			     struct invite *ret_invites, size_t *ret_count)
{
	struct listing listing = {.vault = vault, .invites = ret_invites, .limit = limit};
	const enum store_status status = store_invite_list(view, after, limit, list_one, &listing);

	*ret_count = listing.count;
	if (status != STORE_OK)
		return core_from_store(status);
	return listing.damaged ? CORE_DAMAGED : CORE_OK;
}
