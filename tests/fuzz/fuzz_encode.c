/* Text of bytes: what is accepted is what would have been written. */
#include <string.h>

#include "crypto/encode.h"
#include "tests/fuzz/fuzz.h"

static void base64_has_one_spelling(const char *text, size_t size)
{
	uint8_t *bytes = malloc(size + 1);
	char *again = malloc(ENCODE_BASE64_SIZE(size));
	size_t count = 0;

	if (bytes && again && decode_base64(text, size, bytes, size, &count)) {
		encode_base64(bytes, count, again);
		FUZZ_HOLDS(strlen(again) == size && memcmp(again, text, size) == 0);
	}
	if (bytes && again && decode_base64url(text, size, bytes, size, &count)) {
		encode_base64url(bytes, count, again);
		FUZZ_HOLDS(strlen(again) == size && memcmp(again, text, size) == 0);
	}
	free(again);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1);
	char again[ENCODE_UUID_CHARS + 1];
	uint8_t id[16];

	if (!text)
		return 0;
	if (size)
		memcpy(text, bytes, size);
	text[size] = '\0';
	base64_has_one_spelling(text, size);
	if (decode_uuid(text, id)) {
		encode_uuid(id, again);
		FUZZ_HOLDS(strcmp(again, text) == 0);
	}
	decode_hex(text, size, id, sizeof(id));
	free(text);
	return 0;
}
