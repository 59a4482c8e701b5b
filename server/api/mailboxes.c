/* GET /v1/mailboxes/{name}/messages, GET and DELETE of one: for the owner of the mailbox. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/api/mailbox_reply.h"
#include "server/api/page.h"
#include "server/api/waiters.h"
#include "server/core/clock.h"

static void refuse(struct call *call, const char *detail)
{
	http_problem(call->x, PROBLEM_BAD_REQUEST, "%s", detail);
	call->refused = true;
}

/* Whether the mailbox is the caller's; false has set the 404 that an unknown name gets too. */
static bool own(struct call *call, char ret_name[static DIRECTORY_NAME_MAX + 1])
{
	const enum core_status status = mailbox_own(call->api->options.vault, call_view(call), http_param(call->x, 0),
						    &call->principal, ret_name);

	if (status == CORE_DAMAGED)
		call_alarm(call, "account row");
	if (status != CORE_OK)
		call_refuse(call, status);
	return status == CORE_OK;
}

/* ---- listing ------------------------------------------------------------------------------------------------------
 */

struct listing {
	char name[DIRECTORY_NAME_MAX + 1];
	bool has_after, begun;
	uint8_t after[16];
	int64_t until_ms; /* CLOCK_MONOTONIC: how long to wait for a message */
	struct waiter waiter;
	size_t limit, count;
	struct mailbox_entry *entries; /* limit + 1 */
};

static bool read_query(struct call *call, struct listing *listing)
{
	static const char *const KNOWN[] = {"limit", "after", "wait", NULL};
	const char *limit = http_query(call->x, "limit");
	const char *after = http_query(call->x, "after");
	const char *wait = http_query(call->x, "wait");
	uint64_t most = PAGE_LIMIT_DEFAULT, seconds = 0;
	const int64_t longest = call->api->options.long_poll_ms;

	if (!http_query_only(call->x, KNOWN) || (limit && !page_number(limit, PAGE_LIMIT_MAX, &most)) ||
	    (wait && strcmp(wait, "0") != 0 && !page_number(wait, 3600, &seconds))) {
		refuse(call, "the query takes limit (1 to 1000), after, and wait (seconds), once each");
		return false;
	}
	listing->has_after = after != NULL;
	if (after && !decode_uuid(after, listing->after)) {
		refuse(call, "after takes the id that the page before ended with");
		return false;
	}
	listing->limit = (size_t)most;
	if (longest < (int64_t)seconds * 1000)
		seconds = (uint64_t)longest / 1000;
	listing->until_ms = clock_monotonic_ms() + (int64_t)seconds * 1000;
	return true;
}

static bool list_start(struct call *call)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	if (!listing) {
		call_refuse(call, CORE_NOMEM);
		return false;
	}
	call->state = listing;
	call->event.outcome = 200;
	listing->waiter.wake = call_wake;
	listing->waiter.arg = call;
	memcpy(listing->waiter.mailbox, call->principal.account_id, sizeof(listing->waiter.mailbox));
	memcpy(call->event.object_id, call->principal.account_id, sizeof(call->event.object_id));
	if (!own(call, listing->name) || !read_query(call, listing))
		return false;
	listing->begun = true;
	return true;
}

static enum core_status list_read(struct call *call, struct listing *listing)
{
	if (!listing->entries)
		listing->entries = calloc(listing->limit + 1, sizeof(*listing->entries));
	if (!listing->entries)
		return CORE_NOMEM;
	return mailbox_list(call->api->options.vault, call_view(call), &call->principal,
			    listing->has_after ? listing->after : NULL, listing->limit + 1, listing->entries,
			    &listing->count);
}

/*
 * Entered among the waiting before it reads: a deposit is then either read or wakes. Once woken, or about to be, the
 * call has to wait for that wake, whatever it has read.
 */
static enum call_next list_prepare(struct call *call)
{
	struct listing *listing = call->state;
	enum core_status status;
	bool waits;

	if (!listing) {
		if (!list_start(call))
			return CALL_GO;
		listing = call->state;
	}
	waits = clock_monotonic_ms() < listing->until_ms && !http_stopping(call->x);
	if (waits)
		waiters_enter(call->api->waiters, &listing->waiter);
	status = list_read(call, listing);
	if (waits) {
		call->wait_until_ms = listing->until_ms;
		/* Nobody holds so much for those that only wait. */
		if (listing->count == 0) {
			free(listing->entries);
			listing->entries = NULL;
		}
		if ((status == CORE_OK && listing->count == 0) || !waiters_leave(call->api->waiters, &listing->waiter))
			return CALL_LONG;
	}
	if (status == CORE_DAMAGED)
		call_alarm(call, "message row");
	if (status != CORE_OK)
		call_refuse(call, status);
	return CALL_GO;
}

static bool list_wait_over(struct call *call)
{
	struct listing *listing = call->state;

	/* It is not to wait again. */
	listing->until_ms = 0;
	return waiters_leave(call->api->waiters, &listing->waiter);
}

static void list_finish(struct call *call)
{
	const struct listing *listing = call->state;
	const size_t shown = listing->count < listing->limit ? listing->count : listing->limit;
	char path[128], next[ENCODE_UUID_CHARS + 1];
	struct json *doc = json_new();

	json_open_array(doc, "messages");
	for (size_t i = 0; i < shown; i++) {
		json_open_object(doc, NULL);
		mailbox_reply_members(doc, listing->name, &listing->entries[i]);
		json_close(doc);
	}
	json_close(doc);
	snprintf(path, sizeof(path), "/v1/mailboxes/%s/messages", listing->name);
	if (listing->count > listing->limit)
		encode_uuid(listing->entries[shown - 1].id, next);
	page_reply(call, doc, path, listing->limit, listing->count > listing->limit ? next : NULL);
}

static void list_close(struct call *call, bool completed)
{
	struct listing *listing = call->state;

	(void)completed;
	if (listing)
		free(listing->entries);
	free(listing);
}

const struct api_steps MAILBOX_LIST = {
	.action = AUDIT_MESSAGE_LIST,
	.prepare = list_prepare,
	.wait_over = list_wait_over,
	.finish = list_finish,
	.close = list_close,
};

/* ---- one message --------------------------------------------------------------------------------------------------
 */

struct getting {
	struct mailbox_entry entry;
	uint8_t *bytes;
};

static bool message_id(struct call *call, uint8_t ret_id[static 16])
{
	char name[DIRECTORY_NAME_MAX + 1];

	if (!own(call, name))
		return false;
	if (!decode_uuid(http_param(call->x, 1), ret_id)) {
		call_refuse(call, CORE_NOT_FOUND);
		return false;
	}
	memcpy(call->event.object_id, ret_id, 16);
	return true;
}

static enum call_next get_prepare(struct call *call)
{
	struct getting *getting;
	enum core_status status;
	uint8_t id[16];

	call->event.outcome = 200;
	if (!message_id(call, id))
		return CALL_GO;
	getting = calloc(1, sizeof(*getting));
	if (!getting) {
		call_refuse(call, CORE_NOMEM);
		return CALL_GO;
	}
	call->state = getting;
	status = mailbox_read(call->api->options.vault, call_view(call), &call->principal, id, &getting->entry,
			      &getting->bytes);
	if (status == CORE_DAMAGED)
		call_alarm(call, "message");
	if (status != CORE_OK)
		call_refuse(call, status);
	return CALL_GO;
}

static void hex_header(struct call *call, const char *name, const uint8_t digest[static DIGEST_SIZE])
{
	char text[2 * DIGEST_SIZE + 1];

	encode_hex(digest, DIGEST_SIZE, text);
	http_reply_header(call->x, name, "%s", text);
}

static void get_finish(struct call *call)
{
	const struct getting *getting = call->state;
	const struct mailbox_entry *entry = &getting->entry;
	char digest[ENCODE_BASE64_SIZE(DIGEST_SIZE)], signature[ENCODE_BASE64_SIZE(RSAKEY_MAX_SIZE)], date[30];

	http_reply_bytes(call->x, 200, mailbox_media_type(entry->kind), getting->bytes, entry->size);
	encode_base64(entry->digest, DIGEST_SIZE, digest);
	clock_http_date(entry->received_ms, date);
	http_reply_header(call->x, "Repr-Digest", "sha-256=:%s:", digest);
	http_reply_header(call->x, "Last-Modified", "%s", date);
	http_reply_header(call->x, "Coffer-Sender", "%s", entry->from);
	hex_header(call, "Coffer-Fingerprint", entry->recipient_key);
	if (entry->has_sender_key)
		hex_header(call, "Coffer-Sender-Fingerprint", entry->sender_key);
	if (entry->has_session)
		hex_header(call, "Coffer-Session", entry->session);
	if (entry->signature_size == 0)
		return;
	encode_base64(entry->signature, entry->signature_size, signature);
	http_reply_header(call->x, "Coffer-Signature", "%s", signature);
}

static void get_close(struct call *call, bool completed)
{
	struct getting *getting = call->state;

	(void)completed;
	if (getting)
		free(getting->bytes);
	free(getting);
}

const struct api_steps MAILBOX_GET = {
	.action = AUDIT_MESSAGE_READ,
	.prepare = get_prepare,
	.finish = get_finish,
	.close = get_close,
};

static enum call_next acknowledge_prepare(struct call *call)
{
	uint8_t id[16];

	call->event.outcome = 204;
	(void)message_id(call, id);
	return CALL_GO;
}

static enum store_status acknowledge_apply(struct call *call, struct store_txn *txn)
{
	return mailbox_acknowledge_apply(call->api->options.vault, txn, &call->principal, call->event.object_id,
					 &call->result);
}

static void acknowledge_finish(struct call *call)
{
	if (call->result == CORE_DAMAGED)
		call_alarm(call, "message row");
	if (call->result == CORE_OK)
		http_reply_empty(call->x, 204);
	else
		call_refuse(call, call->result);
}

const struct api_steps MAILBOX_DELETE = {
	.action = AUDIT_MESSAGE_ACKNOWLEDGE,
	/* Not `writes`: it gives space back. */
	.prepare = acknowledge_prepare,
	.apply = acknowledge_apply,
	.finish = acknowledge_finish,
};
