#include "server/api/mailbox_reply.h"

#include "crypto/encode.h"
#include "server/core/clock.h"

const char *mailbox_media_type(enum mailbox_kind kind)
{
	return kind == MAILBOX_SESSION ? SESSION_MEDIA_TYPE : MESSAGE_MEDIA_TYPE;
}

static void put_digest(struct json *doc, const char *name, const uint8_t digest[static DIGEST_SIZE])
{
	char text[2 * DIGEST_SIZE + 1];

	encode_hex(digest, DIGEST_SIZE, text);
	json_text(doc, name, text);
}

void mailbox_reply_members(struct json *doc, const char *to, const struct mailbox_entry *entry)
{
	char id[ENCODE_UUID_CHARS + 1], received[25], expires[25];
	char signature[ENCODE_BASE64_SIZE(RSAKEY_MAX_SIZE)];

	encode_uuid(entry->id, id);
	clock_rfc3339(entry->received_ms, received);
	clock_rfc3339(entry->expires_ms, expires);
	json_text(doc, "id", id);
	json_text(doc, "to", to);
	json_text(doc, "from", entry->from);
	json_text(doc, "received", received);
	json_text(doc, "expires", expires);
	json_number(doc, "size", entry->size);
	json_text(doc, "media_type", mailbox_media_type(entry->kind));
	put_digest(doc, "sha256", entry->digest);
	put_digest(doc, "recipient_fingerprint", entry->recipient_key);
	if (entry->has_sender_key)
		put_digest(doc, "sender_fingerprint", entry->sender_key);
	if (entry->has_session)
		put_digest(doc, "session", entry->session);
	if (entry->signature_size == 0)
		return;
	encode_base64(entry->signature, entry->signature_size, signature);
	json_text(doc, "signature", signature);
}
