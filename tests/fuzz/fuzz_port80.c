/*
 * The plain port's answers (server/http/port80_request.c). However a request is cut into pieces it is answered the
 * same; an answer is well-formed, and its Location is one of our origins with the target that was asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/port80_request.h"
#include "tests/fuzz/fuzz.h"

enum { PIECEWISE_MAX = 600 };

static const struct port80_name NAMES[] = {
	{.host = "clinic.example.org", .origin = "https://clinic.example.org"},
	{.host = "2001:db8::1", .origin = "https://[2001:db8::1]:8443"},
};

static bool prove(void *arg, const char *token, char ret_proof[static PORT80_PROOF_MAX])
{
	static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	(void)arg;
	FUZZ_CHECK(token[0] && strlen(token) <= PORT80_TOKEN_MAX && token[strspn(token, ALPHABET)] == '\0');
	snprintf(ret_proof, PORT80_PROOF_MAX, "%s.proof", token);
	return token[0] == 'A';
}

static const struct port80_site SITE = {.names = NAMES, .count = sizeof(NAMES) / sizeof(NAMES[0]), .proof = prove};

/* Status line and fields, each ended by CR LF and of visible characters, then a body as long as it says. */
static void check_form(const char *answer, size_t size, bool head)
{
	const char *const end = memmem(answer, size, "\r\n\r\n", 4);
	const char *length;
	size_t body;

	FUZZ_CHECK(end && size > 13 && memcmp(answer, "HTTP/1.1 ", 9) == 0);
	for (const char *c = answer; c < end; c++) {
		FUZZ_CHECK((*c == '\n') == (c > answer && c[-1] == '\r'));
		FUZZ_CHECK(*c == '\r' || *c == '\n' || (*c >= ' ' && *c <= '~'));
	}
	length = memmem(answer, size, "\r\nContent-Length: ", 18);
	FUZZ_CHECK(length && sscanf(length + 18, "%zu\r\n", &body) == 1);
	size -= (size_t)(end + 4 - answer);
	FUZZ_CHECK(size == body || (head && size == 0));
}

static void check_location(const char *request, size_t request_size, const char *answer, size_t size)
{
	const char *const location = memmem(answer, size, "\r\nLocation: ", 12);
	const bool redirects = memcmp(answer + 9, "301", 3) == 0;
	bool ours = false;

	FUZZ_CHECK((location != NULL) == redirects);
	for (size_t i = 0; redirects && i < SITE.count; i++) {
		const char *const origin = NAMES[i].origin, *const at = location + 12;
		const size_t origin_size = strlen(origin);
		const char *const line_end = memchr(at, '\r', size - (size_t)(at - answer));

		if (memcmp(at, origin, origin_size) != 0 || at[origin_size] != '/')
			continue;
		ours = true;
		/* The target is bytes of the request. */
		FUZZ_CHECK(memmem(request, request_size, at + origin_size, (size_t)(line_end - at) - origin_size));
	}
	FUZZ_CHECK(ours == redirects);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *const request = (const char *)data;
	char answer[PORT80_ANSWER_MAX], again[PORT80_ANSWER_MAX];
	const size_t taken = size < PORT80_HEAD_MAX ? size : PORT80_HEAD_MAX;
	const size_t answer_size = port80_answer(&SITE, request, taken, 0, 1700000000, answer);
	size_t again_size = 0;

	FUZZ_CHECK(answer_size < sizeof(answer));
	FUZZ_CHECK(answer_size > 0 || taken < PORT80_HEAD_MAX);
	if (answer_size > 0) {
		check_form(answer, answer_size, size > 5 && memcmp(request, "HEAD ", 5) == 0);
		check_location(request, taken, answer, answer_size);
	}
	/* Piece by piece; in a request that is refused for one byte, what is behind it does not matter. */
	for (size_t n = 1; n <= taken && taken <= PIECEWISE_MAX && again_size == 0; n++)
		again_size = port80_answer(&SITE, request, n, n - 1, 1700000000, again);
	if (taken <= PIECEWISE_MAX)
		FUZZ_CHECK(again_size == answer_size && memcmp(again, answer, answer_size) == 0);
	return 0;
}
