#include "server/core/audit_text.h"

#include <string.h>

#include "crypto/encode.h"
#include "server/core/clock.h"

static void put_id(struct json *doc, const char *name, const uint8_t id[static 16])
{
	static const uint8_t none[16];
	char text[ENCODE_UUID_CHARS + 1];

	if (memcmp(id, none, sizeof(none)) == 0)
		return;
	encode_uuid(id, text);
	json_text(doc, name, text);
}

void audit_text_members(struct json *doc, uint64_t sequence, const struct audit_event *event,
			const uint8_t hash[static 32])
{
	char time[25], hex[65];

	clock_rfc3339(event->time_ms, time);
	json_number(doc, "sequence", sequence);
	json_text(doc, "time", time);
	json_text(doc, "action", audit_action_name(event->action));
	put_id(doc, "account", event->account_id);
	put_id(doc, "token", event->token_id);
	if (event->peer[0])
		json_text(doc, "peer", event->peer);
	put_id(doc, "object", event->object_id);
	if (event->action == AUDIT_REFUSED) {
		clock_rfc3339((int64_t)event->revision * CLOCK_MINUTE_MS, time);
		json_number(doc, "count", event->version);
		json_text(doc, "minute", time);
	} else {
		if (event->version)
			json_number(doc, "version", event->version);
		if (event->revision)
			json_number(doc, "revision", event->revision);
	}
	if (event->outcome)
		json_number(doc, "outcome", event->outcome);
	encode_hex(event->request_id, sizeof(event->request_id), hex);
	json_text(doc, "request_id", hex);
	if (event->has_note) {
		encode_hex(event->note, sizeof(event->note), hex);
		json_text(doc, "reason_sha256", hex);
	}
	encode_hex(hash, 32, hex);
	json_text(doc, "hash", hex);
}
