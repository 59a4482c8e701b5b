/* What tells of the service itself, and of no data: /v1/health, /v1/ready, /openapi.json. */
#include "server/api/call.h"
#include "server/api/openapi_document.h"
#include "server/core/keyring.h"

static void health_finish(struct call *call)
{
	static const char BODY[] = "{\"status\":\"ok\"}";

	http_reply_static(call->x, 200, "application/json", BODY, sizeof(BODY) - 1);
}

static void ready_finish(struct call *call)
{
	static const char READY[] = "{\"status\":\"ready\"}";
	static const char SEALED[] = "{\"status\":\"sealed\"}"; /* ready for all that needs no private key */
	struct store *store = call->api->options.vault->store;

	if (http_stopping(call->x))
		http_problem(call->x, PROBLEM_STOPPING, NULL);
	else if (!store_healthy(store))
		http_problem(call->x, PROBLEM_STORE_UNAVAILABLE, "the database is damaged; see the log");
	else if (store_space(store) != STORE_SPACE_OK)
		http_problem(call->x, PROBLEM_STORE_UNAVAILABLE, "the disk is nearly full");
	else if (keyring_sealed(call->api->options.vault->ring))
		http_reply_static(call->x, 200, "application/json", SEALED, sizeof(SEALED) - 1);
	else
		http_reply_static(call->x, 200, "application/json", READY, sizeof(READY) - 1);
}

static void contract_finish(struct call *call)
{
	http_reply_static(call->x, 200, "application/json", openapi_document, openapi_document_size);
}

const struct api_steps SERVICE_HEALTH = {.finish = health_finish};
const struct api_steps SERVICE_READY = {.finish = ready_finish};
const struct api_steps SERVICE_CONTRACT = {.finish = contract_finish};
