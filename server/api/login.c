/* POST /v1/login, POST and DELETE of what it made. */
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "server/api/body.h"
#include "server/api/origin.h"
#include "server/api/page.h"
#include "server/core/clock.h"
#include "server/core/login.h"
#include "server/core/rates.h"
#include "server/core/session.h"
#include "server/json/json_doc.h"

/* The one member that a body has, copied; false has set a problem. */
static bool read_member(struct call *call, const struct body *body, const char *name, size_t max, char *ret_text)
{
	const char *const members[] = {name, NULL};
	struct json_doc *doc = NULL;
	const char *text;
	size_t size;
	enum json_doc_status status = JSON_DOC_SYNTAX;

	if (body)
		status = json_doc_parse(body->bytes, body->size, &doc);
	if (status == JSON_DOC_OK)
		status = json_doc_only(json_doc_root(doc), members);
	if (status == JSON_DOC_OK)
		status = json_doc_string(json_doc_member(json_doc_root(doc), name), 1, max, &text, &size);
	if (status == JSON_DOC_OK) {
		memcpy(ret_text, text, size + 1);
	} else {
		http_problem(call->x, PROBLEM_BAD_REQUEST, "the body is {\"%s\": ...}: %s", name,
			     json_doc_status_text(status));
		call->refused = true;
	}
	json_doc_free(doc);
	return status == JSON_DOC_OK;
}

/* ---- asking for a challenge ---------------------------------------------------------------------------------------
 */

struct asking {
	struct body *body;
	char origin[DIRECTORY_ORIGIN_MAX + 1];
	struct directory_entry entry;
	struct login_offer offer;
};

static void ask_begin(struct call *call)
{
	struct asking *asking = calloc(1, sizeof(*asking));

	call->state = asking;
	if (!asking)
		call_refuse(call, CORE_NOMEM);
	else
		(void)call_origin(call, asking->origin);
}

static void ask_body(struct call *call, const uint8_t *bytes, size_t size, size_t *ret_used)
{
	struct asking *asking = call->state;

	*ret_used = size;
	body_collect(call, &asking->body, API_JSON_MAX, bytes, size);
}

static enum call_next ask_prepare(struct call *call)
{
	struct asking *asking = call->state;
	struct rsakey_public *key = NULL;
	char account[DIRECTORY_NAME_MAX + 1], name[DIRECTORY_NAME_MAX + 1];
	enum core_status status;
	unsigned wait;

	if (!read_member(call, asking->body, "account", DIRECTORY_NAME_MAX, account))
		return CALL_GO;
	wait = rates_take(call->api->logins, http_peer(call->x));
	if (wait == 0 && directory_name(account, name))
		wait = rates_take(call->api->logins, name);
	if (wait > 0) {
		call_refuse_rate(call, wait);
		return CALL_GO;
	}
	status = directory_find(call->api->options.vault, call_view(call), account, &asking->entry, &key);
	if (status == CORE_OK)
		status = login_challenge(call->api->login, asking->origin, &asking->entry, key, &asking->offer);
	if (status == CORE_DAMAGED)
		call_alarm(call, "directory row");
	if (status != CORE_OK)
		call_refuse(call, status);
	rsakey_public_free(key);
	return CALL_GO;
}

static void ask_finish(struct call *call)
{
	const struct asking *asking = call->state;
	char id[ENCODE_UUID_CHARS + 1], challenge[ENCODE_BASE64_SIZE(RSAKEY_MAX_SIZE)];
	char fingerprint[2 * DIGEST_SIZE + 1], expires[25];
	struct json *doc = json_new();

	encode_uuid(asking->offer.id, id);
	encode_base64(asking->offer.challenge, asking->offer.size, challenge);
	encode_hex(asking->entry.fingerprint, sizeof(asking->entry.fingerprint), fingerprint);
	clock_rfc3339(asking->offer.expires_ms, expires);
	json_text(doc, "id", id);
	json_text(doc, "account", asking->entry.name);
	json_text(doc, "challenge", challenge);
	json_text(doc, "fingerprint", fingerprint);
	json_text(doc, "expires", expires);
	if (json_reply(call, 201, doc))
		http_reply_header(call->x, "Location", "/v1/login/%s", id);
}

static void ask_close(struct call *call, bool completed)
{
	struct asking *asking = call->state;

	(void)completed;
	if (asking)
		body_free(call, asking->body);
	free(asking);
}

const struct api_steps LOGIN_ASK = {
	.begin = ask_begin,
	.body = ask_body,
	.prepare = ask_prepare,
	.finish = ask_finish,
	.close = ask_close,
};

/* ---- answering it -------------------------------------------------------------------------------------------------
 */

struct answering {
	struct body *body;
	struct directory_entry entry;
	struct session_open open;
	char token[ACCOUNT_TOKEN_CHARS + 1];
};

static void answer_begin(struct call *call)
{
	struct answering *answering = calloc(1, sizeof(*answering));

	call->state = answering;
	if (!answering)
		call_refuse(call, CORE_NOMEM);
}

static void answer_body(struct call *call, const uint8_t *bytes, size_t size, size_t *ret_used)
{
	struct answering *answering = call->state;

	*ret_used = size;
	body_collect(call, &answering->body, API_JSON_MAX, bytes, size);
}

static enum call_next answer_prepare(struct call *call)
{
	struct answering *answering = call->state;
	struct session_open *open = &answering->open;
	char text[2 * DIGEST_SIZE + 1];
	uint8_t id[16], answer[DIGEST_SIZE];
	enum core_status status;

	const unsigned wait = rates_look(call->api->failures, http_peer(call->x));

	if (wait > 0) {
		call_refuse_rate(call, wait);
		return CALL_GO;
	}
	if (!decode_uuid(http_param(call->x, 0), id)) {
		call_refuse(call, CORE_NOT_FOUND);
		return CALL_GO;
	}
	if (!read_member(call, answering->body, "answer", 2 * DIGEST_SIZE, text))
		return CALL_GO;
	/* What is no digest is a wrong answer, and costs the one try. */
	if (!decode_hex(text, strlen(text), answer, sizeof(answer)))
		memset(answer, 0, sizeof(answer));
	status = login_answer(call->api->login, id, answer, &answering->entry);
	secret_wipe(text, sizeof(text));
	if (status == CORE_OK)
		status = account_token_generate(answering->token);
	if (status == CORE_OK && random_uuid7(clock_unix_ms(), open->token_id) != CRYPTO_OK)
		status = CORE_INTERNAL;
	if (status == CORE_DENIED || status == CORE_NOT_FOUND)
		call_failed(call);
	if (status == CORE_DENIED)
		http_problem(call->x, PROBLEM_LOGIN_FAILED, NULL);
	else if (status != CORE_OK)
		call_refuse(call, status);
	call->refused = status != CORE_OK;
	memcpy(open->account_id, answering->entry.account_id, sizeof(open->account_id));
	open->token = answering->token;
	open->ttl_ms = call->api->options.login_ttl_ms;
	open->idle_ms = call->api->options.login_idle_ms;
	return CALL_GO;
}

static enum store_status answer_apply(struct call *call, struct store_txn *txn)
{
	struct answering *answering = call->state;
	const struct vault *vault = call->api->options.vault;
	struct directory_entry now;
	enum store_status status;

	/* The challenge was for the key of then. */
	call->result = directory_find(vault, store_txn_view(txn), answering->entry.name, &now, NULL);
	if (call->result == CORE_OK && now.sequence != answering->entry.sequence)
		call->result = CORE_NOT_FOUND;
	if (call->result != CORE_OK)
		return STORE_OK;
	status = session_open_apply(vault, txn, &answering->open, &call->result);
	if (status == STORE_OK && call->result == CORE_OK) {
		memcpy(call->event.account_id, answering->open.account_id, sizeof(call->event.account_id));
		memcpy(call->event.token_id, answering->open.token_id, sizeof(call->event.token_id));
		call->event.outcome = 201;
	}
	return status;
}

static void answer_finish(struct call *call)
{
	const struct answering *answering = call->state;
	char expires[25];
	struct json *doc;

	if (call->result != CORE_OK) {
		call_refuse(call, call->result);
		return;
	}
	doc = json_new();
	clock_rfc3339(answering->open.expires_ms, expires);
	json_text(doc, "token", answering->token);
	json_text(doc, "account", answering->entry.name);
	json_text(doc, "expires", expires);
	json_number(doc, "idle_seconds", (uint64_t)answering->open.idle_ms / 1000);
	(void)json_reply(call, 201, doc);
}

static void answer_close(struct call *call, bool completed)
{
	struct answering *answering = call->state;

	(void)completed;
	if (!answering)
		return;
	body_free(call, answering->body);
	secret_wipe(answering, sizeof(*answering));
	free(answering);
}

const struct api_steps LOGIN_ANSWER = {
	.action = AUDIT_LOGIN,
	.writes = true,
	.changes_accounts = true,
	.begin = answer_begin,
	.body = answer_body,
	.prepare = answer_prepare,
	.apply = answer_apply,
	.finish = answer_finish,
	.close = answer_close,
};

/* ---- logging out --------------------------------------------------------------------------------------------------
 */

static enum store_status logout_apply(struct call *call, struct store_txn *txn)
{
	call->event.outcome = 204;
	return session_end_apply(call->api->options.vault, txn, call->principal.token_id, &call->result);
}

static void logout_finish(struct call *call)
{
	if (call->result == CORE_OK)
		http_reply_empty(call->x, 204);
	else
		http_problem(call->x, call_problem(call->result), "this token was not given by logging in");
}

const struct api_steps LOGIN_END = {
	.action = AUDIT_LOGOUT,
	.changes_accounts = true,
	.apply = logout_apply,
	.finish = logout_finish,
};
