/* POST /v1/unseal and POST /v1/seal. */
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/api/call.h"
#include "server/core/epochs.h"
#include "server/core/home.h"

/* The body is the passphrase itself: no text format has to be parsed, and so copied, that holds it. */
struct unsealing {
	char passphrase[API_PASSPHRASE_MAX + 2]; /* with a newline */
	size_t size;
	bool unsealed, answered;
};

static void unseal_body(struct call *call, const uint8_t *bytes, size_t size, size_t *ret_used)
{
	struct unsealing *unsealing = call->state;

	*ret_used = size;
	if (!unsealing) {
		unsealing = call->state = secret_alloc(sizeof(*unsealing));
		if (!unsealing) {
			call_refuse(call, CORE_NOMEM);
			return;
		}
	}
	if (size > sizeof(unsealing->passphrase) - unsealing->size) {
		http_problem(call->x, PROBLEM_TOO_LARGE, NULL);
		call->refused = true;
		return;
	}
	memcpy(unsealing->passphrase + unsealing->size, bytes, size);
	unsealing->size += size;
}

static enum call_next unseal_prepare(struct call *call)
{
	struct unsealing *unsealing = call->state;

	if (unsealing && unsealing->size > 0 && unsealing->passphrase[unsealing->size - 1] == '\n')
		unsealing->size--;
	if (unsealing && unsealing->size > 0)
		return CALL_WORK;
	http_problem(call->x, PROBLEM_BAD_REQUEST, "the body must be the passphrase");
	call->refused = true;
	return CALL_GO;
}

static void unseal_work(struct call *call)
{
	struct unsealing *unsealing = call->state;
	const struct home_secret secret = {.kind = SLOT_PASSPHRASE,
					   .bytes = unsealing->passphrase,
					   .size = unsealing->size,
					   .from = "the passphrase"};

	call->result = home_unseal(call->api->options.home, &secret);
	secret_wipe(unsealing->passphrase, sizeof(unsealing->passphrase));
	unsealing->unsealed = call->result == CORE_OK;
}

static void unseal_worked(struct call *call)
{
	call->event.outcome = 204;
	if (call->result == CORE_OK)
		return;
	if (call->result == CORE_DENIED)
		http_problem(call->x, PROBLEM_WRONG_PASSPHRASE, NULL);
	else if (call->result == CORE_CONFLICT)
		http_problem(call->x, PROBLEM_CONFLICT,
			     "no passphrase locks the KEK, or the node only takes records in");
	else if (call->result == CORE_DAMAGED)
		http_problem(call->x, PROBLEM_INTERNAL, "a key file is damaged");
	else
		http_problem(call->x, call_problem(call->result), NULL);
	call->refused = true;
}

static void unseal_finish(struct call *call)
{
	struct unsealing *unsealing = call->state;

	unsealing->answered = true;
	if (call->api->options.epochs)
		epochs_wake(call->api->options.epochs);
	http_reply_empty(call->x, 204);
}

static void unseal_close(struct call *call, bool completed)
{
	struct unsealing *unsealing = call->state;

	(void)completed;
	/* Its event could not be written: nobody may unseal unseen. */
	if (unsealing && unsealing->unsealed && !unsealing->answered && home_seal(call->api->options.home) != CORE_OK)
		call_alarm(call, "unsealed without an audit event, and could not be sealed again");
	secret_free(unsealing, sizeof(*unsealing));
}

static enum call_next seal_prepare(struct call *call)
{
	(void)call;
	return CALL_WORK;
}

static void seal_work(struct call *call)
{
	call->result = home_seal(call->api->options.home);
}

static void seal_worked(struct call *call)
{
	call->event.outcome = 204;
	if (call->result == CORE_OK)
		return;
	http_problem(call->x, PROBLEM_CONFLICT, "no passphrase could unseal it again: see coffer passphrase change");
	call->refused = true;
}

static void seal_finish(struct call *call)
{
	http_reply_empty(call->x, 204);
}

const struct api_steps SERVICE_UNSEAL = {
	.action = AUDIT_UNSEAL,
	.body = unseal_body,
	.prepare = unseal_prepare,
	.work = unseal_work,
	.worked = unseal_worked,
	.finish = unseal_finish,
	.close = unseal_close,
};

const struct api_steps SERVICE_SEAL = {
	.action = AUDIT_SEAL,
	.prepare = seal_prepare,
	.work = seal_work,
	.worked = seal_worked,
	.finish = seal_finish,
};
