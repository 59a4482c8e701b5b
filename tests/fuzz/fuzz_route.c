/* The path of a request: it finds a route, or is refused with an answer; parameters never hold a slash. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/support/exchange.h"

static const struct http_route ROUTES[] = {
	{.method = "GET", .path = "/", .operation = "page"},
	{.method = "POST", .path = "/v1/records", .operation = "create"},
	{.method = "GET", .path = "/v1/records/{id}", .operation = "read"},
	{.method = "GET", .path = "/v1/records/{id}/versions/{n}", .operation = "version"},
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct bare_exchange bare;
	char *path = malloc(size + 1);

	if (!path)
		return 0;
	if (size)
		memcpy(path, bytes, size);
	path[size] = '\0';
	bare_exchange_init(&bare, "GET", ROUTES, sizeof(ROUTES) / sizeof(ROUTES[0]));
	if (!route_find(&bare.x, path))
		FUZZ_HOLDS(bare.x.reply.status >= 400 && bare.x.reply.status < 500);
	else
		for (size_t i = 0; i < 2; i++)
			FUZZ_HOLDS(!bare.x.params[i] || (bare.x.params[i][0] && !strchr(bare.x.params[i], '/')));
	bare_exchange_done(&bare);
	free(path);
	return 0;
}
