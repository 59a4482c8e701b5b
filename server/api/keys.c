/* GET and DELETE /v1/keys/{name}; GET /v1/kek and GET /v1/ca. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/conditional.h"
#include "server/api/key_reply.h"
#include "server/api/key_text.h"

/* ---- one key ------------------------------------------------------------------------------------------------------
 */

struct getting {
	struct directory_entry entry;
	struct rsakey_public *key;
};

static enum call_next get_prepare(struct call *call)
{
	struct getting *getting = calloc(1, sizeof(*getting));

	if (!getting) {
		call_refuse(call, CORE_NOMEM);
		return CALL_GO;
	}
	call->state = getting;
	call->event.outcome = 200;
	key_looked_up(call, directory_find(call->api->options.vault, call_view(call), http_param(call->x, 0),
					   &getting->entry, &getting->key));
	memcpy(call->event.object_id, getting->entry.account_id, sizeof(call->event.object_id));
	call->event.version = getting->entry.sequence;
	return CALL_GO;
}

static void get_finish(struct call *call)
{
	const struct getting *getting = call->state;
	const bool jwk = key_text_wants_jwk(call->x);
	const char *const known = http_header(call->x, "If-None-Match", NULL);
	char tag[40];

	snprintf(tag, sizeof(tag), "%" PRIu64 "%s", getting->entry.sequence, jwk ? "-jwk" : "");
	if (known && etag_list_has(known, tag)) {
		http_reply_empty(call->x, 304);
		http_reply_header(call->x, "Vary", "Accept");
	} else {
		key_text_reply(call, getting->key, jwk);
	}
	http_reply_header(call->x, "ETag", "\"%s\"", tag);
	http_reply_header(call->x, "Coffer-Key-Sequence", "%" PRIu64, getting->entry.sequence);
}

static void get_close(struct call *call, bool completed)
{
	struct getting *getting = call->state;

	(void)completed;
	if (getting)
		rsakey_public_free(getting->key);
	free(getting);
}

const struct api_steps KEYS_GET = {
	.action = AUDIT_KEY_READ,
	.prepare = get_prepare,
	.finish = get_finish,
	.close = get_close,
};

static enum store_status delete_apply(struct call *call, struct store_txn *txn)
{
	struct directory_entry entry = {0};
	enum store_status status = directory_remove_apply(call->api->options.vault, txn, http_param(call->x, 0),
							  &call->principal, &entry, &call->result);

	memcpy(call->event.object_id, entry.account_id, sizeof(call->event.object_id));
	call->event.version = call->result == CORE_OK ? entry.sequence + 1 : entry.sequence;
	call->event.outcome = 204;
	return status;
}

static void delete_finish(struct call *call)
{
	if (call->result == CORE_OK)
		http_reply_empty(call->x, 204);
	else
		key_looked_up(call, call->result);
}

const struct api_steps KEYS_DELETE = {
	.action = AUDIT_KEY_REMOVE,
	.changes_accounts = true,
	.apply = delete_apply,
	.finish = delete_finish,
};

/* ---- the server's own ---------------------------------------------------------------------------------------------
 */

static void kek_finish(struct call *call)
{
	key_text_reply(call, call->api->options.vault->kek_public, key_text_wants_jwk(call->x));
}

const struct api_steps SERVICE_KEK = {.finish = kek_finish};

static void ca_finish(struct call *call)
{
	const char *pem = call->api->options.ca_pem;

	if (pem)
		http_reply_bytes(call->x, 200, KEY_TEXT_PEM, pem, strlen(pem));
	else
		call_refuse(call, CORE_NOT_FOUND);
}

const struct api_steps SERVICE_CA = {.finish = ca_finish};
