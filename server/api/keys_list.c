/* GET /v1/keys and GET /v1/keys/{name}/history: keyset pages. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/pubkey.h"
#include "server/api/key_reply.h"
#include "server/api/page.h"
#include "server/core/clock.h"

/* ---- all keys -----------------------------------------------------------------------------------------------------
 */

struct listing {
	size_t limit, count; /* count may be limit + 1: then there is a next page */
	struct directory_entry entries[];
};

static enum call_next list_prepare(struct call *call)
{
	struct listing *listing;
	const char *after;
	char name[DIRECTORY_NAME_MAX + 1] = "";
	size_t limit;

	if (!page_query(call, &limit, &after))
		return CALL_GO;
	if (after && !directory_name(after, name)) {
		http_problem(call->x, PROBLEM_BAD_REQUEST, "after takes the name that the page before ended with");
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
	key_looked_up(call, directory_list(call->api->options.vault, call_view(call), name, limit + 1, listing->entries,
					   &listing->count));
	return CALL_GO;
}

static void list_finish(struct call *call)
{
	const struct listing *listing = call->state;
	const size_t shown = listing->count < listing->limit ? listing->count : listing->limit;
	struct json *doc = json_new();

	json_open_array(doc, "keys");
	for (size_t i = 0; i < shown; i++) {
		json_open_object(doc, NULL);
		key_reply_members(doc, &listing->entries[i]);
		json_close(doc);
	}
	json_close(doc);
	page_reply(call, doc, "/v1/keys", listing->limit,
		   listing->count > listing->limit ? listing->entries[shown - 1].name : NULL);
}

static void list_close(struct call *call, bool completed)
{
	(void)completed;
	free(call->state);
}

const struct api_steps KEYS_LIST = {
	.action = AUDIT_KEY_LIST,
	.prepare = list_prepare,
	.finish = list_finish,
	.close = list_close,
};

/* ---- a key's history ----------------------------------------------------------------------------------------------
 */

struct history {
	char name[DIRECTORY_NAME_MAX + 1];
	size_t limit, count;
	uint64_t last;
	bool more;
	struct json *doc;
};

static const char *const CHANGES[] = {
	[STORE_KEY_ADDED] = "added", [STORE_KEY_REPLACED] = "replaced", [STORE_KEY_REMOVED] = "removed"};
static const char *const AUTHORITIES[] = {
	[DIRECTORY_BY_INVITE] = "invite",   [DIRECTORY_BY_ANYONE] = "open",
	[DIRECTORY_BY_OLD_KEY] = "old-key", [DIRECTORY_BY_ADMINISTRATOR] = "administrator",
	[DIRECTORY_BY_OWNER] = "owner",
};

static void put_base64(struct json *doc, const char *name, struct store_bytes bytes)
{
	char text[ENCODE_BASE64_SIZE(RSAKEY_MAX_SIZE)];

	if (bytes.size == 0 || bytes.size > RSAKEY_MAX_SIZE)
		return;
	encode_base64(bytes.data, bytes.size, text);
	json_text(doc, name, text);
}

static void put_hex(struct json *doc, const char *name, const uint8_t digest[static DIGEST_SIZE])
{
	char text[2 * DIGEST_SIZE + 1];

	encode_hex(digest, DIGEST_SIZE, text);
	json_text(doc, name, text);
}

static void put_key(struct json *doc, struct store_bytes spki)
{
	uint8_t fingerprint[DIGEST_SIZE];
	struct rsakey_public *key = NULL;
	char *pem = NULL;
	size_t size;

	if (spki.size == 0 || rsakey_public_from_spki(spki.data, spki.size, &key) != CRYPTO_OK)
		return;
	rsakey_public_id(key, fingerprint);
	put_hex(doc, "fingerprint", fingerprint);
	if (pubkey_to_pem(key, &pem, &size) == CRYPTO_OK)
		json_text(doc, "public_key", pem);
	free(pem);
	rsakey_public_free(key);
}

static bool put_change(void *arg, const struct store_directory_key *row)
{
	struct history *history = arg;
	char time[25], origin[DIRECTORY_ORIGIN_MAX + 1];

	if (history->count == history->limit) {
		history->more = true;
		return false;
	}
	history->count++;
	history->last = row->sequence;
	clock_rfc3339(row->created_ms, time);
	snprintf(origin, sizeof(origin), "%.*s", (int)row->origin.size, (const char *)row->origin.data);
	json_open_object(history->doc, NULL);
	json_number(history->doc, "sequence", row->sequence);
	json_text(history->doc, "change", CHANGES[row->change]);
	json_text(history->doc, "by", AUTHORITIES[row->authority]);
	json_text(history->doc, "time", time);
	if (origin[0])
		json_text(history->doc, "origin", origin);
	put_key(history->doc, row->spki);
	put_base64(history->doc, "signature", row->signature);
	put_base64(history->doc, "old_signature", row->old_signature);
	put_hex(history->doc, "previous", row->previous);
	put_hex(history->doc, "hash", row->hash);
	json_close(history->doc);
	return true;
}

static enum call_next history_prepare(struct call *call)
{
	struct history *history = calloc(1, sizeof(*history));
	const char *after;
	uint64_t sequence = 0;

	if (!history) {
		call_refuse(call, CORE_NOMEM);
		return CALL_GO;
	}
	call->state = history;
	call->event.outcome = 200;
	if (!directory_name(http_param(call->x, 0), history->name)) {
		call_refuse(call, CORE_NOT_FOUND);
		return CALL_GO;
	}
	if (!page_query(call, &history->limit, &after))
		return CALL_GO;
	if (after && !page_number(after, INT64_MAX, &sequence)) {
		http_problem(call->x, PROBLEM_BAD_REQUEST, "after takes a sequence number");
		call->refused = true;
		return CALL_GO;
	}
	history->doc = json_new();
	json_text(history->doc, "name", history->name);
	json_open_array(history->doc, "entries");
	key_looked_up(call, directory_history(call->api->options.vault, call_view(call), history->name, sequence,
					      history->limit + 1, put_change, history));
	json_close(history->doc);
	return CALL_GO;
}

static void history_finish(struct call *call)
{
	struct history *history = call->state;
	struct json *doc = history->doc;
	char path[128], next[24];

	history->doc = NULL;
	snprintf(path, sizeof(path), "/v1/keys/%s/history", history->name);
	snprintf(next, sizeof(next), "%" PRIu64, history->last);
	page_reply(call, doc, path, history->limit, history->more ? next : NULL);
}

static void history_close(struct call *call, bool completed)
{
	struct history *history = call->state;

	(void)completed;
	if (history)
		json_free(history->doc);
	free(history);
}

const struct api_steps KEYS_HISTORY = {
	.action = AUDIT_KEY_HISTORY,
	.prepare = history_prepare,
	.finish = history_finish,
	.close = history_close,
};
