#include <criterion/criterion.h>
#include <string.h>

#include "server/http/internal.h"

/* A ClientHello of `body` bytes behind its four, cut into records of at most `piece` bytes. Returns the size. */
static size_t make_hello(unsigned char *out, size_t body, size_t piece)
{
	unsigned char message[2048] = {1, 0, (unsigned char)(body >> 8), (unsigned char)body};
	size_t total = body + 4, at = 0, size = 0;

	while (at < total) {
		size_t n = total - at < piece ? total - at : piece;

		memcpy(out + size, (unsigned char[]){22, 3, 1, (unsigned char)(n >> 8), (unsigned char)n}, 5);
		memcpy(out + size + 5, message + at, n);
		size += 5 + n;
		at += n;
	}
	return size;
}

Test(hello, is_complete_with_its_last_byte_and_not_before)
{
	static const size_t PIECES[] = {2000, 517, 100, 7, 4, 3, 2, 1};
	unsigned char bytes[8192];

	for (size_t p = 0; p < sizeof(PIECES) / sizeof(PIECES[0]); p++) {
		size_t size = make_hello(bytes, 600, PIECES[p]);

		for (size_t n = 0; n < size; n++)
			cr_assert_eq(hello_complete(bytes, n), 0, "piece %zu, %zu of %zu bytes", PIECES[p], n, size);
		cr_assert_eq(hello_complete(bytes, size), 1, "piece %zu", PIECES[p]);
		cr_assert_eq(hello_complete(bytes, size + 20), 1, "what follows does not matter");
	}
}

Test(hello, what_is_no_tls_handshake_is_refused)
{
	unsigned char bytes[8192];
	size_t size = make_hello(bytes, 600, 2000);

	cr_assert_eq(hello_complete((const unsigned char *)"GET / HTTP/1.1\r\n", 16), -1);
	bytes[5] = 2; /* a ServerHello */
	cr_assert_eq(hello_complete(bytes, size), -1);
	size = make_hello(bytes, 600, 2000);
	bytes[1] = 2; /* no TLS version */
	cr_assert_eq(hello_complete(bytes, size), -1);
	size = make_hello(bytes, 600, 2000);
	bytes[6] = 0x7f; /* a message of 8 MiB */
	cr_assert_eq(hello_complete(bytes, size), -1);
}
