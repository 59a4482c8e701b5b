/* GET /v1/audit, GET /v1/audit/checkpoint, GET /.well-known/coffer: proof of who did what. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/api/page.h"
#include "server/core/audit_find.h"
#include "server/core/audit_text.h"
#include "server/core/checkpoint.h"
#include "server/core/clock.h"
#include "server/core/directory.h"
#include "server/core/identity_text.h"

/* ---- the log ------------------------------------------------------------------------------------------------------
 */

struct listing {
	size_t limit, count;
	uint64_t after; /* the last that was looked at */
	struct audit_wanted wanted;
	int64_t from_ms, to_ms;
	struct json *doc;
};

static bool put_event(void *arg, uint64_t sequence, const struct audit_event *event, const uint8_t hash[static 32])
{
	struct listing *listing = arg;

	if (event->time_ms < listing->from_ms || event->time_ms >= listing->to_ms)
		return true;
	json_open_object(listing->doc, NULL);
	audit_text_members(listing->doc, sequence, event, hash);
	json_close(listing->doc);
	return ++listing->count < listing->limit;
}

/* An id, or the name of an account. */
static bool find_account(struct call *call, const char *text, uint8_t ret_id[static 16])
{
	struct store_account *account = NULL;
	char name[DIRECTORY_NAME_MAX + 1];
	bool found;

	if (decode_uuid(text, ret_id))
		return true;
	found = directory_name(text, name) && store_account_by_name(call_view(call), name, &account) == STORE_OK;
	if (found)
		memcpy(ret_id, account->account_id, 16);
	free(account);
	return found;
}

static bool read_query(struct call *call, struct listing *listing)
{
	static const char *const KNOWN[] = {"limit", "after", "record", "actor", "from", "to", NULL};
	const char *limit = http_query(call->x, "limit"), *after = http_query(call->x, "after");
	const char *record = http_query(call->x, "record"), *actor = http_query(call->x, "actor");
	const char *from = http_query(call->x, "from"), *to = http_query(call->x, "to");
	uint64_t number = PAGE_LIMIT_DEFAULT;

	listing->to_ms = INT64_MAX;
	listing->wanted.by_object = record != NULL;
	listing->wanted.by_account = actor != NULL;
	if (!http_query_only(call->x, KNOWN) || (limit && !page_number(limit, PAGE_LIMIT_MAX, &number)) ||
	    (after && strcmp(after, "0") != 0 && !page_number(after, INT64_MAX, &listing->after)) ||
	    (record && !decode_uuid(record, listing->wanted.object)) ||
	    (actor && !find_account(call, actor, listing->wanted.account)) ||
	    (from && !clock_parse_rfc3339(from, &listing->from_ms)) ||
	    (to && !clock_parse_rfc3339(to, &listing->to_ms))) {
		http_problem(
			call->x, PROBLEM_BAD_REQUEST,
			"the query takes limit (1 to 1000), after (a sequence), record (an id), actor (a known name, "
			"or an id), from and to (as 2026-01-31T12:00:00.000Z), once each");
		call->refused = true;
		return false;
	}
	listing->limit = (size_t)number;
	return true;
}

static enum call_next list_prepare(struct call *call)
{
	const struct vault *vault = call->api->options.vault;
	struct listing *listing = calloc(1, sizeof(*listing));
	enum core_status status;
	bool distrusted = false;

	if (!listing) {
		call_refuse(call, CORE_NOMEM);
		return CALL_GO;
	}
	call->state = listing;
	call->event.outcome = 200;
	if (!read_query(call, listing))
		return CALL_GO;
	if (listing->wanted.by_object)
		memcpy(call->event.object_id, listing->wanted.object, sizeof(call->event.object_id));
	listing->doc = json_new();
	json_open_array(listing->doc, "events");
	status = audit_find(call_view(call), vault, &listing->wanted, &listing->after, put_event, listing, &distrusted);
	json_close(listing->doc);
	if (distrusted)
		call_alarm(call, "index of the audit log");
	if (status == CORE_DAMAGED)
		call_alarm(call, "audit log");
	if (status != CORE_OK)
		call_refuse(call, status);
	return CALL_GO;
}

static void list_finish(struct call *call)
{
	struct listing *listing = call->state;
	struct json *doc = listing->doc;
	uint64_t last;
	uint8_t hash[DIGEST_SIZE];
	char next[24];

	listing->doc = NULL;
	audit_head(call->api->options.vault, &last, hash);
	/* Behind what was looked at stands at least the event of this very request. */
	snprintf(next, sizeof(next), "%" PRIu64, listing->after);
	if (listing->after + 1 < last)
		json_text(doc, "next", next);
	(void)json_reply(call, 200, doc);
}

static void list_close(struct call *call, bool completed)
{
	struct listing *listing = call->state;

	(void)completed;
	if (listing)
		json_free(listing->doc);
	free(listing);
}

const struct api_steps AUDIT_LIST = {
	.action = AUDIT_LOG_READ,
	.prepare = list_prepare,
	.finish = list_finish,
	.close = list_close,
};

/* ---- its head -----------------------------------------------------------------------------------------------------
 */

static enum call_next checkpoint_prepare(struct call *call)
{
	call->event.outcome = 200;
	return CALL_GO;
}

/* After the commit: so that it vouches for this request too. */
static void checkpoint_finish(struct call *call)
{
	struct checkpoint checkpoint;
	enum core_status status = checkpoint_make(call->api->options.vault, &checkpoint);
	char *text = NULL;
	size_t size;

	if (status == CORE_OK && !(text = checkpoint_print(&checkpoint, &size)))
		status = CORE_NOMEM;
	if (status == CORE_OK)
		http_reply_bytes(call->x, 200, "application/json", text, size);
	else
		call_refuse(call, status);
	free(text);
}

const struct api_steps AUDIT_CHECKPOINT = {
	.action = AUDIT_LOG_CHECKPOINT,
	.prepare = checkpoint_prepare,
	.finish = checkpoint_finish,
};

/* ---- by which key -------------------------------------------------------------------------------------------------
 */

static void well_known_finish(struct call *call)
{
	struct json *doc = json_new();

	identity_text_members(doc, call->api->options.vault);
	(void)json_reply(call, 200, doc);
}

const struct api_steps SERVICE_WELL_KNOWN = {.finish = well_known_finish};
