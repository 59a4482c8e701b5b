#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "server/json/json.h"

static void assert_prints(struct json *doc, const char *expected)
{
	size_t size = 0;
	char *text = json_print(doc, &size);

	cr_assert_str_eq(text, expected);
	cr_assert_eq(size, strlen(expected));
	free(text);
	json_free(doc);
}

Test(json, writes_members_in_order)
{
	struct json *doc = json_new();

	json_text(doc, "name", "caf\xc3\xa9");
	json_number(doc, "zero", 0);
	json_number(doc, "largest", (UINT64_C(1) << 53) - 1);
	json_bool(doc, "yes", true);
	json_bool(doc, "no", false);
	assert_prints(doc,
		      "{\"name\":\"caf\xc3\xa9\",\"zero\":0,\"largest\":9007199254740991,\"yes\":true,\"no\":false}");
}

Test(json, nests_and_closes_what_is_left_open)
{
	struct json *doc = json_new();

	json_open_array(doc, "list");
	for (int i = 0; i < 2; i++) {
		json_open_object(doc, NULL);
		json_number(doc, "n", (uint64_t)i);
		json_close(doc);
	}
	json_close(doc);
	json_open_object(doc, "empty");
	json_close(doc);
	json_open_array(doc, "open");
	json_open_object(doc, NULL);
	json_text(doc, "a", "b");
	assert_prints(doc, "{\"list\":[{\"n\":0},{\"n\":1}],\"empty\":{},\"open\":[{\"a\":\"b\"}]}");
	assert_prints(json_new(), "{}");
}

/* Every byte that a string can hold, and longer than the first allocation, comes back from another's parser. */
Test(json, escapes_what_json_demands)
{
	char value[3 * 127 + 2000];
	size_t used = 0, size;

	for (int round = 0; round < 3; round++)
		for (char c = 1; c < 127; c++)
			value[used++] = c;
	memset(value + used, 'x', sizeof(value) - used - 1);
	value[sizeof(value) - 1] = '\0';
	struct json *doc = json_new();
	json_text(doc, value, value);
	char *text = json_print(doc, &size);
	for (size_t i = 0; i < size; i++)
		cr_assert_geq((unsigned char)text[i], ' ');
	cJSON *parsed = cJSON_ParseWithOpts(text, NULL, 1);
	cr_assert_not_null(parsed);
	cr_assert_str_eq(parsed->child->string, value);
	cr_assert_str_eq(parsed->child->valuestring, value);
	cJSON_Delete(parsed);
	free(text);
	json_free(doc);
	doc = json_new();
	json_text(doc, "t", "\"\\\b\f\n\r\t\x01\x1f/");
	assert_prints(doc, "{\"t\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f/\"}");
}

Test(json, a_failure_sticks)
{
	struct json *doc = json_new();
	size_t size;

	json_number(doc, "too_large", UINT64_C(1) << 53);
	json_text(doc, "a", "b");
	cr_assert_null(json_print(doc, &size));
	json_free(doc);
	doc = json_new();
	for (int i = 0; i < 20; i++)
		json_open_array(doc, i ? NULL : "deep");
	cr_assert_null(json_print(doc, &size));
	json_free(doc);
	json_text(NULL, "a", "b");
	json_close(NULL);
	cr_assert_null(json_print(NULL, &size));
}
