#include "server/http/internal.h"

enum { RECORD_HEADER = 5, HANDSHAKE = 22, CLIENT_HELLO = 1, HELLO_MAX = 65536 };

/* Walks the TLS records (RFC 8446 §5.1) that the handshake message (§4) may be spread over. */
int hello_complete(const unsigned char *bytes, size_t size)
{
	size_t at = 0, have = 0, want = 4;
	unsigned char head[4] = {0};

	if (size > 0 && bytes[0] != HANDSHAKE)
		return -1;
	while (size - at >= RECORD_HEADER) {
		size_t length = (size_t)bytes[at + 3] << 8 | bytes[at + 4];

		if (bytes[at] != HANDSHAKE || bytes[at + 1] != 3 || length == 0)
			return -1;
		for (size_t i = 0; have < 4 && i < length && at + RECORD_HEADER + i < size; i++)
			head[have++] = bytes[at + RECORD_HEADER + i];
		if (have == 4) {
			if (head[0] != CLIENT_HELLO)
				return -1;
			want = 4 + ((size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]);
			if (want > HELLO_MAX)
				return -1;
		}
		if (size - at - RECORD_HEADER < length)
			return 0;
		at += RECORD_HEADER + length;
		want = want > length ? want - length : 0;
		if (want == 0)
			return 1;
		if (have == 4) {
			/* The rest of a message that goes on in further records. */
			while (size - at >= RECORD_HEADER && want > 0) {
				length = (size_t)bytes[at + 3] << 8 | bytes[at + 4];
				if (bytes[at] != HANDSHAKE || length == 0)
					return -1;
				if (size - at - RECORD_HEADER < length)
					return 0;
				at += RECORD_HEADER + length;
				want = want > length ? want - length : 0;
			}
			return want == 0;
		}
	}
	return 0;
}
