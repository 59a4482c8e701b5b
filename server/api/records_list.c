/* GET /v1/records and GET /v1/records/{id}/versions: keyset pages. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/api/call.h"
#include "server/api/page.h"
#include "server/core/clock.h"
#include "server/core/record.h"
#include "server/json/json.h"

struct page {
	size_t limit;
	size_t count; /* may be limit + 1: then there is a next page */
	struct record_entry entries[PAGE_LIMIT_MAX + 1];
};

static void refuse(struct call *call, const char *detail)
{
	http_problem(call->x, PROBLEM_BAD_REQUEST, "%s", detail);
	call->refused = true;
}

static struct page *page_new(struct call *call, const char **ret_after)
{
	struct page *page;
	size_t limit;

	if (!page_query(call, &limit, ret_after))
		return NULL;
	page = malloc(sizeof(*page));
	if (!page) {
		call_refuse(call, CORE_NOMEM);
		return NULL;
	}
	page->limit = limit;
	call->state = page;
	call->event.outcome = 200;
	return page;
}

static void listed(struct call *call, enum core_status status)
{
	if (status == CORE_DAMAGED)
		call_alarm(call, "version row in a listing");
	if (status != CORE_OK)
		call_refuse(call, status);
}

static enum call_next list_prepare(struct call *call)
{
	const char *after;
	struct page *page = page_new(call, &after);
	uint8_t id[16];

	if (!page)
		return CALL_GO;
	if (after && !decode_uuid(after, id)) {
		refuse(call, "after takes the id that the page before ended with");
		return CALL_GO;
	}
	listed(call, record_list(call->api->options.vault, call_view(call), &call->principal, after ? id : NULL,
				 page->limit + 1, page->entries, &page->count));
	return CALL_GO;
}

static enum call_next versions_prepare(struct call *call)
{
	struct page *page;
	const char *after;
	uint64_t number = 0;
	uint8_t id[16];

	if (!call_record_id(call, id))
		return CALL_GO;
	page = page_new(call, &after);
	if (!page)
		return CALL_GO;
	if (after && !page_number(after, INT64_MAX, &number)) {
		refuse(call, "after takes a version number");
		return CALL_GO;
	}
	listed(call, record_versions(call->api->options.vault, call_view(call), &call->principal, id, number,
				     page->limit + 1, page->entries, &page->count));
	return CALL_GO;
}

static void put_entry(struct json *doc, const struct record_entry *entry, bool is_record)
{
	char id[ENCODE_UUID_CHARS + 1];
	char created[25], updated[25];

	clock_rfc3339(entry->created_ms, created);
	clock_rfc3339(entry->updated_ms, updated);
	json_open_object(doc, NULL);
	if (is_record) {
		encode_uuid(entry->record_id, id);
		json_text(doc, "id", id);
	}
	json_number(doc, "version", entry->version);
	json_number(doc, "size", entry->size);
	json_text(doc, "created", is_record ? created : updated);
	if (is_record)
		json_text(doc, "updated", updated);
	json_close(doc);
}

/* next: the cursor of the page after this one, or NULL. path: of this resource. */
static void reply_page(struct call *call, const char *name, bool is_record, const char *path, const char *next)
{
	const struct page *page = call->state;
	size_t shown = page->count < page->limit ? page->count : page->limit;
	struct json *doc = json_new();

	json_open_array(doc, name);
	for (size_t i = 0; i < shown; i++)
		put_entry(doc, &page->entries[i], is_record);
	json_close(doc);
	page_reply(call, doc, path, page->limit, next);
}

static void list_finish(struct call *call)
{
	const struct page *page = call->state;
	char next[ENCODE_UUID_CHARS + 1];

	if (page->count > page->limit)
		encode_uuid(page->entries[page->limit - 1].record_id, next);
	reply_page(call, "records", true, "/v1/records", page->count > page->limit ? next : NULL);
}

static void versions_finish(struct call *call)
{
	const struct page *page = call->state;
	char path[128], id[ENCODE_UUID_CHARS + 1], next[24];

	encode_uuid(call->event.object_id, id);
	snprintf(path, sizeof(path), "/v1/records/%s/versions", id);
	if (page->count > page->limit)
		snprintf(next, sizeof(next), "%" PRIu64, page->entries[page->limit - 1].version);
	reply_page(call, "versions", false, path, page->count > page->limit ? next : NULL);
}

static void list_close(struct call *call, bool completed)
{
	(void)completed;
	free(call->state);
}

const struct api_steps RECORDS_LIST = {
	.action = AUDIT_RECORD_LIST,
	.prepare = list_prepare,
	.finish = list_finish,
	.close = list_close,
};

const struct api_steps RECORDS_VERSIONS = {
	.break_glass = true,
	.action = AUDIT_RECORD_VERSIONS,
	.prepare = versions_prepare,
	.finish = versions_finish,
	.close = list_close,
};
