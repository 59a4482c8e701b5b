/* Coffer-Receipt as text: written in one way, and read only so. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/core/receipt.h"

void receipt_print(const struct receipt *receipt, char ret_text[static RECEIPT_TEXT_MAX])
{
	char store[ENCODE_UUID_CHARS + 1], record[ENCODE_UUID_CHARS + 1];
	char sha256[ENCODE_BASE64_SIZE(DIGEST_SIZE)], key[ENCODE_BASE64_SIZE(DIGEST_SIZE)];
	char path[ENCODE_BASE64_SIZE(RECEIPT_PATH_MAX * DIGEST_SIZE)];
	char signature[ENCODE_BASE64_SIZE(IDENTITY_SIGNATURE_SIZE)];

	encode_uuid(receipt->store_id, store);
	encode_uuid(receipt->record_id, record);
	encode_base64(receipt->sha256, DIGEST_SIZE, sha256);
	encode_base64(receipt->key_id, DIGEST_SIZE, key);
	encode_base64(receipt->path, receipt->path_count * DIGEST_SIZE, path);
	encode_base64(receipt->signature, IDENTITY_SIGNATURE_SIZE, signature);
	snprintf(ret_text, RECEIPT_TEXT_MAX,
		 "store=\"%s\", record=\"%s\", version=%" PRIu64 ", sha256=:%s:, sequence=%" PRIu64 ", time=%" PRId64
		 ", key=:%s:, leaf=%" PRIu32 ", leaves=%" PRIu32 ", path=:%s:, signature=:%s:",
		 store, record, receipt->version, sha256, receipt->sequence, receipt->time_ms, key, receipt->leaf,
		 receipt->leaves, path, signature);
}

/* What stands between `before` and the next `after`, which must follow it at once; it moves *text behind both. */
static bool take(const char **text, const char *before, const char *after, char *ret_value, size_t cap)
{
	const size_t n = strlen(before);
	const char *end;

	if (strncmp(*text, before, n) != 0)
		return false;
	*text += n;
	end = after[0] ? strstr(*text, after) : *text + strlen(*text);
	if (!end || (size_t)(end - *text) >= cap)
		return false;
	memcpy(ret_value, *text, (size_t)(end - *text));
	ret_value[end - *text] = '\0';
	*text = end + strlen(after);
	return true;
}

static bool take_uuid(const char **text, const char *before, uint8_t ret_id[static 16])
{
	char value[ENCODE_UUID_CHARS + 1];

	return take(text, before, "\", ", value, sizeof(value)) && decode_uuid(value, ret_id);
}

static bool take_bytes(const char **text, const char *before, const char *after, uint8_t *ret_bytes, size_t cap,
		       size_t *ret_size)
{
	char value[RECEIPT_TEXT_MAX];

	return take(text, before, after, value, sizeof(value)) &&
	       decode_base64(value, strlen(value), ret_bytes, cap, ret_size);
}

static bool take_number(const char **text, const char *before, uint64_t max, uint64_t *ret_number)
{
	char value[20];

	if (!take(text, before, ", ", value, sizeof(value)) || value[strspn(value, "0123456789")] != '\0' ||
	    value[0] == '\0' || (value[0] == '0' && value[1] != '\0'))
		return false;
	*ret_number = strtoull(value, NULL, 10);
	return *ret_number <= max;
}

bool receipt_parse(const char *text, struct receipt *ret_receipt)
{
	struct receipt r = {.version = 0};
	uint64_t time, leaf, leaves;
	size_t digest, key, path, signature;

	if (strlen(text) >= RECEIPT_TEXT_MAX)
		return false;
	if (!take_uuid(&text, "store=\"", r.store_id) || !take_uuid(&text, "record=\"", r.record_id) ||
	    !take_number(&text, "version=", INT64_MAX, &r.version) ||
	    !take_bytes(&text, "sha256=:", ":, ", r.sha256, sizeof(r.sha256), &digest) || digest != DIGEST_SIZE ||
	    !take_number(&text, "sequence=", INT64_MAX, &r.sequence) ||
	    !take_number(&text, "time=", INT64_MAX, &time) ||
	    !take_bytes(&text, "key=:", ":, ", r.key_id, sizeof(r.key_id), &key) || key != DIGEST_SIZE ||
	    !take_number(&text, "leaf=", UINT32_MAX, &leaf) || !take_number(&text, "leaves=", UINT32_MAX, &leaves) ||
	    !take_bytes(&text, "path=:", ":, ", r.path[0], sizeof(r.path), &path) || path % DIGEST_SIZE != 0 ||
	    !take_bytes(&text, "signature=:", ":", r.signature, sizeof(r.signature), &signature) ||
	    signature != IDENTITY_SIGNATURE_SIZE || text[0] != '\0')
		return false;
	r.time_ms = (int64_t)time;
	r.leaf = (uint32_t)leaf;
	r.leaves = (uint32_t)leaves;
	r.path_count = path / DIGEST_SIZE;
	*ret_receipt = r;
	return true;
}
