/*
 * Paths. The input: a byte for the method, then the path. A path that matches is spelt again from the route's template
 * and the parameters, escaped; that finds the same route with the same parameters.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/support/exchange.h"

static const char *const METHODS[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "get"};

static const struct http_route ROUTES[] = {
	{.method = "POST", .path = "/v1/records", .operation = "create"},
	{.method = "GET", .path = "/v1/records", .operation = "list"},
	{.method = "GET", .path = "/v1/records/{id}", .operation = "read"},
	{.method = "DELETE", .path = "/v1/records/{id}", .operation = "delete"},
	{.method = "GET", .path = "/v1/records/{id}/versions/{n}", .operation = "version"},
	{.method = "PUT", .path = "/{a}/{b}/{c}/{d}", .operation = "four"},
	{.method = "GET", .path = "/", .operation = "page"},
};

static bool find(struct bare_exchange *bare, const char *method, const char *path)
{
	bare_exchange_init(bare, method, ROUTES, sizeof(ROUTES) / sizeof(ROUTES[0]));
	return route_find(&bare->x, path);
}

static char *spell(const struct http_exchange *x)
{
	char *text = NULL;
	size_t size, param = 0;
	FILE *out = open_memstream(&text, &size);

	FUZZ_CHECK(out != NULL);
	for (const char *p = x->route->path; *p; p++) {
		if (*p != '{') {
			fputc(*p, out);
			continue;
		}
		p += strcspn(p, "}");
		FUZZ_CHECK(x->params[param] && *x->params[param] && !strchr(x->params[param], '/'));
		for (const char *c = x->params[param++]; *c; c++)
			fprintf(out, "%%%02x", (unsigned char)*c);
	}
	FUZZ_CHECK(fclose(out) == 0);
	return text;
}

static void found(const struct bare_exchange *bare, const char *method)
{
	char *spelt = spell(&bare->x);
	struct bare_exchange again;

	FUZZ_CHECK(bare->x.reply.status == 0);
	FUZZ_CHECK(strcmp(bare->x.route->method, bare->x.is_head ? "GET" : method) == 0);
	FUZZ_CHECK(find(&again, method, spelt) && again.x.route == bare->x.route);
	for (size_t i = 0; i < HTTP_PARAMS_MAX; i++) {
		const char *a = bare->x.params[i], *b = again.x.params[i];

		FUZZ_CHECK(a ? b && strcmp(a, b) == 0 : !b);
	}
	bare_exchange_done(&again);
	free(spelt);
}

static void refused(const struct bare_exchange *bare)
{
	const unsigned status = bare->x.reply.status;

	FUZZ_CHECK(!bare->x.route && (status == 400 || status == 404 || status == 405));
	FUZZ_CHECK((status == 405) == (bare_exchange_header(bare, "Allow") != NULL));
}

/* Against the rule as the contract tells it. */
static void unescape(const char *path)
{
	for (const char *p = path; *p; p++) {
		char byte = 'x', want;
		unsigned value;
		const bool hex = p[0] == '%' && p[1] && strspn(p + 1, "0123456789abcdefABCDEF") >= 2;

		if (*p != '%')
			continue;
		if (hex)
			sscanf(p + 1, "%2x", &value);
		want = hex && value && value != '/' ? (char)value : 'x';
		FUZZ_CHECK(route_unescape(p, &byte) == (hex && value && value != '/') && byte == want);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bare_exchange bare;
	const char *method;
	char *path;

	if (size < 2 || data[1] != '/') /* the gate refuses others before */
		return 0;
	method = METHODS[data[0] % (sizeof(METHODS) / sizeof(METHODS[0]))];
	path = fuzz_text(data + 1, size - 1);
	if (find(&bare, method, path))
		found(&bare, method);
	else
		refused(&bare);
	bare_exchange_done(&bare);
	unescape(path);
	free(path);
	return 0;
}
