#include "crypto/encode.h"

#include <string.h>

static const char HEX_DIGITS[] = "0123456789abcdef";
static const char BASE64_DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char BASE64URL_DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void encode_hex(const void *bytes, size_t size, char *ret_text)
{
	const uint8_t *in = bytes;

	for (size_t i = 0; i < size; i++) {
		*ret_text++ = HEX_DIGITS[in[i] >> 4];
		*ret_text++ = HEX_DIGITS[in[i] & 15];
	}
	*ret_text = '\0';
}

/* -1 when it is no digit. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool decode_hex(const char *text, size_t text_len, void *ret_bytes, size_t size)
{
	uint8_t *out = ret_bytes;

	if (text_len % 2 != 0 || text_len / 2 != size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_value(text[2 * i]);
		int low = hex_value(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Returns the end, where the terminator goes. */
static char *base64_write(const uint8_t *in, size_t size, const char *digits, bool pad, char *out)
{
	for (; size >= 3; size -= 3, in += 3) {
		uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
		*out++ = digits[group >> 18];
		*out++ = digits[group >> 12 & 63];
		*out++ = digits[group >> 6 & 63];
		*out++ = digits[group & 63];
	}
	if (size == 0)
		return out;
	uint32_t group = (uint32_t)in[0] << 16 | (size == 2 ? (uint32_t)in[1] << 8 : 0);
	*out++ = digits[group >> 18];
	*out++ = digits[group >> 12 & 63];
	if (size == 2)
		*out++ = digits[group >> 6 & 63];
	else if (pad)
		*out++ = '=';
	if (pad)
		*out++ = '=';
	return out;
}

void encode_base64(const void *bytes, size_t size, char *ret_text)
{
	*base64_write(bytes, size, BASE64_DIGITS, true, ret_text) = '\0';
}

void encode_base64url(const void *bytes, size_t size, char *ret_text)
{
	*base64_write(bytes, size, BASE64URL_DIGITS, false, ret_text) = '\0';
}

/* -1 when it is no digit of the alphabet whose last two are c62 and c63. */
static int base64_value(char c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == c62)
		return 62;
	return c == c63 ? 63 : -1;
}

/* Unpadded digits. The bits beyond the last whole byte must be zero, so that every value has one spelling. */
static bool base64_read(const char *text, size_t len, const char *digits, uint8_t *out, size_t cap, size_t *ret_size)
{
	size_t used = 0;
	uint32_t bits = 0;
	unsigned count = 0;

	if (len % 4 == 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		int value = base64_value(text[i], digits[62], digits[63]);
		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		count += 6;
		if (count < 8)
			continue;
		if (used == cap)
			return false;
		count -= 8;
		out[used++] = (uint8_t)(bits >> count);
		bits &= (1U << count) - 1;
	}
	if (bits != 0)
		return false;
	*ret_size = used;
	return true;
}

bool decode_base64(const char *text, size_t text_len, void *ret_bytes, size_t cap, size_t *ret_size)
{
	size_t len = text_len;

	if (text_len % 4 != 0)
		return false;
	for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
		len--;
	return base64_read(text, len, BASE64_DIGITS, ret_bytes, cap, ret_size);
}

bool decode_base64url(const char *text, size_t text_len, void *ret_bytes, size_t cap, size_t *ret_size)
{
	return base64_read(text, text_len, BASE64URL_DIGITS, ret_bytes, cap, ret_size);
}

static bool dash_at(size_t position)
{
	return position == 8 || position == 13 || position == 18 || position == 23;
}

void encode_uuid(const uint8_t id[static 16], char ret_text[static ENCODE_UUID_CHARS + 1])
{
	size_t digit = 0;

	for (size_t i = 0; i < ENCODE_UUID_CHARS; i++) {
		if (dash_at(i)) {
			ret_text[i] = '-';
			continue;
		}
		ret_text[i] = HEX_DIGITS[digit % 2 ? id[digit / 2] & 15 : id[digit / 2] >> 4];
		digit++;
	}
	ret_text[ENCODE_UUID_CHARS] = '\0';
}

bool decode_uuid(const char *text, uint8_t ret_id[static 16])
{
	char digits[32];
	size_t count = 0;

	for (size_t i = 0; i < ENCODE_UUID_CHARS; i++) {
		char c = text[i];
		if (dash_at(i)) {
			if (c != '-')
				return false;
			continue;
		}
		if (hex_value(c) < 0 || (c >= 'A' && c <= 'F'))
			return false;
		digits[count++] = c;
	}
	return text[ENCODE_UUID_CHARS] == '\0' && decode_hex(digits, sizeof(digits), ret_id, 16);
}
