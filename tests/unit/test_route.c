#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/support/exchange.h"

static const struct http_route ROUTES[] = {
	{.method = "POST", .path = "/v1/records", .operation = "create"},
	{.method = "GET", .path = "/v1/records", .operation = "list"},
	{.method = "GET", .path = "/v1/records/{id}", .operation = "read"},
	{.method = "PUT", .path = "/v1/records/{id}", .operation = "replace"},
	{.method = "DELETE", .path = "/v1/records/{id}", .operation = "delete"},
	{.method = "GET", .path = "/v1/records/{id}/versions/{n}", .operation = "version"},
	{.method = "POST", .path = "/v1/login", .operation = "login"},
	{.method = "GET", .path = "/", .operation = "page"},
};

struct wanted {
	const char *method, *path;
	const char *operation; /* NULL: refused */
	const char *first, *second;
	unsigned status;
	const char *allow;
};

static const struct wanted WANTED[] = {
	{"GET", "/", "page", NULL, NULL, 0, NULL},
	{"POST", "/v1/records", "create", NULL, NULL, 0, NULL},
	{"GET", "/v1/records", "list", NULL, NULL, 0, NULL},
	{"HEAD", "/v1/records", "list", NULL, NULL, 0, NULL},
	{"GET", "/v1/records/abc", "read", "abc", NULL, 0, NULL},
	{"HEAD", "/v1/records/abc", "read", "abc", NULL, 0, NULL},
	{"DELETE", "/v1/records/abc", "delete", "abc", NULL, 0, NULL},
	{"GET", "/v1/records/abc/versions/12", "version", "abc", "12", 0, NULL},
	/* percent-decoding, once */
	{"GET", "/v1/records/a%62%63", "read", "abc", NULL, 0, NULL},
	{"GET", "/v1/records/%c3%A9", "read", "\xc3\xa9", NULL, 0, NULL},
	{"GET", "/v1/records/%2561", "read", "%61", NULL, 0, NULL},
	{"GET", "/v1/records/a+b", "read", "a+b", NULL, 0, NULL},
	{"GET", "/v1/records/%20", "read", " ", NULL, 0, NULL},
	{"GET", "/v1/records/..", "read", "..", NULL, 0, NULL},
	/* escapes that are refused */
	{"GET", "/v1/records/%00", NULL, NULL, NULL, 400, NULL},
	{"GET", "/v1/records/a%00b", NULL, NULL, NULL, 400, NULL},
	{"GET", "/v1/records/a%2fb", NULL, NULL, NULL, 400, NULL},
	{"GET", "/v1/records/a%2Fb", NULL, NULL, NULL, 400, NULL},
	{"GET", "/v1/records/%", NULL, NULL, NULL, 400, NULL},
	{"GET", "/v1/records/%4", NULL, NULL, NULL, 400, NULL},
	{"GET", "/v1/records/%4g", NULL, NULL, NULL, 400, NULL},
	{"GET", "/v1/records/%g4", NULL, NULL, NULL, 400, NULL},
	{"GET", "/v1/records/%%41", NULL, NULL, NULL, 400, NULL},
	{"GET", "/v1/records/a%4/versions/1", NULL, NULL, NULL, 400, NULL},
	{"GET", "/v1/records/a/versions/%2f", NULL, NULL, NULL, 400, NULL},
	/* absent */
	{"GET", "/v1", NULL, NULL, NULL, 404, NULL},
	{"GET", "/v1/", NULL, NULL, NULL, 404, NULL},
	{"GET", "/v1/record", NULL, NULL, NULL, 404, NULL},
	{"GET", "/v1/recordss", NULL, NULL, NULL, 404, NULL},
	{"GET", "/V1/records", NULL, NULL, NULL, 404, NULL},
	{"GET", "/v1/records/", NULL, NULL, NULL, 404, NULL},
	{"GET", "//v1/records", NULL, NULL, NULL, 404, NULL},
	{"GET", "/v1//records", NULL, NULL, NULL, 404, NULL},
	{"GET", "/v1/records//", NULL, NULL, NULL, 404, NULL},
	{"GET", "/v1/records/a/", NULL, NULL, NULL, 404, NULL},
	{"GET", "/v1/records/a/versions", NULL, NULL, NULL, 404, NULL},
	{"GET", "/v1/records//versions/1", NULL, NULL, NULL, 404, NULL},
	{"GET", "/v1/records/a/versions/1/2", NULL, NULL, NULL, 404, NULL},
	{"GET", "/v1/%72ecords", NULL, NULL, NULL, 404, NULL}, /* fixed segments have one spelling */
	{"BREW", "/nowhere", NULL, NULL, NULL, 404, NULL},
	/* there, but not with this method */
	{"PATCH", "/v1/records", NULL, NULL, NULL, 405, "POST, GET, HEAD"},
	{"DELETE", "/v1/records", NULL, NULL, NULL, 405, "POST, GET, HEAD"},
	{"POST", "/v1/records/a", NULL, NULL, NULL, 405, "GET, HEAD, PUT, DELETE"},
	{"get", "/v1/records/a", NULL, NULL, NULL, 405, "GET, HEAD, PUT, DELETE"},
	{"HEAD", "/v1/login", NULL, NULL, NULL, 405, "POST"},
	{"GET", "/v1/login", NULL, NULL, NULL, 405, "POST"},
	{"PUT", "/v1/records/a/versions/1", NULL, NULL, NULL, 405, "GET, HEAD"},
};

static void expect_text(const char *have, const char *want, const char *what)
{
	cr_expect((have == NULL) == (want == NULL) && (!have || strcmp(have, want) == 0), "%s: %s instead of %s", what,
		  have ? have : "nothing", want ? want : "nothing");
}

Test(route, each_path_and_method_finds_its_route_or_its_refusal)
{
	for (size_t i = 0; i < sizeof(WANTED) / sizeof(WANTED[0]); i++) {
		const struct wanted *want = &WANTED[i];
		struct bare_exchange bare;

		bare_exchange_init(&bare, want->method, ROUTES, sizeof(ROUTES) / sizeof(ROUTES[0]));
		cr_expect_eq(route_find(&bare.x, want->path), want->operation != NULL, "%s %s", want->method,
			     want->path);
		expect_text(bare.x.route ? bare.x.route->operation : NULL, want->operation, want->path);
		cr_expect_eq(bare.x.reply.status, want->status, "%s %s: %u", want->method, want->path,
			     bare.x.reply.status);
		expect_text(bare_exchange_header(&bare, "Allow"), want->allow, want->path);
		if (want->operation) {
			expect_text(bare.x.params[0], want->first, want->path);
			expect_text(bare.x.params[1], want->second, want->path);
		}
		bare_exchange_done(&bare);
	}
}

/* What a client put into a path never comes back in an error. */
Test(route, a_refusal_does_not_echo_the_path)
{
	static const char *const PATHS[] = {"/v1/nowhere-5317", "/v1/records/5317%00"};

	for (size_t i = 0; i < 2; i++) {
		struct bare_exchange bare;

		bare_exchange_init(&bare, "GET", ROUTES, sizeof(ROUTES) / sizeof(ROUTES[0]));
		cr_assert_not(route_find(&bare.x, PATHS[i]));
		cr_expect_null(memmem(bare.x.reply.bytes, bare.x.reply.size, "5317", 4));
		bare_exchange_done(&bare);
	}
}
