/* GET /v1/records/{id}/grants, PUT and DELETE of one: for the owner of the record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/api/body.h"
#include "server/api/page.h"
#include "server/core/clock.h"
#include "server/core/grants.h"
#include "server/json/json_doc.h"

static const struct {
	const char *name;
	enum record_right right;
} RIGHTS[] = {{"read", RECORD_READ}, {"write", RECORD_WRITE}};
enum { RIGHT_COUNT = sizeof(RIGHTS) / sizeof(RIGHTS[0]) };

static void put_grant(struct json *doc, const struct grant_entry *entry)
{
	char created[25], changed[25];

	clock_rfc3339(entry->created_ms, created);
	clock_rfc3339(entry->changed_ms, changed);
	json_text(doc, "account", entry->account);
	json_open_array(doc, "rights");
	for (size_t i = 0; i < RIGHT_COUNT; i++)
		if (entry->rights & RIGHTS[i].right)
			json_item(doc, RIGHTS[i].name);
	json_close(doc);
	json_text(doc, "created", created);
	json_text(doc, "changed", changed);
}

static void looked_up(struct call *call, enum core_status status)
{
	if (status == CORE_DAMAGED)
		call_alarm(call, "version, grant or account row");
	if (status != CORE_OK)
		call_refuse(call, status);
}

/* ---- giving and withdrawing ----------------------------------------------------------------------------------------
 */

struct granting {
	struct body *body;
	unsigned rights; /* 0: withdraws */
	struct grant_entry entry;
};

static void grant_begin(struct call *call)
{
	uint8_t id[16];

	call->state = calloc(1, sizeof(struct granting));
	if (!call->state)
		call_refuse(call, CORE_NOMEM);
	else
		(void)call_record_id(call, id);
}

static void grant_body(struct call *call, const uint8_t *bytes, size_t size, size_t *ret_used)
{
	struct granting *granting = call->state;

	*ret_used = size;
	body_collect(call, &granting->body, API_JSON_MAX, bytes, size);
}

static enum json_doc_status read_rights(const struct json_value *value, unsigned *ret_rights)
{
	const struct json_value *item = NULL;
	enum json_doc_status status = json_doc_array(value, 1, 8, &item);

	for (; status == JSON_DOC_OK && item; item = json_doc_next(item)) {
		const char *name;
		size_t size, i = 0;

		status = json_doc_string(item, 1, 16, &name, &size);
		while (status == JSON_DOC_OK && i < RIGHT_COUNT && strcmp(RIGHTS[i].name, name) != 0)
			i++;
		if (status == JSON_DOC_OK && i == RIGHT_COUNT)
			status = JSON_DOC_RANGE;
		else if (status == JSON_DOC_OK)
			*ret_rights |= RIGHTS[i].right;
	}
	return status;
}

static enum call_next put_prepare(struct call *call)
{
	static const char *const MEMBERS[] = {"rights", NULL};
	struct granting *granting = call->state;
	struct json_doc *doc = NULL;
	enum json_doc_status status = JSON_DOC_SYNTAX;

	call->event.outcome = 200;
	if (granting->body)
		status = json_doc_parse(granting->body->bytes, granting->body->size, &doc);
	if (status == JSON_DOC_OK)
		status = json_doc_only(json_doc_root(doc), MEMBERS);
	if (status == JSON_DOC_OK)
		status = read_rights(json_doc_member(json_doc_root(doc), "rights"), &granting->rights);
	json_doc_free(doc);
	if (status == JSON_DOC_OK)
		return CALL_GO;
	http_problem(call->x, PROBLEM_BAD_REQUEST, "the body is {\"rights\": [read, write, or both]}: %s",
		     json_doc_status_text(status));
	call->refused = true;
	return CALL_GO;
}

static enum call_next delete_prepare(struct call *call)
{
	call->event.outcome = 204;
	return CALL_GO;
}

static enum store_status grant_apply(struct call *call, struct store_txn *txn)
{
	struct granting *granting = call->state;

	return grants_put_apply(call->api->options.vault, txn, &call->principal, call->event.object_id,
				http_param(call->x, 1), granting->rights, &granting->entry, &call->result);
}

static void grant_finish(struct call *call)
{
	const struct granting *granting = call->state;
	struct json *doc;

	if (call->result == CORE_CONFLICT) {
		http_problem(call->x, PROBLEM_CONFLICT, "the record is its owner's own");
	} else if (call->result != CORE_OK) {
		looked_up(call, call->result);
	} else if (granting->rights == 0) {
		http_reply_empty(call->x, 204);
	} else {
		doc = json_new();
		put_grant(doc, &granting->entry);
		(void)json_reply(call, 200, doc);
	}
}

static void grant_close(struct call *call, bool completed)
{
	struct granting *granting = call->state;

	(void)completed;
	if (granting)
		body_free(call, granting->body);
	free(granting);
}

const struct api_steps GRANTS_PUT = {
	.action = AUDIT_GRANT_PUT,
	.writes = true,
	.begin = grant_begin,
	.body = grant_body,
	.prepare = put_prepare,
	.apply = grant_apply,
	.finish = grant_finish,
	.close = grant_close,
};

const struct api_steps GRANTS_DELETE = {
	.action = AUDIT_GRANT_REVOKE,
	.begin = grant_begin,
	.prepare = delete_prepare,
	.apply = grant_apply,
	.finish = grant_finish,
	.close = grant_close,
};

/* ---- listing ------------------------------------------------------------------------------------------------------
 */

struct listing {
	size_t limit, count;
	struct grant_entry entries[];
};

static enum call_next list_prepare(struct call *call)
{
	struct listing *listing;
	const char *after;
	uint8_t id[16], from[16];
	size_t limit;

	call->event.outcome = 200;
	if (!call_record_id(call, id) || !page_query(call, &limit, &after))
		return CALL_GO;
	if (after && !decode_uuid(after, from)) {
		http_problem(call->x, PROBLEM_BAD_REQUEST,
			     "after takes the account id that the page before ended with");
		call->refused = true;
		return CALL_GO;
	}
	listing = malloc(sizeof(*listing) + (limit + 1) * sizeof(listing->entries[0]));
	if (!listing) {
		call_refuse(call, CORE_NOMEM);
		return CALL_GO;
	}
	call->state = listing;
	listing->limit = limit;
	looked_up(call, grants_list(call->api->options.vault, call_view(call), &call->principal, id,
				    after ? from : NULL, limit + 1, listing->entries, &listing->count));
	return CALL_GO;
}

static void list_finish(struct call *call)
{
	const struct listing *listing = call->state;
	const size_t shown = listing->count < listing->limit ? listing->count : listing->limit;
	char path[128], id[ENCODE_UUID_CHARS + 1], next[ENCODE_UUID_CHARS + 1];
	struct json *doc = json_new();

	json_open_array(doc, "grants");
	for (size_t i = 0; i < shown; i++) {
		json_open_object(doc, NULL);
		put_grant(doc, &listing->entries[i]);
		json_close(doc);
	}
	json_close(doc);
	encode_uuid(call->event.object_id, id);
	snprintf(path, sizeof(path), "/v1/records/%s/grants", id);
	if (listing->count > listing->limit)
		encode_uuid(listing->entries[shown - 1].account_id, next);
	page_reply(call, doc, path, listing->limit, listing->count > listing->limit ? next : NULL);
}

static void list_close(struct call *call, bool completed)
{
	(void)completed;
	free(call->state);
}

const struct api_steps GRANTS_LIST = {
	.action = AUDIT_GRANT_LIST,
	.prepare = list_prepare,
	.finish = list_finish,
	.close = list_close,
};
