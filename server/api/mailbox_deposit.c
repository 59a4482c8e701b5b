/* POST /v1/mailboxes/{name}/messages. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/encode.h"
#include "server/api/body.h"
#include "server/api/mailbox_reply.h"
#include "server/api/page.h"
#include "server/api/waiters.h"

enum { IDEMPOTENCY_KEY_MAX = 255, RETRY_SECONDS = 60 };

struct depositing {
	struct mailbox_deposit deposit;
	struct body *body;
};

static void refuse(struct call *call, enum problem problem, const char *detail)
{
	http_problem(call->x, problem, "%s", detail);
	call->refused = true;
}

static bool is_type(const char *type, const char *name)
{
	const size_t size = strcspn(type, "; \t");

	return size == strlen(name) && strncasecmp(type, name, size) == 0;
}

/* What names no kind is taken for a sealed message. */
static bool read_kind(struct call *call, struct mailbox_entry *entry)
{
	static const char *const SEALED[] = {MESSAGE_MEDIA_TYPE, "application/octet-stream",
					     "application/x-www-form-urlencoded"};
	size_t count = 0;
	const char *type = http_header(call->x, "Content-Type", &count);
	const char *session = http_header(call->x, "Coffer-Session", NULL);
	bool known = !type;

	entry->kind = type && is_type(type, SESSION_MEDIA_TYPE) ? MAILBOX_SESSION : MAILBOX_SEALED;
	for (size_t i = 0; type && i < sizeof(SEALED) / sizeof(SEALED[0]); i++)
		known = known || is_type(type, SEALED[i]);
	if (!known && entry->kind == MAILBOX_SEALED) {
		refuse(call, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
		       "a mailbox takes " MESSAGE_MEDIA_TYPE " and " SESSION_MEDIA_TYPE);
		return false;
	}
	entry->has_session = entry->kind == MAILBOX_SESSION;
	if (entry->has_session ? session && decode_hex(session, strlen(session), entry->session, DIGEST_SIZE)
			       : !session)
		return true;
	refuse(call, PROBLEM_BAD_REQUEST,
	       "Coffer-Session goes with " SESSION_MEDIA_TYPE
	       ", and with nothing else: SHA-256, in hexadecimal, of the "
	       "sealed message that the session began with");
	return false;
}

static bool read_signature(struct call *call, struct mailbox_entry *entry)
{
	size_t count = 0;
	const char *text = http_header(call->x, "Coffer-Signature", &count);

	if (!text ||
	    (count == 1 &&
	     decode_base64(text, strlen(text), entry->signature, sizeof(entry->signature), &entry->signature_size) &&
	     entry->signature_size > 0))
		return true;
	refuse(call, PROBLEM_BAD_REQUEST, "Coffer-Signature takes a signature in base64, once");
	return false;
}

static bool read_expiry(struct call *call, struct mailbox_deposit *deposit)
{
	const int64_t most = call->api->options.message_ttl_ms;
	size_t count = 0;
	const char *text = http_header(call->x, "Expires-In", &count);
	uint64_t seconds;

	deposit->ttl_ms = most;
	if (!text)
		return true;
	if (count == 1 && page_number(text, (uint64_t)most / 1000, &seconds)) {
		deposit->ttl_ms = (int64_t)seconds * 1000;
		return true;
	}
	http_problem(call->x, PROBLEM_BAD_REQUEST, "Expires-In takes 1 to %" PRId64 " seconds (--message-ttl)",
		     most / 1000);
	call->refused = true;
	return false;
}

static bool read_key(struct call *call, struct mailbox_deposit *deposit)
{
	size_t count = 0;
	const char *key = http_header(call->x, "Idempotency-Key", &count);

	if (!key)
		return true;
	deposit->idempotency_key = key;
	deposit->inflight = call->api->inflight;
	if (count == 1 && key[0] && strlen(key) <= IDEMPOTENCY_KEY_MAX && !strpbrk(key, "\t\x7f"))
		return true;
	refuse(call, PROBLEM_BAD_REQUEST, "Idempotency-Key must be one printable value of 1 to 255 characters");
	return false;
}

static void deposit_begin(struct call *call)
{
	struct depositing *depositing = calloc(1, sizeof(*depositing));
	struct mailbox_deposit *deposit;
	enum core_status status;
	uint64_t length;

	if (!depositing) {
		call_refuse(call, CORE_NOMEM);
		return;
	}
	call->state = depositing;
	call->event.outcome = 201;
	deposit = &depositing->deposit;
	deposit->vault = call->api->options.vault;
	deposit->sender = &call->principal;
	deposit->limits = &call->api->options.mailbox_limits;
	status = mailbox_find(deposit->vault, call_view(call), http_param(call->x, 0), deposit);
	if (status == CORE_DAMAGED)
		call_alarm(call, "directory row");
	if (status != CORE_OK) {
		call_refuse(call, status);
		return;
	}
	if (!read_kind(call, &deposit->entry) || !read_signature(call, &deposit->entry) ||
	    !read_expiry(call, deposit) || !read_key(call, deposit))
		return;
	if (http_content_length(call->x, &length) && length > call->api->options.message_max) {
		http_problem(call->x, PROBLEM_TOO_LARGE, "the limit is %zu bytes (--message-max)",
			     call->api->options.message_max);
		call->refused = true;
	}
}

static void deposit_body(struct call *call, const uint8_t *bytes, size_t size, size_t *ret_used)
{
	struct depositing *depositing = call->state;

	*ret_used = size;
	body_collect(call, &depositing->body, call->api->options.message_max, bytes, size);
}

static void refuse_verdict(struct call *call, const struct mailbox_deposit *deposit, enum mailbox_verdict verdict)
{
	const size_t k = deposit->modulus_size;

	if (verdict == MAILBOX_NO_SENDER_KEY)
		refuse(call, PROBLEM_SIGNATURE_REFUSED, "the sender has no key here: nobody could verify it");
	else if (verdict == MAILBOX_BAD_SIGNATURE)
		refuse(call, PROBLEM_SIGNATURE_REFUSED,
		       "Coffer-Signature must be RSA-PSS (SHA-256, salt of 32 bytes) by the sender's registered key "
		       "over "
		       "\"coffer-message-v1\\n<sender fingerprint>\\n<recipient fingerprint>\\n<SHA-256 of the bytes, "
		       "hex>\\n\"");
	else if (deposit->entry.kind == MAILBOX_SESSION)
		refuse(call, PROBLEM_MESSAGE_MALFORMED,
		       "a session message has at least 40 bytes: counter 8, nonce 16, tag 16, then the ciphertext");
	else
		http_problem(call->x, PROBLEM_MESSAGE_MALFORMED,
			     "%zu bytes are too few for the key of %s: a sealed message is the AES key under RSA-OAEP "
			     "(%zu bytes), nonce (16), tag (16), then the ciphertext: at least %zu",
			     deposit->size, deposit->to, k, k + 32);
	call->refused = true;
}

static enum call_next deposit_prepare(struct call *call)
{
	struct depositing *depositing = call->state;
	struct mailbox_deposit *deposit = &depositing->deposit;
	enum mailbox_verdict verdict = MAILBOX_GOOD;
	enum core_status status;

	deposit->bytes = depositing->body ? (const uint8_t *)depositing->body->bytes : (const uint8_t *)"";
	deposit->size = depositing->body ? depositing->body->size : 0;
	status = mailbox_deposit_prepare(deposit, call_view(call), &verdict);
	if (status == CORE_BUSY)
		refuse(call, PROBLEM_KEY_IN_FLIGHT, "wait for the answer to the first, or retry in a moment");
	else if (status != CORE_OK)
		call_refuse(call, status);
	else if (verdict != MAILBOX_GOOD)
		refuse_verdict(call, deposit, verdict);
	return CALL_GO;
}

static enum store_status deposit_apply(struct call *call, struct store_txn *txn)
{
	struct depositing *depositing = call->state;
	enum store_status status = mailbox_deposit_apply(&depositing->deposit, txn, &call->result);

	if (call->result == CORE_OK || call->result == CORE_REPLAY)
		memcpy(call->event.object_id, depositing->deposit.entry.id, sizeof(call->event.object_id));
	return status;
}

static void deposit_announce(struct call *call)
{
	const struct depositing *depositing = call->state;

	waiters_wake(call->api->waiters, depositing->deposit.mailbox);
}

static void deposit_finish(struct call *call)
{
	const struct depositing *depositing = call->state;
	const struct mailbox_deposit *deposit = &depositing->deposit;
	char id[ENCODE_UUID_CHARS + 1];
	struct json *doc;

	if (call->result == CORE_GONE) {
		http_problem(call->x, PROBLEM_GONE,
			     "it was deposited with this Idempotency-Key, and has been acknowledged or has expired");
		return;
	}
	if (call->result != CORE_OK && call->result != CORE_REPLAY) {
		call_refuse(call, call->result);
		if (problem_status(call_problem(call->result)) == 429)
			http_reply_header(call->x, "Retry-After", "%d", RETRY_SECONDS);
		return;
	}
	doc = json_new();
	mailbox_reply_members(doc, deposit->to, &deposit->entry);
	if (!json_reply(call, 201, doc))
		return;
	encode_uuid(deposit->entry.id, id);
	http_reply_header(call->x, "Location", "/v1/mailboxes/%s/messages/%s", deposit->to, id);
}

static void deposit_close(struct call *call, bool completed)
{
	struct depositing *depositing = call->state;

	(void)completed;
	if (!depositing)
		return;
	mailbox_deposit_done(&depositing->deposit);
	body_free(call, depositing->body);
	free(depositing);
}

const struct api_steps MAILBOX_POST = {
	.action = AUDIT_MESSAGE_DEPOSIT,
	.writes = true,
	.begin = deposit_begin,
	.body = deposit_body,
	.prepare = deposit_prepare,
	.apply = deposit_apply,
	.announce = deposit_announce,
	.finish = deposit_finish,
	.close = deposit_close,
};
