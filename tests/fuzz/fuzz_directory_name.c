/* Names of partners (server/core/directory.h): the grammar, written another way; folding twice changes nothing more. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/core/directory.h"
#include "tests/fuzz/fuzz.h"

static const char FIRST[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
static const char REST[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	char name[DIRECTORY_NAME_MAX + 1], again[DIRECTORY_NAME_MAX + 1];
	const size_t length = strlen(text);
	const bool good = length >= 1 && length <= 64 && strspn(text, FIRST) >= 1 && strspn(text, REST) == length;

	FUZZ_CHECK(directory_name(text, name) == good);
	if (good) {
		FUZZ_CHECK(strlen(name) == length && strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
		FUZZ_CHECK(strcasecmp(name, text) == 0);
		FUZZ_CHECK(directory_name(name, again) && strcmp(name, again) == 0);
	}
	free(text);
	return 0;
}
