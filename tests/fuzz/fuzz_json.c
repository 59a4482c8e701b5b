/*
 * The strict JSON reader. What it takes is JSON to another reader too; written out again from what was understood, it
 * is taken again and is the same; and each of the limits holds in what was taken.
 */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/json/json_doc.h"
#include "tests/fuzz/fuzz.h"

static void write_value(FILE *out, const struct json_value *value, unsigned depth);

static void write_string(FILE *out, const char *text, size_t size)
{
	FUZZ_CHECK(strlen(text) == size);
	fputc('"', out);
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '"' || text[i] == '\\')
			fprintf(out, "\\%c", text[i]);
		else if ((unsigned char)text[i] < ' ')
			fprintf(out, "\\u%04x", text[i]);
		else
			fputc(text[i], out);
	}
	fputc('"', out);
}

/* Integers to the last digit; of other numbers the reader tells no value, so that a stand-in does. */
static void write_number(FILE *out, const struct json_value *value)
{
	int64_t number = 77;
	const enum json_doc_status status = json_doc_integer(value, INT64_MIN, INT64_MAX, &number);

	FUZZ_CHECK(status == JSON_DOC_OK || (status == JSON_DOC_RANGE && number == 77));
	if (status == JSON_DOC_OK) {
		FUZZ_CHECK(json_doc_integer(value, number, number, &number) == JSON_DOC_OK);
		fprintf(out, "%" PRId64, number);
	} else {
		fputs("0.5", out);
	}
}

static size_t write_inside(FILE *out, const struct json_value *first, bool named, unsigned depth)
{
	size_t count = 0;

	for (const struct json_value *it = first; it; it = json_doc_next(it), count++) {
		const char *name = json_doc_name(it);

		FUZZ_CHECK((name != NULL) == named);
		if (count)
			fputc(',', out);
		if (name) {
			write_string(out, name, strlen(name));
			fputc(':', out);
		}
		write_value(out, it, depth + 1);
	}
	return count;
}

static void write_object(FILE *out, const struct json_value *value, unsigned depth)
{
	static const char *const NONE[] = {NULL};
	const struct json_value *first, *again;

	FUZZ_CHECK(json_doc_object(value, 0, JSON_DOC_MEMBERS_MAX, &first) == JSON_DOC_OK);
	fputc('{', out);
	const size_t count = write_inside(out, first, true, depth);
	fputc('}', out);
	FUZZ_CHECK(json_doc_object(value, count, count, &again) == JSON_DOC_OK && again == first);
	FUZZ_CHECK(json_doc_object(value, count + 1, SIZE_MAX, &again) == JSON_DOC_RANGE);
	FUZZ_CHECK(json_doc_only(value, NONE) == (count ? JSON_DOC_UNKNOWN : JSON_DOC_OK));
	for (const struct json_value *it = first; it; it = json_doc_next(it))
		FUZZ_CHECK(json_doc_member(value, json_doc_name(it)) == it); /* no name comes twice */
}

static void write_array(FILE *out, const struct json_value *value, unsigned depth)
{
	const struct json_value *first, *again;

	FUZZ_CHECK(json_doc_array(value, 0, SIZE_MAX, &first) == JSON_DOC_OK);
	fputc('[', out);
	const size_t count = write_inside(out, first, false, depth);
	fputc(']', out);
	FUZZ_CHECK(json_doc_array(value, count, count, &again) == JSON_DOC_OK && again == first);
}

static void write_value(FILE *out, const struct json_value *value, unsigned depth)
{
	const char *text;
	size_t size;
	bool truth;

	FUZZ_CHECK(depth <= JSON_DOC_DEPTH_MAX);
	switch (json_doc_kind(value)) {
	case JSON_DOC_KIND_NULL:
		fputs("null", out);
		break;
	case JSON_DOC_KIND_BOOL:
		FUZZ_CHECK(json_doc_bool(value, &truth) == JSON_DOC_OK);
		fputs(truth ? "true" : "false", out);
		break;
	case JSON_DOC_KIND_NUMBER:
		write_number(out, value);
		break;
	case JSON_DOC_KIND_STRING:
		FUZZ_CHECK(json_doc_string(value, 0, JSON_DOC_SIZE_MAX, &text, &size) == JSON_DOC_OK);
		write_string(out, text, size);
		break;
	case JSON_DOC_KIND_ARRAY:
		write_array(out, value, depth);
		break;
	case JSON_DOC_KIND_OBJECT:
		write_object(out, value, depth);
		break;
	}
}

static char *write_document(const struct json_doc *doc, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	FUZZ_CHECK(out != NULL);
	write_value(out, json_doc_root(doc), 0);
	FUZZ_CHECK(fclose(out) == 0);
	return text;
}

static void taken(struct json_doc *doc, const uint8_t *data, size_t size)
{
	struct json_doc *again = NULL;
	size_t written_size, size_again;
	char *written = write_document(doc, &written_size);
	char *written_again;
	cJSON *other = cJSON_ParseWithLength((const char *)data, size);

	FUZZ_CHECK(other != NULL);
	cJSON_Delete(other);
	/* Control characters that were two bytes long are six now: only then it may have grown over the limit. */
	if (written_size > JSON_DOC_SIZE_MAX) {
		free(written);
		return;
	}
	FUZZ_CHECK(json_doc_parse(written, written_size, &again) == JSON_DOC_OK);
	written_again = write_document(again, &size_again);
	FUZZ_CHECK(size_again == written_size && memcmp(written, written_again, size_again) == 0);
	json_doc_free(again);
	free(written_again);
	free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc *doc = NULL;
	const enum json_doc_status status = json_doc_parse(data, size, &doc);

	FUZZ_CHECK((status == JSON_DOC_OK) == (doc != NULL));
	FUZZ_CHECK(*json_doc_status_text(status) != '\0');
	FUZZ_CHECK(status <= JSON_DOC_DUPLICATE && status != JSON_DOC_NOMEM);
	if (doc)
		taken(doc, data, size);
	json_doc_free(doc);
	return 0;
}
