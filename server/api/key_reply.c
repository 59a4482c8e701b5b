#include "server/api/key_reply.h"

#include <inttypes.h>

#include "crypto/encode.h"
#include "server/api/page.h"
#include "server/core/clock.h"

void key_reply_members(struct json *doc, const struct directory_entry *entry)
{
	char fingerprint[2 * DIGEST_SIZE + 1], created[25];

	encode_hex(entry->fingerprint, sizeof(entry->fingerprint), fingerprint);
	clock_rfc3339(entry->created_ms, created);
	json_text(doc, "name", entry->name);
	json_text(doc, "fingerprint", fingerprint);
	json_number(doc, "sequence", entry->sequence);
	json_number(doc, "bits", entry->bits);
	json_text(doc, "created", created);
}

void key_reply_entry(struct call *call, unsigned status, const struct directory_entry *entry)
{
	char fingerprint[2 * DIGEST_SIZE + 1];
	struct json *doc = json_new();

	key_reply_members(doc, entry);
	if (!json_reply(call, status, doc))
		return;
	encode_hex(entry->fingerprint, sizeof(entry->fingerprint), fingerprint);
	http_reply_header(call->x, "ETag", "\"%" PRIu64 "\"", entry->sequence);
	http_reply_header(call->x, "Coffer-Fingerprint", "%s", fingerprint);
	if (status == 201)
		http_reply_header(call->x, "Location", "/v1/keys/%s", entry->name);
}

void key_looked_up(struct call *call, enum core_status status)
{
	if (status == CORE_DAMAGED)
		call_alarm(call, "directory row");
	if (status != CORE_OK)
		call_refuse(call, status);
}
