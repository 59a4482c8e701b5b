#include "server/core/printable.h"

/* How many bytes the character at `bytes` has, and which it is; 0: no UTF-8. */
static size_t read_character(const uint8_t *bytes, size_t size, uint32_t *ret_character)
{
	static const uint32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t first = bytes[0];
	const size_t length = first < 0x80   ? 1
			      : first < 0xc0 ? 0
			      : first < 0xe0 ? 2
			      : first < 0xf0 ? 3
			      : first < 0xf8 ? 4
					     : 0;
	uint32_t character = length == 1 ? first : length ? first & (0x7fU >> length) : 0;

	if (length == 0 || length > size)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (character < LEAST[length] || character > 0x10ffff || (character >= 0xd800 && character < 0xe000))
		return 0;
	*ret_character = character;
	return length;
}

static bool shows_itself(uint32_t c)
{
	if (c < ' ')
		return c == '\n' || c == '\t';
	return !(c >= 0x7f && c < 0xa0) && !(c >= 0x200e && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2066 && c <= 0x2069) && c != 0x61c;
}

bool printable_text(const uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		uint32_t character = 0;
		const size_t length = read_character(bytes + at, size - at, &character);

		if (length == 0 || !shows_itself(character))
			return false;
		at += length;
	}
	return true;
}
