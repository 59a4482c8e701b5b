#include "server/core/account.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "server/core/audit.h"
#include "server/core/clock.h"
#include "server/core/metrics.h"
#include "server/core/principals.h"
#include "server/core/rowmac.h"
#include "server/core/session.h"

enum { TOKEN_BYTES = 32 };

static const char TOKEN_PREFIX[] = "coffer_";

bool account_token_hash(const struct vault *vault, const char *token, uint8_t ret_hash[static 32])
{
	uint8_t value[TOKEN_BYTES];
	size_t size = 0;
	bool good;

	if (strncmp(token, TOKEN_PREFIX, sizeof(TOKEN_PREFIX) - 1) != 0)
		return false;
	token += sizeof(TOKEN_PREFIX) - 1;
	good = decode_base64url(token, strlen(token), value, sizeof(value), &size) && size == sizeof(value);
	if (good)
		mac_compute(&vault->keys->token, value, sizeof(value), ret_hash);
	secret_wipe(value, sizeof(value));
	return good;
}

static enum core_status read_rows(struct store_view *view, const uint8_t hash[static 32],
				  struct store_token **ret_token, struct store_account **ret_account)
{
	enum store_status status = store_view_begin(view);

	if (status != STORE_OK)
		return core_from_store(status);
	status = store_token_by_hash(view, hash, ret_token);
	if (status == STORE_NOT_FOUND) {
		store_view_end(view);
		return CORE_DENIED;
	}
	if (status == STORE_OK)
		status = store_account_get(view, (*ret_token)->account_id, ret_account);
	store_view_end(view);
	/* A token without its account is a row that somebody removed. */
	return status == STORE_NOT_FOUND ? CORE_DAMAGED : core_from_store(status);
}

enum core_status account_authenticate(const struct vault *vault, struct store_view *view, const char *token,
				      struct principal *ret_principal)
{
	struct store_token *row = NULL;
	struct store_account *account = NULL;
	enum core_status status;
	const int64_t now = clock_unix_ms();
	uint64_t generation;
	uint8_t hash[32];

	if (!account_token_hash(vault, token, hash))
		return CORE_DENIED;
	if (vault->principals && principals_find(vault->principals, hash, ret_principal)) {
		metrics_count(vault->metrics, METRIC_TOKEN_CACHE_HIT, 1);
		return CORE_OK;
	}
	metrics_count(vault->metrics, METRIC_TOKEN_CACHE_MISS, 1);
	generation = vault->principals ? principals_generation(vault->principals) : 0;
	status = read_rows(view, hash, &row, &account);
	if (status != CORE_OK)
		goto out;
	if (!rowmac_check_token(vault, row) || !rowmac_check_account(vault, account)) {
		status = CORE_DAMAGED;
		goto out;
	}
	if (row->state != ROW_ACTIVE || account->state != ROW_ACTIVE ||
	    (row->expires_ms != 0 && row->expires_ms <= now) || session_is_idle(row, now)) {
		status = CORE_DENIED;
		goto out;
	}
	session_touch(vault, row, now);
	memcpy(ret_principal->account_id, account->account_id, sizeof(ret_principal->account_id));
	memcpy(ret_principal->token_id, row->token_id, sizeof(ret_principal->token_id));
	ret_principal->since_ms = row->created_ms;
	ret_principal->emergency = false;
	ret_principal->scopes = (row->scopes & account->scopes) | SCOPE_ANY_ACCOUNT;
	if (vault->principals)
		principals_keep(vault->principals, generation, hash, ret_principal, session_look_again(row, now));
out:
	free(row);
	free(account);
	return status;
}

struct create_admin {
	struct store_job job; /* first: apply() is handed a pointer to it */
	const struct vault *vault;
	struct store_account account;
	struct store_token token;
};

static enum store_status create_admin_apply(struct store_job *job, struct store_txn *txn)
{
	struct create_admin *create = (struct create_admin *)job;
	struct audit_event event = {.time_ms = create->account.created_ms, .action = AUDIT_STORE_CREATED};
	enum store_status status = store_account_insert(txn, &create->account);

	memcpy(event.object_id, create->account.account_id, sizeof(event.object_id));
	if (status == STORE_OK)
		status = store_token_insert(txn, &create->token);
	return status == STORE_OK ? audit_append(create->vault, txn, &event) : status;
}

static void create_admin_settled(struct store_job *job, bool committed)
{
	const struct vault *vault = ((struct create_admin *)job)->vault;

	audit_settled(vault, committed);
	if (vault->principals)
		principals_forget(vault->principals);
}

static struct store_bytes text_bytes(const char *text)
{
	return (struct store_bytes){(const uint8_t *)text, strlen(text)};
}

enum core_status account_token_generate(char ret_token[static ACCOUNT_TOKEN_CHARS + 1])
{
	uint8_t value[TOKEN_BYTES];
	char text[ENCODE_BASE64_SIZE(TOKEN_BYTES)];
	enum core_status status = CORE_INTERNAL;

	if (random_key(value, sizeof(value)) != CRYPTO_OK)
		goto out;
	encode_base64url(value, sizeof(value), text);
	memcpy(ret_token, TOKEN_PREFIX, sizeof(TOKEN_PREFIX) - 1);
	memcpy(ret_token + sizeof(TOKEN_PREFIX) - 1, text, strlen(text) + 1);
	status = CORE_OK;
out:
	secret_wipe(value, sizeof(value));
	secret_wipe(text, sizeof(text));
	return status;
}

enum core_status account_create_admin(struct vault *vault, const char *token)
{
	const uint32_t scopes = SCOPE_RECORDS_READ | SCOPE_RECORDS_WRITE | SCOPE_ADMIN | SCOPE_AUDIT;
	struct create_admin create = {
		.job = {.apply = create_admin_apply, .settled = create_admin_settled},
		.vault = vault,
		.account = {.revision = 1, .state = ROW_ACTIVE, .scopes = scopes, .name = text_bytes("admin")},
		.token = {.revision = 1,
			  .state = ROW_ACTIVE,
			  .scopes = scopes,
			  .description = text_bytes("made at the first start")},
	};
	int64_t now = clock_unix_ms();

	create.account.created_ms = create.token.created_ms = now;
	if (random_uuid7(now, create.account.account_id) != CRYPTO_OK ||
	    random_uuid7(now, create.token.token_id) != CRYPTO_OK ||
	    !account_token_hash(vault, token, create.token.hash))
		return CORE_INTERNAL;
	memcpy(create.token.account_id, create.account.account_id, sizeof(create.token.account_id));
	if (!rowmac_seal_account(vault, &create.account) || !rowmac_seal_token(vault, &create.token))
		return CORE_INTERNAL;
	return core_from_store(store_run(vault->store, &create.job));
}
