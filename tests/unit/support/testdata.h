/* Test vectors from files. Hexadecimal in JSON, as Wycheproof writes it. */
#ifndef COFFER_TESTS_TESTDATA_H
#define COFFER_TESTS_TESTDATA_H

#include <stddef.h>
#include <stdint.h>

struct cJSON;

/* Bytes on the heap: free(b). */
struct testdata_bytes {
	uint8_t *b;
	size_t size;
};

/*
 * The path of a file of the shared test data: below $COFFER_TEST_DATA, or else source_dir/../shared/data.
 * Says on stdout when it is not there. The caller frees; NULL when the file is absent.
 */
char *testdata_path(const char *source_dir, const char *file);

/* The whole file and a terminator beyond its size; b is NULL when it cannot be read. */
struct testdata_bytes testdata_read(const char *path);

/* A JSON file; NULL when it cannot be read or parsed. Free with cJSON_Delete(). */
struct cJSON *testdata_json(const char *path);

/* The string member `name`; ends the program when there is none. Borrowed. */
const char *testdata_text(const struct cJSON *object, const char *name);

/* A hexadecimal string, never NULL; ends the program when it is not one. */
struct testdata_bytes testdata_unhex(const char *hex);

/* testdata_unhex() of a member. */
struct testdata_bytes testdata_hex(const struct cJSON *object, const char *name);

#endif
