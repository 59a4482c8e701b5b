/* POST and GET /v1/tokens, DELETE /v1/tokens/{id}: for administrators. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "server/api/account_reply.h"
#include "server/api/body.h"
#include "server/api/page.h"
#include "server/core/accounts.h"
#include "server/core/clock.h"
#include "server/core/roles.h"
#include "server/json/json_doc.h"

static void looked_up(struct call *call, enum core_status status)
{
	if (status == CORE_DAMAGED)
		call_alarm(call, "token or account row");
	if (status != CORE_OK)
		call_refuse(call, status);
}

static void put_time(struct json *doc, const char *name, int64_t time_ms)
{
	char text[25];

	if (time_ms == 0)
		return;
	clock_rfc3339(time_ms, text);
	json_text(doc, name, text);
}

static void put_token(struct json *doc, const struct token_entry *entry)
{
	char id[ENCODE_UUID_CHARS + 1], account[ENCODE_UUID_CHARS + 1];

	encode_uuid(entry->id, id);
	encode_uuid(entry->account_id, account);
	json_text(doc, "id", id);
	json_text(doc, "account", account);
	account_reply_names(doc, "scopes", SCOPES, SCOPE_COUNT, entry->scopes);
	json_text(doc, "state", entry->active ? "active" : "revoked");
	json_text(doc, "kind", entry->session ? "login" : "token");
	json_text(doc, "description", entry->description);
	put_time(doc, "created", entry->created_ms);
	put_time(doc, "expires", entry->expires_ms);
	put_time(doc, "used", entry->used_ms);
}

/* ---- making -------------------------------------------------------------------------------------------------------
 */

struct making {
	struct body *body;
	struct token_entry entry;
	char token[ACCOUNT_TOKEN_CHARS + 1];
};

static void make_begin(struct call *call)
{
	call->state = calloc(1, sizeof(struct making));
	if (!call->state)
		call_refuse(call, CORE_NOMEM);
}

static void make_body(struct call *call, const uint8_t *bytes, size_t size, size_t *ret_used)
{
	struct making *making = call->state;

	*ret_used = size;
	body_collect(call, &making->body, API_JSON_MAX, bytes, size);
}

/* Without scopes a token has all of its account's. *ret_found: how the look-up of the account went. */
static enum json_doc_status read_token(struct call *call, struct making *making, const struct json_value *root,
				       enum core_status *ret_found)
{
	static const char *const MEMBERS[] = {"account", "scopes", "expires_in", "description", NULL};
	const struct json_value *scopes = json_doc_member(root, "scopes"), *ttl = json_doc_member(root, "expires_in");
	const struct json_value *description = json_doc_member(root, "description");
	struct account_entry account;
	const char *text;
	size_t size;
	int64_t seconds = 0;
	enum json_doc_status status = json_doc_only(root, MEMBERS);

	if (status == JSON_DOC_OK)
		status = json_doc_string(json_doc_member(root, "account"), 1, DIRECTORY_NAME_MAX, &text, &size);
	if (status != JSON_DOC_OK)
		return status;
	*ret_found = accounts_find(call->api->options.vault, call_view(call), text, &account);
	if (*ret_found != CORE_OK)
		return JSON_DOC_OK;
	memcpy(making->entry.account_id, account.id, sizeof(making->entry.account_id));
	making->entry.scopes = account.scopes;
	if (scopes)
		status = account_read_names(scopes, SCOPES, SCOPE_COUNT, &making->entry.scopes);
	if (status == JSON_DOC_OK && ttl)
		status = json_doc_integer(ttl, 1, INT64_C(100) * 366 * 86400, &seconds);
	making->entry.created_ms = clock_unix_ms();
	if (seconds)
		making->entry.expires_ms = making->entry.created_ms + seconds * 1000;
	if (status == JSON_DOC_OK && description) {
		status = json_doc_string(description, 0, TOKEN_DESCRIPTION_MAX, &text, &size);
		if (status == JSON_DOC_OK)
			memcpy(making->entry.description, text, size + 1);
	}
	return status;
}

static enum call_next make_prepare(struct call *call)
{
	struct making *making = call->state;
	struct json_doc *doc = NULL;
	enum core_status found = CORE_OK;
	enum json_doc_status status = JSON_DOC_SYNTAX;

	call->event.outcome = 201;
	if (making->body)
		status = json_doc_parse(making->body->bytes, making->body->size, &doc);
	if (status == JSON_DOC_OK)
		status = read_token(call, making, json_doc_root(doc), &found);
	json_doc_free(doc);
	if (status != JSON_DOC_OK) {
		http_problem(
			call->x, PROBLEM_BAD_REQUEST,
			"the body is {\"account\": name, \"scopes\": [of records:read, records:write, admin, partner, "
			"audit, break-glass, metrics], \"expires_in\": seconds, \"description\": ...}, all but the "
			"account "
			"optional: %s",
			json_doc_status_text(status));
		call->refused = true;
		return CALL_GO;
	}
	looked_up(call, found);
	if (call->refused)
		return CALL_GO;
	if (account_token_generate(making->token) != CORE_OK ||
	    random_uuid7(making->entry.created_ms, making->entry.id) != CRYPTO_OK)
		call_refuse(call, CORE_INTERNAL);
	making->entry.active = true;
	memcpy(call->event.object_id, making->entry.id, sizeof(call->event.object_id));
	return CALL_GO;
}

static enum store_status make_apply(struct call *call, struct store_txn *txn)
{
	struct making *making = call->state;

	return tokens_add_apply(call->api->options.vault, txn, &making->entry, making->token, &call->result);
}

static void make_finish(struct call *call)
{
	const struct making *making = call->state;
	char id[ENCODE_UUID_CHARS + 1];
	struct json *doc;

	if (call->result != CORE_OK) {
		http_problem(call->x, call_problem(call->result), "the account does not have all of these scopes");
		return;
	}
	doc = json_new();
	put_token(doc, &making->entry);
	json_text(doc, "token", making->token);
	if (!json_reply(call, 201, doc))
		return;
	encode_uuid(making->entry.id, id);
	http_reply_header(call->x, "Location", "/v1/tokens/%s", id);
}

static void make_close(struct call *call, bool completed)
{
	struct making *making = call->state;

	(void)completed;
	if (!making)
		return;
	body_free(call, making->body);
	secret_wipe(making, sizeof(*making));
	free(making);
}

const struct api_steps TOKENS_POST = {
	.action = AUDIT_TOKEN_CREATE,
	.writes = true,
	.changes_accounts = true,
	.begin = make_begin,
	.body = make_body,
	.prepare = make_prepare,
	.apply = make_apply,
	.finish = make_finish,
	.close = make_close,
};

/* ---- listing and revoking -----------------------------------------------------------------------------------------
 */

struct listing {
	size_t limit, count;
	bool of_account;
	char account[DIRECTORY_NAME_MAX + 1];
	struct token_entry entries[];
};

static enum call_next list_prepare(struct call *call)
{
	static const char *const KNOWN[] = {"limit", "after", "account", NULL};
	const char *limit = http_query(call->x, "limit"), *after = http_query(call->x, "after");
	const char *account = http_query(call->x, "account");
	struct account_entry owner = {.active = false};
	struct listing *listing;
	uint64_t most = PAGE_LIMIT_DEFAULT;
	uint8_t id[16];

	call->event.outcome = 200;
	if (!http_query_only(call->x, KNOWN) || (limit && !page_number(limit, PAGE_LIMIT_MAX, &most)) ||
	    (after && !decode_uuid(after, id))) {
		http_problem(call->x, PROBLEM_BAD_REQUEST,
			     "the query takes limit (1 to 1000), after (an id) and account (a name), once each");
		call->refused = true;
		return CALL_GO;
	}
	if (account)
		looked_up(call, accounts_find(call->api->options.vault, call_view(call), account, &owner));
	listing = call->refused ? NULL : malloc(sizeof(*listing) + (most + 1) * sizeof(listing->entries[0]));
	if (call->refused)
		return CALL_GO;
	if (!listing) {
		call_refuse(call, CORE_NOMEM);
		return CALL_GO;
	}
	call->state = listing;
	listing->limit = (size_t)most;
	listing->of_account = account != NULL;
	memcpy(listing->account, owner.name, sizeof(listing->account));
	looked_up(call, tokens_list(call->api->options.vault, call_view(call), account ? owner.id : NULL,
				    after ? id : NULL, listing->limit + 1, listing->entries, &listing->count));
	return CALL_GO;
}

static void list_finish(struct call *call)
{
	const struct listing *listing = call->state;
	const size_t shown = listing->count < listing->limit ? listing->count : listing->limit;
	const bool more = listing->count > listing->limit;
	char next[ENCODE_UUID_CHARS + 1];
	struct json *doc = json_new();

	json_open_array(doc, "tokens");
	for (size_t i = 0; i < shown; i++) {
		json_open_object(doc, NULL);
		put_token(doc, &listing->entries[i]);
		json_close(doc);
	}
	json_close(doc);
	if (more) {
		encode_uuid(listing->entries[shown - 1].id, next);
		json_text(doc, "next", next);
	}
	if (!json_reply(call, 200, doc) || !more)
		return;
	http_reply_header(call->x, "Link", "</v1/tokens?limit=%zu&after=%s%s%s>; rel=\"next\"", listing->limit, next,
			  listing->of_account ? "&account=" : "", listing->account);
}

static void list_close(struct call *call, bool completed)
{
	(void)completed;
	free(call->state);
}

const struct api_steps TOKENS_LIST = {
	.action = AUDIT_TOKEN_LIST,
	.prepare = list_prepare,
	.finish = list_finish,
	.close = list_close,
};

static void revoke_begin(struct call *call)
{
	uint8_t id[16];

	call->event.outcome = 204;
	(void)call_record_id(call, id);
}

static enum store_status revoke_apply(struct call *call, struct store_txn *txn)
{
	return tokens_revoke_apply(call->api->options.vault, txn, call->event.object_id, &call->result);
}

static void revoke_finish(struct call *call)
{
	if (call->result == CORE_OK)
		http_reply_empty(call->x, 204);
	else
		call_refuse(call, call->result);
}

const struct api_steps TOKENS_DELETE = {
	.action = AUDIT_TOKEN_REVOKE,
	.changes_accounts = true,
	.begin = revoke_begin,
	.apply = revoke_apply,
	.finish = revoke_finish,
};
