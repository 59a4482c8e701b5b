#include "server/partner/state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "server/core/files.h"

bool complain(struct complaint *complaint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(complaint->text, sizeof(complaint->text), format, args);
	va_end(args);
	return false;
}

enum state_found state_read(const char *path, bool secret, struct json_doc **ret_doc, struct complaint *complaint)
{
	struct files_error error = {complaint->text, sizeof(complaint->text)};
	enum json_doc_status parsed;
	char *text = NULL;
	size_t size;
	const enum core_status status = files_read(path, secret, &text, &size, &error);

	if (status != CORE_OK)
		return status == CORE_NOT_FOUND ? STATE_ABSENT : STATE_BROKEN;
	parsed = json_doc_parse(text, size, ret_doc);
	secret_free(text, size + 1);
	if (parsed == JSON_DOC_OK)
		return STATE_FOUND;
	complain(complaint, "%s: %s", path, json_doc_status_text(parsed));
	return STATE_BROKEN;
}

bool state_write(const char *path, unsigned mode, struct json *doc, struct complaint *complaint)
{
	struct files_error error = {complaint->text, sizeof(complaint->text)};
	size_t size;
	char *text = json_print(doc, &size);
	bool good;

	json_free(doc);
	if (!text)
		return complain(complaint, "out of memory");
	good = files_write(path, mode, text, size, &error) == CORE_OK;
	secret_wipe(text, size);
	free(text);
	return good;
}

bool state_text(const struct json_doc *doc, const char *name, size_t max, char *ret_text)
{
	const char *text;
	size_t size;

	if (json_doc_string(json_doc_member(json_doc_root(doc), name), 0, max, &text, &size) != JSON_DOC_OK)
		return false;
	memcpy(ret_text, text, size + 1);
	return true;
}

bool state_hex(const struct json_doc *doc, const char *name, uint8_t ret_bytes[static DIGEST_SIZE])
{
	char text[2 * DIGEST_SIZE + 1];

	return state_text(doc, name, sizeof(text) - 1, text) && decode_hex(text, strlen(text), ret_bytes, DIGEST_SIZE);
}

bool state_number(const struct json_doc *doc, const char *name, uint64_t *ret_number)
{
	int64_t number;

	if (json_doc_integer(json_doc_member(json_doc_root(doc), name), 0, INT64_MAX, &number) != JSON_DOC_OK)
		return false;
	*ret_number = (uint64_t)number;
	return true;
}

bool state_counter(const struct json_doc *doc, const char *name, uint64_t *ret_counter)
{
	char text[21], again[21];
	uint64_t counter;

	if (!state_text(doc, name, sizeof(text) - 1, text) || sscanf(text, "%" SCNu64, &counter) != 1)
		return false;
	snprintf(again, sizeof(again), "%" PRIu64, counter);
	if (strcmp(text, again) != 0)
		return false;
	*ret_counter = counter;
	return true;
}

bool state_bool(const struct json_doc *doc, const char *name, bool *ret_bool)
{
	return json_doc_bool(json_doc_member(json_doc_root(doc), name), ret_bool) == JSON_DOC_OK;
}

void state_put_hex(struct json *doc, const char *name, const uint8_t bytes[static DIGEST_SIZE])
{
	char text[2 * DIGEST_SIZE + 1];

	encode_hex(bytes, DIGEST_SIZE, text);
	json_text(doc, name, text);
}

void state_put_counter(struct json *doc, const char *name, uint64_t counter)
{
	char text[21];

	snprintf(text, sizeof(text), "%" PRIu64, counter);
	json_text(doc, name, text);
}
