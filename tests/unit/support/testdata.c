#include "tests/unit/support/testdata.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/encode.h"

static void *must(void *pointer)
{
	if (!pointer)
		abort();
	return pointer;
}

char *testdata_path(const char *source_dir, const char *file)
{
	const char *root = getenv("COFFER_TEST_DATA");
	char *path = NULL;
	int length =
		root ? asprintf(&path, "%s/%s", root, file) : asprintf(&path, "%s/../shared/data/%s", source_dir, file);

	if (length < 0)
		abort();
	if (access(path, R_OK) == 0)
		return path;
	printf("SKIPPED: no %s (set COFFER_TEST_DATA to the folder that has it)\n", file);
	fflush(stdout);
	free(path);
	return NULL;
}

struct testdata_bytes testdata_read(const char *path)
{
	struct testdata_bytes bytes = {0};
	size_t cap = 65536;
	FILE *file = fopen(path, "rb");

	if (!file)
		return bytes;
	bytes.b = must(malloc(cap + 1));
	for (;;) {
		size_t got = fread(bytes.b + bytes.size, 1, cap - bytes.size, file);
		bytes.size += got;
		if (got == 0)
			break;
		if (bytes.size == cap) {
			cap *= 2;
			bytes.b = must(realloc(bytes.b, cap + 1));
		}
	}
	bytes.b[bytes.size] = 0;
	fclose(file);
	return bytes;
}

struct cJSON *testdata_json(const char *path)
{
	struct testdata_bytes text = testdata_read(path);
	if (!text.b)
		return NULL;
	struct cJSON *json = cJSON_Parse((const char *)text.b);
	free(text.b);
	return json;
}

const char *testdata_text(const struct cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
	if (!text) {
		fprintf(stderr, "test data: no string \"%s\"\n", name);
		abort();
	}
	return text;
}

struct testdata_bytes testdata_unhex(const char *hex)
{
	struct testdata_bytes bytes = {.size = strlen(hex) / 2};

	bytes.b = must(malloc(bytes.size + 1));
	if (!decode_hex(hex, strlen(hex), bytes.b, bytes.size)) {
		fprintf(stderr, "test data: not hexadecimal\n");
		abort();
	}
	return bytes;
}

struct testdata_bytes testdata_hex(const struct cJSON *object, const char *name)
{
	return testdata_unhex(testdata_text(object, name));
}
