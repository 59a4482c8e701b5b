/* Bytes as text and back: hexadecimal, base64 and base64url (RFC 4648 §4, §5, §8), UUID text (RFC 9562 §4). */
#ifndef COFFER_CRYPTO_ENCODE_H
#define COFFER_CRYPTO_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ENCODE_UUID_CHARS = 36, /* without the terminator */
};

/* Characters that base64 with padding needs for `size` bytes, terminator included; size at most SIZE_MAX / 2. */
#define ENCODE_BASE64_SIZE(size) ((((size) + 2) / 3) * 4 + 1)

/* Lower-case hexadecimal, 2 * size characters and a terminator. */
void encode_hex(const void *bytes, size_t size, char *ret_text);

/* Exactly 2 * size hexadecimal digits of either case, nothing else; false leaves ret_bytes undefined. */
bool decode_hex(const char *text, size_t text_len, void *ret_bytes, size_t size);

/* Base64 with padding: ENCODE_BASE64_SIZE(size) characters, terminator included. */
void encode_base64(const void *bytes, size_t size, char *ret_text);

/* Base64url without padding, terminated; room of ENCODE_BASE64_SIZE(size) suffices. */
void encode_base64url(const void *bytes, size_t size, char *ret_text);

/*
 * Strict decoding: no white space, canonical trailing bits; padding required for base64, refused for base64url.
 * At most `cap` bytes are written and their number put in ret_size; false when the text is malformed or too long.
 */
bool decode_base64(const char *text, size_t text_len, void *ret_bytes, size_t cap, size_t *ret_size);
bool decode_base64url(const char *text, size_t text_len, void *ret_bytes, size_t cap, size_t *ret_size);

/* 8-4-4-4-12 lower-case, 36 characters and a terminator. */
void encode_uuid(const uint8_t id[static 16], char ret_text[static ENCODE_UUID_CHARS + 1]);

/* Exactly the 36 characters that encode_uuid() writes: one spelling for each id, so upper case is refused. */
bool decode_uuid(const char *text, uint8_t ret_id[static 16]);

#endif
