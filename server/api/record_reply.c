#include "server/api/record_reply.h"

#include <inttypes.h>
#include <stdlib.h>

#include "crypto/encode.h"
#include "server/core/clock.h"
#include "server/json/json.h"

void record_reply_headers(struct http_exchange *x, const struct record_info *info, bool unlocked)
{
	char date[30];
	char digest[ENCODE_BASE64_SIZE(32)];

	clock_http_date(info->updated_ms, date);
	http_reply_header(x, "ETag", "\"%" PRIu64 "\"", info->version);
	http_reply_header(x, "Last-Modified", "%s", date);
	if (!unlocked)
		return;
	encode_base64(info->sha256, sizeof(info->sha256), digest);
	http_reply_header(x, "Repr-Digest", "sha-256=:%s:", digest);
	if (info->labels[0])
		http_reply_header(x, "Coffer-Labels", "%s", info->labels);
}

static char *info_document(const struct record_info *info, size_t *ret_size)
{
	struct json *doc = json_new();
	char id[ENCODE_UUID_CHARS + 1];
	char hex[2 * 32 + 1];
	char created[25], updated[25];
	char *text;

	encode_uuid(info->record_id, id);
	encode_hex(info->sha256, sizeof(info->sha256), hex);
	clock_rfc3339(info->created_ms, created);
	clock_rfc3339(info->updated_ms, updated);
	json_text(doc, "id", id);
	json_number(doc, "version", info->version);
	json_number(doc, "size", info->size);
	json_text(doc, "media_type", info->media_type);
	json_text(doc, "sha256", hex);
	json_text(doc, "created", created);
	json_text(doc, "updated", updated);
	if (info->labels[0])
		json_text(doc, "labels", info->labels);
	text = json_print(doc, ret_size);
	json_free(doc);
	return text;
}

void record_reply_info(struct http_exchange *x, unsigned status, const struct record_info *info)
{
	char id[ENCODE_UUID_CHARS + 1];
	size_t size;
	char *text = info_document(info, &size);

	if (!text) {
		/* It is stored; only the telling failed. */
		http_problem(x, PROBLEM_OUTCOME_UNKNOWN, NULL);
		return;
	}
	http_reply_bytes(x, status, "application/json", text, size);
	free(text);
	record_reply_headers(x, info, true);
	encode_uuid(info->record_id, id);
	if (status == 201)
		http_reply_header(x, "Location", "/v1/records/%s", id);
}
