/* POST and GET /v1/accounts, GET and PUT /v1/accounts/{name}: for administrators. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/api/account_reply.h"
#include "server/api/body.h"
#include "server/api/page.h"
#include "server/core/accounts.h"
#include "server/core/clock.h"
#include "server/core/roles.h"
#include "server/json/json_doc.h"

/* ---- in and out ---------------------------------------------------------------------------------------------------
 */

void account_reply_names(struct json *doc, const char *member, const struct named_scopes *list, size_t count,
			 uint32_t scopes)
{
	json_open_array(doc, member);
	for (size_t i = 0; i < count; i++)
		if ((scopes & list[i].scopes) == list[i].scopes)
			json_item(doc, list[i].name);
	json_close(doc);
}

enum json_doc_status account_read_names(const struct json_value *value, const struct named_scopes *list, size_t count,
					uint32_t *ret_scopes)
{
	const struct json_value *item = NULL;
	enum json_doc_status status = json_doc_array(value, 1, 16, &item);
	uint32_t scopes = 0;

	for (; status == JSON_DOC_OK && item; item = json_doc_next(item)) {
		const char *name;
		size_t size;

		status = json_doc_string(item, 1, 64, &name, &size);
		if (status == JSON_DOC_OK && !roles_add(list, count, name, &scopes))
			status = JSON_DOC_RANGE;
	}
	if (status == JSON_DOC_OK)
		*ret_scopes = scopes;
	return status;
}

static void put_account(struct json *doc, const struct account_entry *entry)
{
	char id[ENCODE_UUID_CHARS + 1], created[25];

	encode_uuid(entry->id, id);
	clock_rfc3339(entry->created_ms, created);
	json_text(doc, "id", id);
	json_text(doc, "name", entry->name);
	account_reply_names(doc, "roles", ROLES, ROLE_COUNT, entry->scopes);
	account_reply_names(doc, "scopes", SCOPES, SCOPE_COUNT, entry->scopes);
	json_text(doc, "state", entry->active ? "active" : "disabled");
	json_text(doc, "created", created);
}

static void reply_account(struct call *call, unsigned status, const struct account_entry *entry)
{
	struct json *doc = json_new();

	put_account(doc, entry);
	if (json_reply(call, status, doc) && status == 201)
		http_reply_header(call->x, "Location", "/v1/accounts/%s", entry->name);
}

static void looked_up(struct call *call, enum core_status status)
{
	if (status == CORE_DAMAGED)
		call_alarm(call, "account row");
	if (status != CORE_OK)
		call_refuse(call, status);
}

/* ---- adding and changing -------------------------------------------------------------------------------------------
 */

struct changing {
	struct body *body;
	struct account_entry entry;
	bool has_scopes, has_active;
};

static void change_begin(struct call *call)
{
	call->state = calloc(1, sizeof(struct changing));
	if (!call->state)
		call_refuse(call, CORE_NOMEM);
}

static void change_body(struct call *call, const uint8_t *bytes, size_t size, size_t *ret_used)
{
	struct changing *changing = call->state;

	*ret_used = size;
	body_collect(call, &changing->body, API_JSON_MAX, bytes, size);
}

static enum json_doc_status read_state(const struct json_value *value, bool *ret_active)
{
	const char *text;
	size_t size;
	const enum json_doc_status status = json_doc_string(value, 1, 16, &text, &size);

	if (status != JSON_DOC_OK)
		return status;
	*ret_active = strcmp(text, "active") == 0;
	return *ret_active || strcmp(text, "disabled") == 0 ? JSON_DOC_OK : JSON_DOC_RANGE;
}

static enum json_doc_status read_change(struct changing *changing, const struct json_value *root, bool is_new)
{
	static const char *const NEW[] = {"name", "roles", NULL}, *const CHANGE[] = {"roles", "state", NULL};
	const struct json_value *roles = json_doc_member(root, "roles"), *state = json_doc_member(root, "state");
	enum json_doc_status status = json_doc_only(root, is_new ? NEW : CHANGE);
	const char *name;
	size_t size;

	if (status == JSON_DOC_OK && is_new) {
		status = json_doc_string(json_doc_member(root, "name"), 1, DIRECTORY_NAME_MAX, &name, &size);
		if (status == JSON_DOC_OK && !directory_name(name, changing->entry.name))
			status = JSON_DOC_RANGE;
	}
	changing->has_scopes = is_new || roles;
	changing->has_active = state != NULL;
	if (status == JSON_DOC_OK && changing->has_scopes)
		status = account_read_names(roles, ROLES, ROLE_COUNT, &changing->entry.scopes);
	if (status == JSON_DOC_OK && state)
		status = read_state(state, &changing->entry.active);
	return status;
}

static enum call_next change_prepare(struct call *call)
{
	struct changing *changing = call->state;
	const bool is_new = !http_param(call->x, 0);
	struct json_doc *doc = NULL;
	enum json_doc_status status = JSON_DOC_SYNTAX;

	call->event.outcome = is_new ? 201 : 200;
	if (!is_new && !directory_name(http_param(call->x, 0), changing->entry.name)) {
		call_refuse(call, CORE_NOT_FOUND);
		return CALL_GO;
	}
	if (changing->body)
		status = json_doc_parse(changing->body->bytes, changing->body->size, &doc);
	if (status == JSON_DOC_OK)
		status = read_change(changing, json_doc_root(doc), is_new);
	json_doc_free(doc);
	if (status != JSON_DOC_OK) {
		http_problem(call->x, PROBLEM_BAD_REQUEST,
			     "the body is {%s\"roles\": [of reader, writer, auditor, administrator, partner, "
			     "emergency, monitor]%s}: %s",
			     is_new ? "\"name\": ..., " : "", is_new ? "" : ", \"state\": active or disabled",
			     json_doc_status_text(status));
		call->refused = true;
	}
	return CALL_GO;
}

static enum store_status change_apply(struct call *call, struct store_txn *txn)
{
	struct changing *changing = call->state;
	const struct vault *vault = call->api->options.vault;
	struct account_entry entry = changing->entry;
	enum store_status status;

	if (!http_param(call->x, 0))
		status = accounts_add_apply(vault, txn, &entry, &call->result);
	else
		status = accounts_change_apply(vault, txn, changing->entry.name,
					       changing->has_scopes ? &changing->entry.scopes : NULL,
					       changing->has_active ? &changing->entry.active : NULL,
					       call->principal.account_id, &entry, &call->result);
	if (status == STORE_OK && call->result == CORE_OK) {
		/* Not into changing->entry, from which a second run begins. */
		memcpy(call->event.object_id, entry.id, sizeof(call->event.object_id));
	}
	return status;
}

static void change_finish(struct call *call)
{
	struct changing *changing = call->state;
	struct account_entry entry;

	if (call->result == CORE_CONFLICT) {
		http_problem(
			call->x, PROBLEM_CONFLICT,
			"the name is taken; or it is one's own account, which one cannot disable or relieve of its "
			"administration");
		return;
	}
	if (call->result == CORE_OK)
		call->result = accounts_find(call->api->options.vault, call_view(call), changing->entry.name, &entry);
	if (call->result == CORE_OK)
		reply_account(call, call->event.outcome, &entry);
	else
		looked_up(call, call->result);
}

static void change_close(struct call *call, bool completed)
{
	struct changing *changing = call->state;

	(void)completed;
	if (changing)
		body_free(call, changing->body);
	free(changing);
}

const struct api_steps ACCOUNTS_POST = {
	.action = AUDIT_ACCOUNT_CREATE,
	.writes = true,
	.changes_accounts = true,
	.begin = change_begin,
	.body = change_body,
	.prepare = change_prepare,
	.apply = change_apply,
	.finish = change_finish,
	.close = change_close,
};

const struct api_steps ACCOUNTS_PUT = {
	.action = AUDIT_ACCOUNT_CHANGE,
	.changes_accounts = true,
	.begin = change_begin,
	.body = change_body,
	.prepare = change_prepare,
	.apply = change_apply,
	.finish = change_finish,
	.close = change_close,
};

/* ---- looking ------------------------------------------------------------------------------------------------------
 */

static enum call_next get_prepare(struct call *call)
{
	struct account_entry *entry = calloc(1, sizeof(*entry));

	call->state = entry;
	call->event.outcome = 200;
	if (!entry) {
		call_refuse(call, CORE_NOMEM);
		return CALL_GO;
	}
	looked_up(call, accounts_find(call->api->options.vault, call_view(call), http_param(call->x, 0), entry));
	memcpy(call->event.object_id, entry->id, sizeof(call->event.object_id));
	return CALL_GO;
}

static void get_finish(struct call *call)
{
	reply_account(call, 200, call->state);
}

static void free_state(struct call *call, bool completed)
{
	(void)completed;
	free(call->state);
}

const struct api_steps ACCOUNTS_GET = {
	.action = AUDIT_ACCOUNT_READ,
	.prepare = get_prepare,
	.finish = get_finish,
	.close = free_state,
};

struct listing {
	size_t limit, count;
	struct account_entry entries[];
};

static enum call_next list_prepare(struct call *call)
{
	struct listing *listing;
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
	listing = malloc(sizeof(*listing) + (limit + 1) * sizeof(listing->entries[0]));
	if (!listing) {
		call_refuse(call, CORE_NOMEM);
		return CALL_GO;
	}
	call->state = listing;
	call->event.outcome = 200;
	listing->limit = limit;
	looked_up(call, accounts_list(call->api->options.vault, call_view(call), after ? id : NULL, limit + 1,
				      listing->entries, &listing->count));
	return CALL_GO;
}

static void list_finish(struct call *call)
{
	const struct listing *listing = call->state;
	const size_t shown = listing->count < listing->limit ? listing->count : listing->limit;
	char next[ENCODE_UUID_CHARS + 1];
	struct json *doc = json_new();

	json_open_array(doc, "accounts");
	for (size_t i = 0; i < shown; i++) {
		json_open_object(doc, NULL);
		put_account(doc, &listing->entries[i]);
		json_close(doc);
	}
	json_close(doc);
	if (listing->count > listing->limit)
		encode_uuid(listing->entries[shown - 1].id, next);
	page_reply(call, doc, "/v1/accounts", listing->limit, listing->count > listing->limit ? next : NULL);
}

const struct api_steps ACCOUNTS_LIST = {
	.action = AUDIT_ACCOUNT_LIST,
	.prepare = list_prepare,
	.finish = list_finish,
	.close = free_state,
};
