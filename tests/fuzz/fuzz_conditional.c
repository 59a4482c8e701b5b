/*
 * Range, If-Match, If-None-Match and If-Range (server/api/conditional.h). The input: 16 bytes for two numbers, then the
 * header's value. A part lies within the representation; our own tags and ranges, made of the numbers, are understood.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/wire.h"
#include "server/api/conditional.h"
#include "tests/fuzz/fuzz.h"

static const char DATE[] = "Mon, 02 Feb 2026 03:04:05 GMT";

static void any_range(const char *value, uint64_t size)
{
	uint64_t first = 99, length = 98;
	const enum range_kind kind = range_parse(value, size, &first, &length);

	if (kind != RANGE_PART) {
		FUZZ_CHECK(first == 99 && length == 98);
		return;
	}
	FUZZ_CHECK(length > 0 && length <= size && first <= size - length);
	FUZZ_CHECK(strncasecmp(value, "bytes=", 6) == 0 && !strchr(value, ','));
	/* The same part of a longer representation, when both ends were given. */
	if (value[6] != '-' && value[strlen(value) - 1] != '-' && size < UINT64_MAX) {
		uint64_t first_again, length_again;

		FUZZ_CHECK(range_parse(value, size + 1, &first_again, &length_again) == RANGE_PART);
		FUZZ_CHECK(first_again == first && length_again >= length && length_again <= length + 1);
	}
}

static void our_range(uint64_t first, uint64_t size)
{
	char text[64];
	uint64_t from = 0, length = 0;
	enum range_kind kind;

	snprintf(text, sizeof(text), "bytes=%" PRIu64 "-", first);
	kind = range_parse(text, size, &from, &length);
	FUZZ_CHECK(kind == (first < size ? RANGE_PART : RANGE_UNSATISFIABLE));
	FUZZ_CHECK(kind != RANGE_PART || (from == first && length == size - first));
	snprintf(text, sizeof(text), "bytes=-%" PRIu64, first);
	kind = range_parse(text, size, &from, &length);
	FUZZ_CHECK(kind == (first > 0 && size > 0 ? RANGE_PART : RANGE_UNSATISFIABLE));
	FUZZ_CHECK(kind != RANGE_PART || (from + length == size && (length == first || length == size)));
	snprintf(text, sizeof(text), "bytes=%" PRIu64 "-%" PRIu64, first, first);
	kind = range_parse(text, size, &from, &length);
	FUZZ_CHECK(kind == (first < size ? RANGE_PART : RANGE_UNSATISFIABLE));
	FUZZ_CHECK(kind != RANGE_PART || (from == first && length == 1));
}

static void any_tag(const char *value, uint64_t other)
{
	uint64_t version = 97;
	char again[32];

	if (!etag_parse_one(value, &version)) {
		FUZZ_CHECK(version == 97);
		FUZZ_CHECK(range_allowed(value, other, DATE) == (strcmp(value, DATE) == 0));
		return;
	}
	snprintf(again, sizeof(again), "\"%" PRIu64 "\"", version);
	FUZZ_CHECK(strcmp(again, value) == 0);
	FUZZ_CHECK(etag_listed(value, version) && etag_listed(value, other) == (version == other));
	FUZZ_CHECK(range_allowed(value, version, DATE) && range_allowed(value, other, DATE) == (version == other));
}

/* A list names a version only where its tag stands; put before any list, our tag is found. No version is 0. */
static void any_list(const char *value, uint64_t version)
{
	const size_t size = strlen(value) + 64;
	char *longer = malloc(size);
	char tag[32];

	FUZZ_CHECK(longer != NULL);
	snprintf(tag, sizeof(tag), "\"%" PRIu64 "\"", version);
	if (version && etag_listed(value, version))
		FUZZ_CHECK(strcmp(value, "*") == 0 || strstr(value, tag) != NULL);
	snprintf(longer, size, "\"some\", W/%s, %s", tag, value);
	FUZZ_CHECK(version == 0 || etag_listed(longer, version));
	free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_in in;
	uint64_t first, second;
	char *value;

	wire_in_init(&in, data, size);
	first = wire_get_u64(&in);
	second = wire_get_u64(&in);
	if (in.failed)
		return 0;
	value = fuzz_text(data + in.at, size - in.at);
	any_range(value, first);
	any_range(value, second % 64);
	our_range(first, second);
	any_tag(value, first);
	any_list(value, first);
	any_list(value, second % 16);
	free(value);
	return 0;
}
