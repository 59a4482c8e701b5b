#include "server/core/session.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/random.h"
#include "server/core/clock.h"
#include "server/core/rowmac.h"

enum { GRAINS = 30, TOKEN_GRAIN_MS = 3600 * 1000 };

static int64_t grain_of(const struct store_token *row)
{
	return row->idle_ms > 0 ? row->idle_ms / GRAINS : TOKEN_GRAIN_MS;
}

bool session_is_idle(const struct store_token *row, int64_t now_ms)
{
	return row->idle_ms != 0 && row->used_ms + row->idle_ms + grain_of(row) <= now_ms;
}

int64_t session_look_again(const struct store_token *row, int64_t now_ms)
{
	/* When the next use is due to be written down: counted from this one, if session_touch() now does. */
	const int64_t counted_from = now_ms - row->used_ms < grain_of(row) ? row->used_ms : now_ms;
	const int64_t again = counted_from + grain_of(row);

	return row->idle_ms == 0 || (row->expires_ms != 0 && row->expires_ms < again) ? row->expires_ms : again;
}

/* ---- uses ----------------------------------------------------------------------------------------------------------
 */

struct touch {
	struct store_job job; /* first: apply() is handed a pointer to it */
	const struct vault *vault;
	uint8_t token_id[16];
	int64_t now_ms;
};

static enum store_status touch_apply(struct store_job *job, struct store_txn *txn)
{
	struct touch *touch = (struct touch *)job;
	struct store_token *row = NULL;
	enum store_status status = store_token_get(store_txn_view(txn), touch->token_id, &row);

	/* One that has ended, or was touched in the meantime, stays as it is. */
	if (status == STORE_OK && row->state == ROW_ACTIVE && rowmac_check_token(touch->vault, row) &&
	    !session_is_idle(row, touch->now_ms) && touch->now_ms - row->used_ms >= grain_of(row)) {
		row->used_ms = touch->now_ms;
		row->revision++;
		status = rowmac_seal_token(touch->vault, row) ? store_token_update(txn, row) : STORE_IO;
	}
	free(row);
	return status == STORE_NOT_FOUND ? STORE_OK : status;
}

static void touch_done(struct store_job *job, enum store_status outcome)
{
	(void)outcome; /* nobody waits: the next use tries again */
	free(job);
}

void session_touch(const struct vault *vault, const struct store_token *row, int64_t now_ms)
{
	struct touch *touch;

	if (now_ms - row->used_ms < grain_of(row))
		return;
	touch = calloc(1, sizeof(*touch));
	if (!touch)
		return;
	touch->job = (struct store_job){.apply = touch_apply, .done = touch_done};
	touch->vault = vault;
	memcpy(touch->token_id, row->token_id, sizeof(touch->token_id));
	touch->now_ms = now_ms;
	if (store_submit(vault->store, &touch->job) != STORE_OK)
		free(touch);
}

/* ---- beginning and ending ------------------------------------------------------------------------------------------
 */

enum store_status session_open_apply(const struct vault *vault, struct store_txn *txn, struct session_open *open,
				     enum core_status *ret_result)
{
	static const char DESCRIPTION[] = "login";
	const int64_t now = clock_unix_ms();
	struct store_account *account = NULL;
	struct store_token row = {.revision = 1,
				  .state = ROW_ACTIVE,
				  .created_ms = now,
				  .used_ms = now,
				  .idle_ms = open->idle_ms,
				  .expires_ms = now + open->ttl_ms,
				  .description = {(const uint8_t *)DESCRIPTION, sizeof(DESCRIPTION) - 1}};
	enum store_status status = store_account_get(store_txn_view(txn), open->account_id, &account);

	if (status != STORE_OK)
		return status;
	*ret_result = !rowmac_check_account(vault, account) ? CORE_DAMAGED
		      : account->state != ROW_ACTIVE	    ? CORE_DENIED
							    : CORE_OK;
	if (*ret_result != CORE_OK)
		goto out;
	row.scopes = account->scopes;
	memcpy(row.account_id, open->account_id, sizeof(row.account_id));
	memcpy(row.token_id, open->token_id, sizeof(row.token_id));
	open->expires_ms = row.expires_ms;
	status = account_token_hash(vault, open->token, row.hash) && rowmac_seal_token(vault, &row)
			 ? store_token_insert(txn, &row)
			 : STORE_IO;
out:
	free(account);
	return status;
}

static enum store_status revoke(const struct vault *vault, struct store_txn *txn, struct store_token *row)
{
	row->state = ROW_REVOKED;
	row->revision++;
	return rowmac_seal_token(vault, row) ? store_token_update(txn, row) : STORE_IO;
}

enum store_status session_end_apply(const struct vault *vault, struct store_txn *txn, const uint8_t token_id[static 16],
				    enum core_status *ret_result)
{
	struct store_token *row = NULL;
	enum store_status status = store_token_get(store_txn_view(txn), token_id, &row);

	*ret_result = CORE_OK;
	if (status == STORE_NOT_FOUND) {
		*ret_result = CORE_CONFLICT; /* not by a token, but by a certificate */
		return STORE_OK;
	}
	if (status != STORE_OK)
		return status;
	if (!rowmac_check_token(vault, row))
		*ret_result = CORE_DAMAGED;
	else if (row->idle_ms == 0)
		*ret_result = CORE_CONFLICT;
	else if (row->state == ROW_ACTIVE)
		status = revoke(vault, txn, row);
	free(row);
	return status;
}

enum store_status session_end_all(const struct vault *vault, struct store_txn *txn, const uint8_t account_id[static 16])
{
	enum store_status status;

	do {
		struct store_token *row = NULL;

		status = store_token_session(store_txn_view(txn), account_id, &row);
		/* Whatever its MAC: what is written ends it, and a forged row ends with the real ones. */
		if (status == STORE_OK)
			status = revoke(vault, txn, row);
		free(row);
	} while (status == STORE_OK);
	return status == STORE_NOT_FOUND ? STORE_OK : status;
}
