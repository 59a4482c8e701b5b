#include "server/http/internal.h"

enum { RECORD_HEADER = 5, HANDSHAKE = 22, CLIENT_HELLO = 1, HELLO_MAX = 65536 };

/*
 * Walks the TLS records (RFC 8446 §5.1) that the handshake message (§4) may be spread over, its first four bytes too.
 * The last of them must be whole, since libraries read records.
 */
int hello_complete(const unsigned char *bytes, size_t size)
{
	size_t at = 0, have = 0;
	unsigned char head[4] = {0};

	if (size > 0 && bytes[0] != HANDSHAKE)
		return -1;
	while (size - at >= RECORD_HEADER) {
		const size_t length = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
		const size_t left = size - at - RECORD_HEADER;
		const size_t come = left < length ? left : length;
		size_t want;

		if (bytes[at] != HANDSHAKE || bytes[at + 1] != 3 || length == 0)
			return -1;
		at += RECORD_HEADER;
		for (size_t i = 0; i < come && have + i < sizeof(head); i++)
			head[have + i] = bytes[at + i];
		at += come;
		have += come;
		if (have < sizeof(head))
			continue;
		want = sizeof(head) + ((size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]);
		if (head[0] != CLIENT_HELLO || want > HELLO_MAX)
			return -1;
		if (come == length && have >= want)
			return 1;
	}
	return 0;
}
