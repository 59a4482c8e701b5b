/* PUT /v1/keys/{name}: enrolment, and replacement of a key. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "server/api/body.h"
#include "server/api/conditional.h"
#include "server/api/key_reply.h"
#include "server/api/key_text.h"
#include "server/api/origin.h"
#include "server/core/invite.h"

struct putting {
	struct directory_put put;
	struct body *body;
	enum core_status decision;
	enum pubkey_verdict verdict;
	uint8_t signature[RSAKEY_MAX_SIZE], old_signature[RSAKEY_MAX_SIZE];
};

static void refuse(struct call *call, enum problem problem, const char *detail)
{
	http_problem(call->x, problem, "%s", detail);
	call->refused = true;
}

/* A header of base64, at most once. False has set a problem; *ret_size is 0 when it is absent. */
static bool signature_header(struct call *call, const char *name, uint8_t ret_bytes[static RSAKEY_MAX_SIZE],
			     size_t *ret_size)
{
	size_t count = 0;
	const char *text = http_header(call->x, name, &count);

	*ret_size = 0;
	if (!text ||
	    (count == 1 && decode_base64(text, strlen(text), ret_bytes, RSAKEY_MAX_SIZE, ret_size) && *ret_size > 0))
		return true;
	http_problem(call->x, PROBLEM_BAD_REQUEST, "%s takes a signature in base64, once", name);
	call->refused = true;
	return false;
}

/* An invite's secret that is none is an invite that is not good: one answer. */
static bool invite_header(struct call *call, struct directory_put *put)
{
	size_t count = 0;
	const char *secret = http_header(call->x, "Coffer-Invite", &count);

	if (!secret)
		return true;
	put->has_invite = true;
	if (count == 1 && invite_hash(put->vault, secret, put->invite_hash))
		return true;
	call_refuse(call, CORE_INVITE);
	return false;
}

static bool match_header(struct call *call, struct directory_put *put)
{
	size_t count = 0;
	const char *match = http_header(call->x, "If-Match", &count);

	if (!match || (count == 1 && etag_parse_one(match, &put->if_sequence)))
		return true;
	refuse(call, PROBLEM_BAD_REQUEST, "If-Match takes exactly one strong ETag, such as If-Match: \"1\"");
	return false;
}

static void put_begin(struct call *call)
{
	struct putting *putting = calloc(1, sizeof(*putting));
	struct directory_put *put;

	if (!putting) {
		call_refuse(call, CORE_NOMEM);
		return;
	}
	call->state = putting;
	put = &putting->put;
	put->vault = call->api->options.vault;
	put->principal = call_is_known(call) ? &call->principal : NULL;
	put->open_enrollment = call->api->options.open_enrollment;
	if (!directory_name(http_param(call->x, 0), put->name)) {
		call_refuse(call, CORE_NOT_FOUND);
		return;
	}
	if (!call_origin(call, put->origin) ||
	    !signature_header(call, "Coffer-Key-Signature", putting->signature, &put->signature_size) ||
	    !signature_header(call, "Coffer-Old-Key-Signature", putting->old_signature, &put->old_signature_size) ||
	    !invite_header(call, put) || !match_header(call, put))
		return;
	put->signature = putting->signature;
	if (put->old_signature_size > 0)
		put->old_signature = putting->old_signature;
}

static void put_body(struct call *call, const uint8_t *bytes, size_t size, size_t *ret_used)
{
	struct putting *putting = call->state;

	*ret_used = size;
	body_collect(call, &putting->body, KEY_TEXT_MAX, bytes, size);
}

static enum call_next put_prepare(struct call *call)
{
	struct putting *putting = call->state;

	/* What it says is told after the body has been looked at: a private key in there comes first. */
	putting->decision = directory_put_decide(&putting->put, call_view(call));
	if (putting->decision == CORE_DAMAGED)
		call_alarm(call, "directory row");
	if (putting->body)
		return CALL_WORK;
	refuse(call, PROBLEM_BAD_REQUEST, "the body must be a public key: PEM or JWK");
	return CALL_GO;
}

static void put_work(struct call *call)
{
	struct putting *putting = call->state;

	putting->verdict = key_text_read(putting->body->bytes, putting->body->size, &putting->put.key);
	secret_wipe(putting->body->bytes, putting->body->size);
	if (putting->verdict == PUBKEY_OK)
		call->result = directory_put_verify(&putting->put, putting->decision);
}

/* What was expected, for those who write clients. It holds nothing that a partner may not know. */
static void refuse_proof(struct call *call, const struct directory_put *put)
{
	char proof[DIRECTORY_PROOF_MAX], shown[2 * DIRECTORY_PROOF_MAX];
	size_t size = 0;

	directory_proof(put, proof);
	for (const char *c = proof; *c; c++) {
		if (*c == '\n')
			shown[size++] = '\\';
		shown[size++] = *c == '\n' ? 'n' : *c;
	}
	shown[size] = '\0';
	http_problem(call->x, PROBLEM_PROOF_REFUSED,
		     "RSA-PSS (SHA-256, salt of 32 bytes) in base64 is needed over \"%s\": Coffer-Key-Signature by "
		     "the new key%s",
		     shown,
		     put->change == STORE_KEY_REPLACED
			     ? ", and Coffer-Old-Key-Signature by the old one or an administrator's token"
			     : "");
	call->refused = true;
}

static void refuse_change(struct call *call, const struct directory_put *put, enum core_status status)
{
	if (status == CORE_PROOF)
		refuse_proof(call, put);
	else if (status == CORE_CONFLICT)
		refuse(call, PROBLEM_CONFLICT,
		       "the name has this key already, or is not free: its key was removed, or it belongs to an "
		       "account "
		       "without one, and only an administrator may give it a key; or it has just changed");
	else
		call_refuse(call, status);
}

static void put_worked(struct call *call)
{
	struct putting *putting = call->state;

	if (putting->verdict == PUBKEY_PRIVATE)
		http_problem(call->x, PROBLEM_PRIVATE_KEY, NULL);
	else if (putting->verdict == PUBKEY_NOMEM)
		call_refuse(call, CORE_NOMEM);
	else if (putting->verdict != PUBKEY_OK)
		refuse(call, PROBLEM_KEY_REFUSED, pubkey_verdict_text(putting->verdict));
	else if (call->result != CORE_OK)
		refuse_change(call, &putting->put, call->result);
	call->refused = http_reply_status(call->x) != 0;
}

static enum store_status put_apply(struct call *call, struct store_txn *txn)
{
	struct putting *putting = call->state;
	enum store_status status = directory_put_apply(&putting->put, txn, &call->result);

	if (status != STORE_OK || call->result != CORE_OK)
		return status;
	if (!putting->put.principal)
		memcpy(call->event.account_id, putting->put.entry.account_id, sizeof(call->event.account_id));
	memcpy(call->event.object_id, putting->put.entry.account_id, sizeof(call->event.object_id));
	call->event.version = putting->put.entry.sequence;
	call->event.outcome = putting->put.entry.sequence == 1 ? 201 : 200;
	return STORE_OK;
}

static void put_finish(struct call *call)
{
	const struct putting *putting = call->state;

	if (call->result != CORE_OK) {
		refuse_change(call, &putting->put, call->result);
		return;
	}
	key_reply_entry(call, call->event.outcome, &putting->put.entry);
}

static void put_close(struct call *call, bool completed)
{
	struct putting *putting = call->state;

	(void)completed;
	if (!putting)
		return;
	body_free(call, putting->body);
	rsakey_public_free(putting->put.key);
	directory_put_done(&putting->put);
	free(putting);
}

const struct api_steps KEYS_PUT = {
	.action = AUDIT_KEY_PUT,
	.writes = true,
	.may_authenticate = true,
	.changes_accounts = true,
	.begin = put_begin,
	.body = put_body,
	.prepare = put_prepare,
	.work = put_work,
	.worked = put_worked,
	.apply = put_apply,
	.finish = put_finish,
	.close = put_close,
};
