#include "crypto/fingerprint.h"

#include <stddef.h>

void fingerprint_digits(const uint8_t id[static DIGEST_SIZE], char ret_text[static FINGERPRINT_DIGITS_SIZE])
{
	char *to = ret_text;

	for (size_t i = 0; i < DIGEST_SIZE; i += 2) {
		unsigned word = (unsigned)id[i] << 8 | id[i + 1];

		for (int digit = 4; digit >= 0; digit--, word /= 10)
			to[digit] = (char)('0' + word % 10);
		to[5] = ' ';
		to += 6;
	}
	to[-1] = '\0';
}
