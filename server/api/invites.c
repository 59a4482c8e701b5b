/* POST and GET /v1/invites, DELETE /v1/invites/{id}: for administrators. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "server/api/body.h"
#include "server/api/origin.h"
#include "server/api/page.h"
#include "server/core/clock.h"
#include "server/core/invite.h"
#include "server/json/json_doc.h"

static const char *const STATES[] = {
	[STORE_INVITE_OPEN] = "open", [STORE_INVITE_USED] = "used", [STORE_INVITE_REVOKED] = "revoked"};

static void put_members(struct json *doc, const struct invite *invite)
{
	char id[ENCODE_UUID_CHARS + 1], created[25], expires[25];

	encode_uuid(invite->invite_id, id);
	clock_rfc3339(invite->created_ms, created);
	clock_rfc3339(invite->expires_ms, expires);
	json_text(doc, "id", id);
	json_text(doc, "name", invite->name);
	json_text(doc, "role", "partner");
	json_text(doc, "state", STATES[invite->state]);
	json_text(doc, "created", created);
	json_text(doc, "expires", expires);
}

/* ---- making -------------------------------------------------------------------------------------------------------
 */

struct making {
	struct body *body;
	char origin[DIRECTORY_ORIGIN_MAX + 1];
	struct invite invite;
	uint8_t hash[32];
	char secret[INVITE_SECRET_CHARS + 1];
};

static void make_begin(struct call *call)
{
	struct making *making = calloc(1, sizeof(*making));

	call->state = making;
	if (!making)
		call_refuse(call, CORE_NOMEM);
	else
		(void)call_origin(call, making->origin);
}

static void make_body(struct call *call, const uint8_t *bytes, size_t size, size_t *ret_used)
{
	struct making *making = call->state;

	*ret_used = size;
	body_collect(call, &making->body, API_JSON_MAX, bytes, size);
}

static bool read_invite(struct call *call, struct making *making)
{
	static const char *const MEMBERS[] = {"name", "expires_in", NULL};
	const int64_t ttl_max = call->api->options.invite_ttl_ms / 1000;
	struct json_doc *doc = NULL;
	const struct json_value *root = NULL, *expires;
	const char *name;
	size_t size;
	int64_t seconds = ttl_max;
	enum json_doc_status status = JSON_DOC_SYNTAX;

	if (making->body)
		status = json_doc_parse(making->body->bytes, making->body->size, &doc);
	if (status == JSON_DOC_OK) {
		root = json_doc_root(doc);
		status = json_doc_only(root, MEMBERS);
	}
	if (status == JSON_DOC_OK)
		status = json_doc_string(json_doc_member(root, "name"), 1, DIRECTORY_NAME_MAX, &name, &size);
	if (status == JSON_DOC_OK && !directory_name(name, making->invite.name))
		status = JSON_DOC_RANGE;
	expires = status == JSON_DOC_OK ? json_doc_member(root, "expires_in") : NULL;
	if (expires)
		status = json_doc_integer(expires, 1, ttl_max, &seconds);
	json_doc_free(doc);
	making->invite.created_ms = clock_unix_ms();
	making->invite.expires_ms = making->invite.created_ms + seconds * 1000;
	if (status == JSON_DOC_OK)
		return true;
	http_problem(call->x, PROBLEM_BAD_REQUEST,
		     "the body is {\"name\": ..., \"expires_in\": seconds, at most %" PRId64 "}: %s", ttl_max,
		     json_doc_status_text(status));
	call->refused = true;
	return false;
}

static enum call_next make_prepare(struct call *call)
{
	struct making *making = call->state;

	call->event.outcome = 201;
	if (!read_invite(call, making))
		return CALL_GO;
	making->invite.state = STORE_INVITE_OPEN;
	if (random_uuid7(making->invite.created_ms, making->invite.invite_id) != CRYPTO_OK ||
	    invite_secret(making->secret) != CORE_OK ||
	    !invite_hash(call->api->options.vault, making->secret, making->hash))
		call_refuse(call, CORE_INTERNAL);
	memcpy(call->event.object_id, making->invite.invite_id, sizeof(call->event.object_id));
	return CALL_GO;
}

static enum store_status make_apply(struct call *call, struct store_txn *txn)
{
	struct making *making = call->state;

	return invite_make_apply(call->api->options.vault, txn, &making->invite, making->hash, &call->principal,
				 &call->result);
}

/* "coffer-invite-v1." and base64url of the members; NULL when memory runs out. To be wiped. */
static char *invite_text(const struct call *call, const struct making *making)
{
	static const char PREFIX[] = "coffer-invite-v1.";
	struct json *doc = json_new();
	char *members, *text = NULL;
	size_t size;

	json_text(doc, "origin", making->origin);
	json_text(doc, "ca", call->api->options.ca_fingerprint ? call->api->options.ca_fingerprint : "");
	json_text(doc, "name", making->invite.name);
	json_text(doc, "role", "partner");
	json_text(doc, "secret", making->secret);
	members = json_print(doc, &size);
	json_free(doc);
	if (!members)
		return NULL;
	text = malloc(sizeof(PREFIX) + ENCODE_BASE64_SIZE(size));
	if (text) {
		memcpy(text, PREFIX, sizeof(PREFIX));
		encode_base64url(members, size, text + sizeof(PREFIX) - 1);
	}
	secret_wipe(members, size);
	free(members);
	return text;
}

static void make_finish(struct call *call)
{
	const struct making *making = call->state;
	char id[ENCODE_UUID_CHARS + 1];
	struct json *doc;
	char *text;

	if (call->result != CORE_OK) {
		http_problem(call->x, call_problem(call->result), "the name is taken");
		return;
	}
	text = invite_text(call, making);
	if (!text) {
		call_refuse(call, CORE_NOMEM);
		return;
	}
	doc = json_new();
	put_members(doc, &making->invite);
	json_text(doc, "invite", text);
	secret_wipe(text, strlen(text));
	free(text);
	if (!json_reply(call, 201, doc))
		return;
	encode_uuid(making->invite.invite_id, id);
	http_reply_header(call->x, "Location", "/v1/invites/%s", id);
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

const struct api_steps INVITES_POST = {
	.action = AUDIT_INVITE_CREATE,
	.writes = true,
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
	struct invite invites[];
};

static enum call_next list_prepare(struct call *call)
{
	struct listing *listing;
	enum core_status status;
	const char *after;
	uint8_t id[16];
	size_t limit;

	if (!page_query(call, &limit, &after))
		return CALL_GO;
	if (after && !decode_uuid(after, id)) {
		http_problem(call->x, PROBLEM_BAD_REQUEST, "after takes the id that the page before ended with");
		call->refused = true;
		return CALL_GO;
	}
	listing = malloc(sizeof(*listing) + (limit + 1) * sizeof(listing->invites[0]));
	if (!listing) {
		call_refuse(call, CORE_NOMEM);
		return CALL_GO;
	}
	call->state = listing;
	call->event.outcome = 200;
	listing->limit = limit;
	status = invite_list(call->api->options.vault, call_view(call), after ? id : NULL, limit + 1, listing->invites,
			     &listing->count);
	if (status == CORE_DAMAGED)
		call_alarm(call, "invite row");
	if (status != CORE_OK)
		call_refuse(call, status);
	return CALL_GO;
}

static void list_finish(struct call *call)
{
	const struct listing *listing = call->state;
	const size_t shown = listing->count < listing->limit ? listing->count : listing->limit;
	char next[ENCODE_UUID_CHARS + 1];
	struct json *doc = json_new();

	json_open_array(doc, "invites");
	for (size_t i = 0; i < shown; i++) {
		json_open_object(doc, NULL);
		put_members(doc, &listing->invites[i]);
		json_close(doc);
	}
	json_close(doc);
	if (listing->count > listing->limit)
		encode_uuid(listing->invites[shown - 1].invite_id, next);
	page_reply(call, doc, "/v1/invites", listing->limit, listing->count > listing->limit ? next : NULL);
}

static void list_close(struct call *call, bool completed)
{
	(void)completed;
	free(call->state);
}

const struct api_steps INVITES_LIST = {
	.action = AUDIT_INVITE_LIST,
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
	return invite_revoke_apply(call->api->options.vault, txn, call->event.object_id, &call->result);
}

static void revoke_finish(struct call *call)
{
	if (call->result == CORE_OK)
		http_reply_empty(call->x, 204);
	else
		call_refuse(call, call->result);
}

const struct api_steps INVITES_DELETE = {
	.action = AUDIT_INVITE_REVOKE,
	.begin = revoke_begin,
	.apply = revoke_apply,
	.finish = revoke_finish,
};
