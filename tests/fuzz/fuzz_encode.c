/*
 * Hexadecimal, base64, base64url and UUID text. What decodes has one spelling (hexadecimal: but for its case), which
 * the encoder gives back; nothing is written beyond the room there is; and what is encoded decodes.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "tests/fuzz/fuzz.h"

typedef bool decode_function(const char *text, size_t text_len, void *ret_bytes, size_t cap, size_t *ret_size);
typedef void encode_function(const void *bytes, size_t size, char *ret_text);

static void *room(size_t size)
{
	void *memory = malloc(size ? size : 1);

	FUZZ_CHECK(memory != NULL);
	return memory;
}

/* Decoded into every room from `size - 1` to `size`, of its very size, where the address sanitizer watches. */
static void base64_text(const char *text, size_t len, decode_function *decode, encode_function *encode)
{
	uint8_t *bytes = room(len);
	size_t size = 0, again = 0;

	if (decode(text, len, bytes, len, &size)) {
		char *back = room(ENCODE_BASE64_SIZE(size));
		uint8_t *exact = room(size);

		FUZZ_CHECK(size <= len / 4 * 3 + 2);
		encode(bytes, size, back);
		FUZZ_CHECK(strlen(back) == len && memcmp(back, text, len) == 0);
		FUZZ_CHECK(decode(text, len, exact, size, &again) && again == size);
		FUZZ_CHECK(memcmp(exact, bytes, size) == 0);
		FUZZ_CHECK(size == 0 || !decode(text, len, exact, size - 1, &again));
		free(exact);
		free(back);
	} else {
		FUZZ_CHECK(size == 0);
	}
	free(bytes);
}

static void base64_bytes(const uint8_t *data, size_t size, decode_function *decode, encode_function *encode)
{
	char *text = room(ENCODE_BASE64_SIZE(size));
	uint8_t *back = room(size);
	size_t used = 0;

	encode(data, size, text);
	FUZZ_CHECK(decode(text, strlen(text), back, size, &used) && used == size && memcmp(back, data, size) == 0);
	free(back);
	free(text);
}

static void hex_text(const char *text, size_t len)
{
	uint8_t *bytes = room(len / 2);

	if (decode_hex(text, len, bytes, len / 2)) {
		char *back = room(len + 1);

		encode_hex(bytes, len / 2, back);
		FUZZ_CHECK(strlen(back) == len);
		for (size_t i = 0; i < len; i++)
			FUZZ_CHECK(back[i] == tolower((unsigned char)text[i]));
		FUZZ_CHECK(!decode_hex(text, len, bytes, len / 2 + 1));
		free(back);
	}
	free(bytes);
}

static void hex_bytes(const uint8_t *data, size_t size)
{
	char *text = room(2 * size + 1);
	uint8_t *back = room(size);

	encode_hex(data, size, text);
	FUZZ_CHECK(decode_hex(text, 2 * size, back, size) && memcmp(back, data, size) == 0);
	free(back);
	free(text);
}

static void uuid(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	char back[ENCODE_UUID_CHARS + 1];
	uint8_t id[16] = {0};

	if (decode_uuid(text, id)) {
		encode_uuid(id, back);
		FUZZ_CHECK(strcmp(back, text) == 0);
	}
	memcpy(id, data, size < sizeof(id) ? size : sizeof(id));
	encode_uuid(id, back);
	uint8_t again[16];
	FUZZ_CHECK(decode_uuid(back, again) && memcmp(again, id, sizeof(id)) == 0);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	base64_text(text, size, decode_base64, encode_base64);
	base64_text(text, size, decode_base64url, encode_base64url);
	base64_bytes(data, size, decode_base64, encode_base64);
	base64_bytes(data, size, decode_base64url, encode_base64url);
	hex_text(text, size);
	hex_bytes(data, size);
	uuid(data, size);
	return 0;
}
