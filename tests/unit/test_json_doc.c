#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/json/json_doc.h"
#include "tests/unit/support/testdata.h"

static enum json_doc_status try_bytes(const void *bytes, size_t size)
{
	struct json_doc *doc = NULL;
	enum json_doc_status status;
	/* Without a terminator, so that the address sanitizer sees a read past the end. */
	void *exact = malloc(size ? size : 1);

	memcpy(exact, bytes, size);
	status = json_doc_parse(exact, size, &doc);
	cr_assert_eq(status == JSON_DOC_OK, doc != NULL);
	free(exact);
	json_doc_free(doc);
	return status;
}

static struct json_doc *parse(const char *text)
{
	struct json_doc *doc = NULL;

	cr_assert_eq(json_doc_parse(text, strlen(text), &doc), JSON_DOC_OK, "%s", text);
	return doc;
}

static enum json_doc_status status_of(const char *name)
{
	static const struct {
		const char *name;
		enum json_doc_status status;
	} NAMES[] = {
		{"ok", JSON_DOC_OK},
		{"syntax", JSON_DOC_SYNTAX},
		{"encoding", JSON_DOC_ENCODING},
		{"nul", JSON_DOC_NUL},
		{"duplicate", JSON_DOC_DUPLICATE},
		{"too_deep", JSON_DOC_TOO_DEEP},
		{"too_large", JSON_DOC_TOO_LARGE},
	};

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (strcmp(NAMES[i].name, name) == 0)
			return NAMES[i].status;
	cr_assert_fail("no status is named %s", name);
	return JSON_DOC_OK;
}

/* Another's parser finds the same kinds, names, texts and truths in the same places. */
static void assert_same(const struct json_value *value, const cJSON *other)
{
	const struct json_value *child = NULL;
	const char *text;
	size_t size;
	bool truth;

	switch (json_doc_kind(value)) {
	case JSON_DOC_KIND_NULL:
		cr_assert(cJSON_IsNull(other));
		break;
	case JSON_DOC_KIND_BOOL:
		cr_assert_eq(json_doc_bool(value, &truth), JSON_DOC_OK);
		cr_assert(cJSON_IsBool(other) && truth == (bool)cJSON_IsTrue(other));
		break;
	case JSON_DOC_KIND_NUMBER:
		cr_assert(cJSON_IsNumber(other));
		break;
	case JSON_DOC_KIND_STRING:
		cr_assert_eq(json_doc_string(value, 0, SIZE_MAX, &text, &size), JSON_DOC_OK);
		cr_assert_str_eq(text, cJSON_GetStringValue(other));
		cr_assert_eq(size, strlen(text));
		break;
	case JSON_DOC_KIND_ARRAY:
		cr_assert(cJSON_IsArray(other));
		cr_assert_eq(json_doc_array(value, 0, SIZE_MAX, &child), JSON_DOC_OK);
		break;
	case JSON_DOC_KIND_OBJECT:
		cr_assert(cJSON_IsObject(other));
		cr_assert_eq(json_doc_object(value, 0, SIZE_MAX, &child), JSON_DOC_OK);
		break;
	}
	other = other->child;
	for (; child; child = json_doc_next(child), other = other->next) {
		cr_assert_not_null(other);
		cr_assert_eq(json_doc_name(child) == NULL, other->string == NULL);
		if (other->string)
			cr_assert_str_eq(json_doc_name(child), other->string);
		assert_same(child, other);
	}
	cr_assert_null(other);
}

static void compare(const void *bytes, size_t size)
{
	struct json_doc *doc = NULL;
	cJSON *other = cJSON_ParseWithLength(bytes, size);

	cr_assert_eq(json_doc_parse(bytes, size, &doc), JSON_DOC_OK);
	cr_assert_not_null(other);
	assert_same(json_doc_root(doc), other);
	cJSON_Delete(other);
	json_doc_free(doc);
}

/* ---- documents --------------------------------------------------------------------------------------------------- */

static cJSON *samples(void)
{
	cJSON *list = testdata_json(COFFER_SOURCE_DIR "/tests/vectors/json-documents.json");

	cr_assert_gt(cJSON_GetArraySize(list), 50);
	return list;
}

static struct testdata_bytes bytes_of(const cJSON *sample)
{
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(sample, "text");
	struct testdata_bytes bytes;

	if (!text)
		return testdata_hex(sample, "hex");
	bytes.size = strlen(text->valuestring);
	bytes.b = malloc(bytes.size + 1);
	memcpy(bytes.b, text->valuestring, bytes.size + 1);
	return bytes;
}

Test(json_doc, judges_each_sample)
{
	cJSON *list = samples(), *sample;

	cJSON_ArrayForEach(sample, list)
	{
		struct testdata_bytes bytes = bytes_of(sample);
		enum json_doc_status status = status_of(testdata_text(sample, "status"));

		cr_assert_eq(try_bytes(bytes.b, bytes.size), status, "%s", testdata_text(sample, "what"));
		if (status == JSON_DOC_OK)
			compare(bytes.b, bytes.size);
		free(bytes.b);
	}
	cJSON_Delete(list);
}

/* Whatever is made of a sample is judged without a step outside of it; the sanitizers watch. */
Test(json_doc, survives_every_byte_changed_and_every_length)
{
	static const unsigned char BYTES[] = {0, 0x80, 0xc3, 0xed, 0xf4, '"', '\\', 'u', '{', '[', ']', '0', ' '};
	cJSON *list = samples(), *sample;

	cJSON_ArrayForEach(sample, list)
	{
		struct testdata_bytes bytes = bytes_of(sample);

		for (size_t at = 0; at < bytes.size && at < 200; at++) {
			unsigned char kept = bytes.b[at];

			(void)try_bytes(bytes.b, at);
			for (size_t i = 0; i < sizeof(BYTES); i++) {
				bytes.b[at] = BYTES[i];
				(void)try_bytes(bytes.b, bytes.size);
			}
			bytes.b[at] = kept;
		}
		free(bytes.b);
	}
	cJSON_Delete(list);
}

Test(json_doc, takes_the_largest_and_no_larger)
{
	char *text = malloc(JSON_DOC_SIZE_MAX + 1);

	memset(text, ' ', JSON_DOC_SIZE_MAX + 1);
	text[0] = '1';
	cr_assert_eq(try_bytes(text, JSON_DOC_SIZE_MAX), JSON_DOC_OK);
	cr_assert_eq(try_bytes(text, JSON_DOC_SIZE_MAX + 1), JSON_DOC_TOO_LARGE);
	memset(text, '[', JSON_DOC_SIZE_MAX);
	cr_assert_eq(try_bytes(text, JSON_DOC_SIZE_MAX), JSON_DOC_TOO_DEEP);
	for (size_t i = 0; i + 1 < JSON_DOC_SIZE_MAX; i += 2)
		memcpy(text + i, i ? ",1" : "[1", 2);
	text[JSON_DOC_SIZE_MAX - 2] = ']';
	cr_assert_eq(try_bytes(text, JSON_DOC_SIZE_MAX - 1), JSON_DOC_OK);
	free(text);
}

/* RFC 8259 has these pass; a document that commands the server may not hold them. */
static bool refused_beyond_the_rfc(const char *name)
{
	static const char *const NAMES[] = {
		"y_object_duplicated_key.json",
		"y_object_duplicated_key_and_value.json",
		"y_object_escaped_null_in_key.json",
		"y_string_null_escape.json",
	};

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (strcmp(NAMES[i], name) == 0)
			return true;
	return false;
}

/*
 * What the RFC leaves open. Numbers of any size are numbers, and out of range once asked for; the rest is no UTF-8,
 * half a surrogate pair, too deep, or begins with a byte order mark.
 */
static bool should_pass(const char *name)
{
	if (name[0] == 'y')
		return !refused_beyond_the_rfc(name);
	return strncmp(name, "i_number_", 9) == 0;
}

Test(json_doc, judges_the_public_suite)
{
	char *folder = testdata_path(COFFER_SOURCE_DIR, "json-suite/test_parsing");
	DIR *dir = folder ? opendir(folder) : NULL;
	size_t count = 0;

	if (!folder)
		return;
	cr_assert_not_null(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[4096];
		struct testdata_bytes bytes;
		enum json_doc_status status;

		if (!strstr(entry->d_name, ".json"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		bytes = testdata_read(path);
		cr_assert_not_null(bytes.b);
		status = try_bytes(bytes.b, bytes.size);
		cr_assert_eq(status == JSON_DOC_OK, should_pass(entry->d_name), "%s: %s", entry->d_name,
			     json_doc_status_text(status));
		if (status == JSON_DOC_OK)
			compare(bytes.b, bytes.size);
		count++;
		free(bytes.b);
	}
	closedir(dir);
	free(folder);
	cr_assert_gt(count, 200);
}

/* ---- getters ----------------------------------------------------------------------------------------------------- */

static enum json_doc_status integer(const char *text, int64_t min, int64_t max, int64_t *ret_number)
{
	struct json_doc *doc = parse(text);
	enum json_doc_status status = json_doc_integer(json_doc_root(doc), min, max, ret_number);

	json_doc_free(doc);
	return status;
}

Test(json_doc, integers_are_exact_within_their_range)
{
	static const struct {
		const char *text;
		int64_t number;
	} GOOD[] = {
		{"0", 0},
		{"-0", 0},
		{"-1", -1},
		{"9007199254740993", INT64_C(9007199254740993)}, /* 2^53 + 1: no double holds it */
		{"9223372036854775807", INT64_MAX},
		{"-9223372036854775808", INT64_MIN},
	};
	static const char *const BAD[] = {
		"9223372036854775808", "-9223372036854775809", "18446744073709551616", "1.0", "1e2", "0.5"};
	int64_t number = 77;

	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
		cr_assert_eq(integer(GOOD[i].text, INT64_MIN, INT64_MAX, &number), JSON_DOC_OK, "%s", GOOD[i].text);
		cr_assert_eq(number, GOOD[i].number, "%s", GOOD[i].text);
	}
	number = 77;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		cr_assert_eq(integer(BAD[i], INT64_MIN, INT64_MAX, &number), JSON_DOC_RANGE, "%s", BAD[i]);
	cr_assert_eq(integer("9", 10, 12, &number), JSON_DOC_RANGE);
	cr_assert_eq(integer("13", 10, 12, &number), JSON_DOC_RANGE);
	cr_assert_eq(integer("\"11\"", 10, 12, &number), JSON_DOC_TYPE);
	cr_assert_eq(number, 77);
	cr_assert_eq(integer("10", 10, 12, &number), JSON_DOC_OK);
	cr_assert_eq(integer("12", 10, 12, &number), JSON_DOC_OK);
}

Test(json_doc, strings_are_unescaped_and_bounded)
{
	struct json_doc *doc = parse("{\"k\":\"a\\u00e9\\ud834\\udd1e\\n\\/\",\"none\":\"\"}");
	const struct json_value *value = json_doc_member(json_doc_root(doc), "k");
	const char *text = "untouched";
	size_t size = 99;

	cr_assert_eq(json_doc_string(value, 10, SIZE_MAX, &text, &size), JSON_DOC_RANGE);
	cr_assert_eq(json_doc_string(value, 0, 8, &text, &size), JSON_DOC_RANGE);
	cr_assert_str_eq(text, "untouched");
	cr_assert_eq(size, 99);
	cr_assert_eq(json_doc_string(value, 9, 9, &text, &size), JSON_DOC_OK);
	cr_assert_str_eq(text, "a\xc3\xa9\xf0\x9d\x84\x9e\n/");
	cr_assert_eq(size, 9);
	cr_assert_eq(json_doc_string(json_doc_member(json_doc_root(doc), "none"), 1, 9, &text, &size), JSON_DOC_RANGE);
	cr_assert_eq(json_doc_string(json_doc_root(doc), 0, 9, &text, &size), JSON_DOC_TYPE);
	json_doc_free(doc);
}

Test(json_doc, containers_are_walked_in_order)
{
	struct json_doc *doc = parse("{\"b\":[10,20,30],\"a\":true,\"empty\":[]}");
	const struct json_value *root = json_doc_root(doc), *at = NULL;
	int64_t number, expected = 10;
	bool truth = false;

	cr_assert_eq(json_doc_array(json_doc_member(root, "b"), 3, 3, &at), JSON_DOC_OK);
	for (; at; at = json_doc_next(at), expected += 10) {
		cr_assert_eq(json_doc_integer(at, 0, 100, &number), JSON_DOC_OK);
		cr_assert_eq(number, expected);
		cr_assert_null(json_doc_name(at));
	}
	cr_assert_eq(expected, 40);
	cr_assert_eq(json_doc_array(json_doc_member(root, "b"), 4, 9, &at), JSON_DOC_RANGE);
	cr_assert_eq(json_doc_array(json_doc_member(root, "b"), 0, 2, &at), JSON_DOC_RANGE);
	cr_assert_eq(json_doc_array(root, 0, 9, &at), JSON_DOC_TYPE);
	cr_assert_eq(json_doc_array(json_doc_member(root, "empty"), 0, 9, &at), JSON_DOC_OK);
	cr_assert_null(at);
	cr_assert_eq(json_doc_object(root, 3, 3, &at), JSON_DOC_OK);
	cr_assert_str_eq(json_doc_name(at), "b");
	at = json_doc_next(at);
	cr_assert_str_eq(json_doc_name(at), "a");
	cr_assert_eq(json_doc_bool(at, &truth), JSON_DOC_OK);
	cr_assert(truth);
	json_doc_free(doc);
}

Test(json_doc, says_what_is_missing_unknown_or_of_another_kind)
{
	static const char *const BOTH[] = {"a", "b", NULL}, *const ONE[] = {"a", NULL}, *const NONE[] = {NULL};
	struct json_doc *doc = parse("{\"a\":null,\"b\":1}");
	const struct json_value *root = json_doc_root(doc);
	const struct json_value *value = json_doc_member(root, "a"), *at;
	int64_t number;
	bool truth;

	cr_assert_eq(json_doc_only(root, BOTH), JSON_DOC_OK);
	cr_assert_eq(json_doc_only(root, ONE), JSON_DOC_UNKNOWN);
	cr_assert_eq(json_doc_only(root, NONE), JSON_DOC_UNKNOWN);
	cr_assert_eq(json_doc_only(value, BOTH), JSON_DOC_TYPE);
	cr_assert_eq(json_doc_only(NULL, BOTH), JSON_DOC_MISSING);
	cr_assert_eq(json_doc_kind(value), JSON_DOC_KIND_NULL);
	cr_assert_eq(json_doc_bool(value, &truth), JSON_DOC_TYPE);
	cr_assert_null(json_doc_member(root, "A"));
	cr_assert_null(json_doc_member(value, "a"));
	cr_assert_null(json_doc_member(NULL, "a"));
	cr_assert_eq(json_doc_integer(json_doc_member(root, "c"), 0, 1, &number), JSON_DOC_MISSING);
	cr_assert_eq(json_doc_object(json_doc_member(root, "b"), 0, 1, &at), JSON_DOC_TYPE);
	json_doc_free(doc);
	for (int i = 0; i < JSON_DOC_STATUS_COUNT; i++)
		cr_assert(json_doc_status_text((enum json_doc_status)i)[0] != '\0');
}
