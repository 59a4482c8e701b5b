/* GET /v1/session: who is asking, and what for how long. A page that was given a token learns it by this. */
#include <stdlib.h>
#include <string.h>

#include "server/api/account_reply.h"
#include "server/api/page.h"
#include "server/core/accounts.h"
#include "server/core/clock.h"

struct session_state {
	struct account_entry account;
	struct token_entry token;
	bool by_token; /* else by certificate */
};

static enum call_next get_prepare(struct call *call)
{
	struct session_state *state = calloc(1, sizeof(*state));
	const struct vault *vault = call->api->options.vault;
	enum core_status status = CORE_NOMEM;

	call->state = state;
	call->event.outcome = 200;
	if (state) {
		state->by_token = http_header(call->x, "Authorization", NULL) != NULL;
		status = accounts_get(vault, call_view(call), call->principal.account_id, &state->account);
	}
	if (status == CORE_OK && state->by_token)
		status = tokens_get(vault, call_view(call), call->principal.token_id, &state->token);
	if (status == CORE_DAMAGED)
		call_alarm(call, "token or account row");
	/* Both were there a moment ago, and neither is ever removed. */
	if (status != CORE_OK)
		call_refuse(call, status == CORE_NOT_FOUND ? CORE_DAMAGED : status);
	return CALL_GO;
}

static void get_finish(struct call *call)
{
	const struct session_state *state = call->state;
	struct json *doc = json_new();
	const char *kind = "certificate";
	char expires[25];

	if (state->by_token)
		kind = state->token.session ? "login" : "token";
	json_text(doc, "account", state->account.name);
	json_text(doc, "kind", kind);
	account_reply_names(doc, "scopes", SCOPES, SCOPE_COUNT, call->principal.scopes);
	if (state->token.expires_ms) {
		clock_rfc3339(state->token.expires_ms, expires);
		json_text(doc, "expires", expires);
	}
	(void)json_reply(call, 200, doc);
}

static void get_close(struct call *call, bool completed)
{
	(void)completed;
	free(call->state);
}

const struct api_steps SESSION_GET = {
	.action = AUDIT_SESSION_READ,
	.prepare = get_prepare,
	.finish = get_finish,
	.close = get_close,
};
