#include "server/core/certificate.h"

#include <stdlib.h>
#include <string.h>

#include "server/core/directory.h"
#include "server/core/metrics.h"
#include "server/core/principals.h"
#include "server/core/rowmac.h"

static const char PURPOSE[] = "client certificate";

/* What it is remembered by: longer than what a token's hash is of, so that it is no token's. */
static void cache_key(const struct vault *vault, const uint8_t fingerprint[static 32], uint8_t ret_key[static 32])
{
	uint8_t bytes[sizeof(PURPOSE) + 32];

	memcpy(bytes, PURPOSE, sizeof(PURPOSE));
	memcpy(bytes + sizeof(PURPOSE), fingerprint, 32);
	mac_compute(&vault->keys->token, bytes, sizeof(bytes), ret_key);
}

/* *account: what an earlier name named, or NULL. */
static enum core_status find(struct store_view *view, const char *text, struct store_account **account)
{
	char name[DIRECTORY_NAME_MAX + 1];
	struct store_account *row = NULL;
	enum store_status status;
	bool other;

	if (!directory_name(text, name))
		return CORE_OK;
	status = store_account_by_name(view, name, &row);
	if (status == STORE_NOT_FOUND)
		return CORE_OK;
	if (status != STORE_OK)
		return core_from_store(status);
	other = *account && memcmp((*account)->account_id, row->account_id, sizeof(row->account_id)) != 0;
	free(*account);
	*account = row;
	return other ? CORE_DENIED : CORE_OK;
}

enum core_status certificate_authenticate(const struct vault *vault, struct store_view *view, const char *const *names,
					  size_t count, const uint8_t fingerprint[static 32],
					  struct principal *ret_principal)
{
	struct store_account *account = NULL;
	enum core_status status = CORE_OK;
	uint64_t generation;
	uint8_t key[32];

	cache_key(vault, fingerprint, key);
	if (vault->principals && principals_find(vault->principals, key, ret_principal)) {
		metrics_count(vault->metrics, METRIC_TOKEN_CACHE_HIT, 1);
		return CORE_OK;
	}
	metrics_count(vault->metrics, METRIC_TOKEN_CACHE_MISS, 1);
	generation = vault->principals ? principals_generation(vault->principals) : 0;
	for (size_t i = 0; i < count && status == CORE_OK; i++)
		status = find(view, names[i], &account);
	if (status == CORE_OK && (!account || account->state != ROW_ACTIVE))
		status = CORE_DENIED;
	if (status == CORE_OK && !rowmac_check_account(vault, account))
		status = CORE_DAMAGED;
	if (status == CORE_OK) {
		*ret_principal = (struct principal){.scopes = account->scopes | SCOPE_ANY_ACCOUNT};
		memcpy(ret_principal->account_id, account->account_id, sizeof(ret_principal->account_id));
		memcpy(ret_principal->token_id, fingerprint, sizeof(ret_principal->token_id));
		if (vault->principals)
			principals_keep(vault->principals, generation, key, ret_principal, 0);
	}
	free(account);
	return status;
}
