/*
 * If-None-Match against any entity tag (etag_list_has, server/api/conditional.h). The input: a byte for the size of the
 * tag, the tag, then the header's value. A tag is found only where it stands between quotes, in front of any list it is
 * found, and our own tags are judged as etag_listed() does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/conditional.h"
#include "tests/fuzz/fuzz.h"

static void check_tag(const char *value, const char *tag)
{
	const size_t size = strlen(value) + 2 * strlen(tag) + 64;
	char *text = malloc(size);

	FUZZ_CHECK(text != NULL);
	snprintf(text, size, "\"%s\"", tag);
	FUZZ_CHECK(!etag_list_has(value, tag) || strcmp(value, "*") == 0 || strstr(value, text) != NULL);
	if (!strchr(tag, '"')) {
		static const char *const FORMS[] = {"\"%s\"%s", "W/\"%s\",%s", "\"x\" , \t\"%s\" ,%s",
						    ",W/\"\",\"%s\",%s"};

		for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(text, size, FORMS[i], tag, value);
#pragma GCC diagnostic pop
			FUZZ_CHECK(etag_list_has(text, tag));
		}
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t tag_size;
	char *tag, *value, number[24];

	if (size == 0)
		return 0;
	tag_size = data[0] < size - 1 ? data[0] : size - 1;
	tag = fuzz_text(data + 1, tag_size);
	value = fuzz_text(data + 1 + tag_size, size - 1 - tag_size);
	check_tag(value, tag);
	for (uint64_t version = 1; version < 12; version++) {
		snprintf(number, sizeof(number), "%" PRIu64, version);
		FUZZ_CHECK(etag_list_has(value, number) == etag_listed(value, version));
	}
	free(tag);
	free(value);
	return 0;
}
