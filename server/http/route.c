#include <stdio.h>
#include <string.h>

#include "server/http/internal.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool route_unescape(const char *escape, char *ret_byte)
{
	int high = hex_value(escape[1]);
	int low = high < 0 ? -1 : hex_value(escape[2]);

	if (low < 0 || high * 16 + low == 0 || high * 16 + low == '/')
		return false;
	*ret_byte = (char)(high * 16 + low);
	return true;
}

bool route_decode(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		char c = *from;

		if (c == '%') {
			if (!route_unescape(from, &c))
				return false;
			from += 2;
		}
		*to++ = c;
	}
	*to = '\0';
	return true;
}

/* Whether the path has the route's shape; copies its parameters, decoded. *ret_bad: an escape was refused. */
static bool path_matches(struct http_exchange *x, const char *pattern, const char *path, bool *ret_bad)
{
	size_t params = 0;
	const char *found[HTTP_PARAMS_MAX] = {0};

	while (*pattern && *path) {
		size_t want = strcspn(pattern + 1, "/");
		size_t have = strcspn(path + 1, "/");

		if (*pattern != '/' || *path != '/')
			return false;
		if (pattern[1] == '{') {
			char *value = have && params < HTTP_PARAMS_MAX ? exchange_copy(x, path + 1, have) : NULL;

			if (!value)
				return false;
			if (!route_decode(value)) {
				*ret_bad = true;
				return false;
			}
			found[params++] = value;
		} else if (want != have || strncmp(pattern + 1, path + 1, want) != 0) {
			return false;
		}
		pattern += 1 + want;
		path += 1 + have;
	}
	if (*pattern || *path)
		return false;
	memcpy(x->params, found, sizeof(found));
	return true;
}

static void refuse_method(struct http_exchange *x, const char *url)
{
	const struct http_app *app = x->loop->server->options.app;
	char allow[128] = "";
	bool bad = false;

	for (size_t i = 0; i < app->route_count; i++) {
		size_t used = strlen(allow);

		if (!path_matches(x, app->routes[i].path, url, &bad))
			continue;
		snprintf(allow + used, sizeof(allow) - used, "%s%s%s", used ? ", " : "", app->routes[i].method,
			 strcmp(app->routes[i].method, "GET") == 0 ? ", HEAD" : "");
	}
	http_problem(x, PROBLEM_METHOD_NOT_ALLOWED, NULL);
	http_reply_header(x, "Allow", "%s", allow);
}

bool route_find(struct http_exchange *x, const char *url)
{
	const struct http_app *app = x->loop->server->options.app;
	const char *method = x->is_head ? "GET" : x->method;
	bool known = false, bad = false;

	for (size_t i = 0; i < app->route_count; i++) {
		const struct http_route *route = &app->routes[i];

		if (!path_matches(x, route->path, url, &bad))
			continue;
		known = true;
		if (strcmp(route->method, method) == 0) {
			x->route = route;
			return true;
		}
	}
	if (bad)
		http_problem(x, PROBLEM_BAD_REQUEST, "the path holds a malformed escape, a NUL or an encoded slash");
	else if (known)
		refuse_method(x, url);
	else
		http_problem(x, PROBLEM_NOT_FOUND, NULL);
	return false;
}
