#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "server/json/json.h"

/* The document's text is this; the document is freed. */
static void assert_text(struct json *doc, const char *expected)
{
	size_t size = 0;
	char *text = json_print(doc, &size);

	cr_assert_not_null(text);
	cr_expect_str_eq(text, expected);
	cr_expect_eq(size, strlen(expected));
	free(text);
	json_free(doc);
}

/* It failed, and says so at the end. */
static void assert_failed(struct json *doc)
{
	size_t size = 77;

	cr_expect_null(json_print(doc, &size));
	cr_expect_eq(size, 77);
	json_free(doc);
}

Test(json, members_and_nesting_come_in_order)
{
	struct json *doc = json_new();

	json_text(doc, "a", "b");
	json_number(doc, "n", 42);
	json_open_array(doc, "list");
	for (uint64_t i = 0; i < 2; i++) {
		json_open_object(doc, NULL);
		json_number(doc, "i", i);
		json_close(doc);
	}
	json_close(doc);
	json_open_object(doc, "inner");
	json_bool(doc, "yes", true);
	json_bool(doc, "no", false);
	json_close(doc);
	json_text(doc, "", "");
	assert_text(doc, "{\"a\":\"b\",\"n\":42,\"list\":[{\"i\":0},{\"i\":1}],\"inner\":{\"yes\":true,\"no\":false},"
			 "\"\":\"\"}");
}

Test(json, an_empty_document_is_an_object)
{
	assert_text(json_new(), "{}");
}

Test(json, numbers_are_exact_or_a_failure)
{
	struct json *doc = json_new();

	json_number(doc, "zero", 0);
	json_number(doc, "most", 9007199254740991);
	assert_text(doc, "{\"zero\":0,\"most\":9007199254740991}");
	static const uint64_t BEYOND[] = {9007199254740992, 9007199254740993, UINT64_MAX};
	for (size_t i = 0; i < 3; i++) {
		doc = json_new();
		json_number(doc, "n", BEYOND[i]);
		json_text(doc, "after", "it sticks");
		assert_failed(doc);
	}
}

Test(json, every_byte_of_ascii_survives_a_text)
{
	char all[128];
	struct json *doc = json_new();
	size_t size = 0;

	for (int i = 1; i < 128; i++)
		all[i - 1] = (char)i;
	all[127] = '\0';
	json_text(doc, all, all);
	char *text = json_print(doc, &size);
	cr_assert_not_null(text);
	for (size_t i = 0; i < size; i++)
		cr_assert_geq((unsigned char)text[i], 0x20, "a raw control character");
	cJSON *back = cJSON_ParseWithLength(text, size);
	cr_assert_not_null(back);
	cr_expect_str_eq(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(back, all)), all);
	cJSON_Delete(back);
	free(text);
	json_free(doc);
}

Test(json, eight_deep_and_no_deeper)
{
	for (int depth = 7; depth < 12; depth++) {
		struct json *doc = json_new();
		size_t size = 0;

		for (int i = 0; i < depth; i++)
			json_open_object(doc, "o");
		for (int i = 0; i < depth; i++)
			json_close(doc);
		char *text = json_print(doc, &size);
		if (depth <= 7)
			cr_expect_not_null(text, "%d below the root", depth);
		if (depth > 8)
			cr_expect_null(text, "%d below the root", depth);
		free(text);
		json_free(doc);
	}
}

Test(json, null_does_nothing)
{
	size_t size = 77;

	json_text(NULL, "a", "b");
	json_number(NULL, "a", 1);
	json_bool(NULL, "a", true);
	json_open_array(NULL, "a");
	json_open_object(NULL, "a");
	json_close(NULL);
	cr_expect_null(json_print(NULL, &size));
	json_free(NULL);
}
