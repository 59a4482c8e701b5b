/*
 * The gate, on heads as libmicrohttpd would hand them over: the test program's own MHD_get_connection_values_n() stands
 * before the library's.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/support/exchange.h"

enum { FIELDS_MAX = 5 };

struct field {
	const char *name, *value;
};

struct head {
	const char *method, *url;
	struct field fields[FIELDS_MAX];
	unsigned status; /* 0: let through */
	bool has_body;
	uint64_t length;
};

static const struct head *current;

int MHD_get_connection_values_n(struct MHD_Connection *connection, enum MHD_ValueKind kind, MHD_KeyValueIteratorN each,
				void *arg)
{
	int count = 0;

	(void)connection;
	if (kind != MHD_HEADER_KIND)
		return 0;
	for (; count < FIELDS_MAX && current->fields[count].name; count++) {
		const struct field *field = &current->fields[count];

		if (each(arg, kind, field->name, strlen(field->name), field->value, strlen(field->value)) != MHD_YES)
			break;
	}
	return count;
}

#define HOST                        \
	{                           \
		"Host", "localhost" \
	}

static const struct head HEADS[] = {
	{"GET", "/", {HOST}, 0, false, 0},
	{"GET", "/", {{"hOsT", "localhost"}}, 0, false, 0},
	{"POST", "/", {HOST, {"Content-Length", "0"}}, 0, false, 0},
	{"POST", "/", {HOST, {"Content-Length", "12"}}, 0, true, 12},
	{"POST", "/", {HOST, {"content-length", "0012"}}, 0, true, 12},
	{"POST", "/", {HOST, {"Content-Length", "999999999999999999"}}, 0, true, 999999999999999999},
	{"POST", "/", {HOST, {"Transfer-Encoding", "chunked"}}, 0, true, 0},
	{"POST", "/", {HOST, {"transfer-encoding", "Chunked"}}, 0, true, 0},
	{"POST", "/", {HOST, {"Content-Length", "1"}, {"Expect", "100-Continue"}}, 0, true, 1},
	{"GET", "/", {HOST, {"x-!#$%&'*+-.^_`|~9Z", "v"}}, 0, false, 0},
	/* methods */
	{"TRACE", "/", {HOST}, 501, false, 0},
	{"CONNECT", "/", {HOST}, 501, false, 0},
	/* Host */
	{"GET", "/", {{NULL, NULL}}, 400, false, 0},
	{"GET", "/", {HOST, HOST}, 400, false, 0},
	{"GET", "/", {HOST, {"HOST", "elsewhere"}}, 400, false, 0},
	/* framing */
	{"POST", "/", {HOST, {"Content-Length", "5"}, {"Content-Length", "5"}}, 400, false, 0},
	{"POST", "/", {HOST, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}, 400, false, 0},
	{"POST", "/", {HOST, {"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}}, 400, false, 0},
	{"POST", "/", {HOST, {"Transfer-Encoding", "gzip"}}, 501, false, 0},
	{"POST", "/", {HOST, {"Transfer-Encoding", "gzip, chunked"}}, 501, false, 0},
	{"POST", "/", {HOST, {"Transfer-Encoding", "chunked, chunked"}}, 501, false, 0},
	{"POST", "/", {HOST, {"Transfer-Encoding", "xchunked"}}, 501, false, 0},
	{"POST",
	 "/",
	 {HOST,
	  {"Transfer-Encoding", "\x0b"
				"chunked"}},
	 501,
	 false,
	 0},
	{"POST", "/", {HOST, {"Transfer-Encoding", ""}}, 501, false, 0},
	{"POST", "/", {HOST, {"Transfer-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}}, 501, false, 0},
	{"POST", "/", {HOST, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}, 501, false, 0},
	{"POST", "/", {HOST, {"Content-Length", ""}}, 400, false, 0},
	{"POST", "/", {HOST, {"Content-Length", "+5"}}, 400, false, 0},
	{"POST", "/", {HOST, {"Content-Length", "-5"}}, 400, false, 0},
	{"POST", "/", {HOST, {"Content-Length", "5 "}}, 400, false, 0},
	{"POST", "/", {HOST, {"Content-Length", "5,5"}}, 400, false, 0},
	{"POST", "/", {HOST, {"Content-Length", "0x5"}}, 400, false, 0},
	{"POST", "/", {HOST, {"Content-Length", "18446744073709551621"}}, 400, false, 0},
	/* names */
	{"GET", "/", {HOST, {"", "v"}}, 400, false, 0},
	{"GET", "/", {HOST, {"Content-Length ", "5"}}, 400, false, 0},
	{"GET", "/", {HOST, {"X Y", "v"}}, 400, false, 0},
	{"GET", "/", {HOST, {"X\tY", "v"}}, 400, false, 0},
	{"GET", "/", {HOST, {"X(Y)", "v"}}, 400, false, 0},
	{"GET", "/", {HOST, {"X\x7fY", "v"}}, 400, false, 0},
	{"GET", "/", {HOST, {"X\xc3\xa9", "v"}}, 400, false, 0},
	/* targets */
	{"GET", "", {HOST}, 400, false, 0},
	{"OPTIONS", "*", {HOST}, 400, false, 0},
	{"GET", "https://localhost/", {HOST}, 400, false, 0},
	/* expectations */
	{"POST", "/", {HOST, {"Expect", "something"}}, 417, false, 0},
};

Test(gate, each_head_is_let_through_or_refused)
{
	for (size_t i = 0; i < sizeof(HEADS) / sizeof(HEADS[0]); i++) {
		struct bare_exchange bare;

		current = &HEADS[i];
		bare_exchange_init(&bare, current->method, NULL, 0);
		cr_expect_eq(gate_check(&bare.x, current->url), current->status == 0, "head %zu", i);
		cr_expect_eq(bare.x.reply.status, current->status, "head %zu: %u", i, bare.x.reply.status);
		if (current->status == 0) {
			cr_expect_eq(bare.x.has_body, current->has_body, "head %zu", i);
			cr_expect_eq(bare.x.length, current->length, "head %zu", i);
		}
		bare_exchange_done(&bare);
	}
}
