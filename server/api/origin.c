#include "server/api/origin.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char SCHEME[] = "https://";
static const char DEFAULT_PORT[] = ":443";
enum { HTTPS_PORT = 443 };

/* Host and port without the default one. */
static size_t authority_size(const char *authority)
{
	const size_t size = strlen(authority), tail = sizeof(DEFAULT_PORT) - 1;

	return size > tail && strcmp(authority + size - tail, DEFAULT_PORT) == 0 ? size - tail : size;
}

static bool same_authority(const char *a, const char *b)
{
	const size_t size = authority_size(a);

	return size == authority_size(b) && strncasecmp(a, b, size) == 0;
}

/* With the scheme, without the default port, in lower case: it goes into texts that are signed and compared as bytes.
 */
static void write_origin(const char *authority, char ret_origin[static DIRECTORY_ORIGIN_MAX + 1])
{
	snprintf(ret_origin, DIRECTORY_ORIGIN_MAX + 1, "%s%.*s", SCHEME, (int)authority_size(authority), authority);
	for (char *c = ret_origin; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
}

bool origin_find(const struct origins *origins, const char *host, uint16_t port,
		 char ret_origin[static DIRECTORY_ORIGIN_MAX + 1])
{
	char authority[DIRECTORY_ORIGIN_MAX + 1];

	for (size_t i = 0; i < origins->origin_count; i++) {
		const char *own = origins->origins[i] + sizeof(SCHEME) - 1;

		if (!same_authority(own, host))
			continue;
		write_origin(own, ret_origin);
		return true;
	}
	for (size_t i = 0; i < origins->host_name_count && origins->origin_count == 0; i++) {
		const char *name = origins->host_names[i];
		const char *form = strchr(name, ':') ? "[%s]:%u" : "%s:%u";

		snprintf(authority, sizeof(authority), form, name, port);
		if (!same_authority(authority, host))
			continue;
		write_origin(authority, ret_origin);
		return true;
	}
	return false;
}

bool call_origin(struct call *call, char ret_origin[static DIRECTORY_ORIGIN_MAX + 1])
{
	const char *host = http_host(call->x);
	const struct http_server *server = atomic_load(&call->api->server);
	/* Without TLS of its own the service is dialled through a proxy, on the port that goes without saying. */
	const uint16_t port = server && http_server_port(server) ? http_server_port(server) : HTTPS_PORT;

	if (host && server && origin_find(&call->api->options.origins, host, port, ret_origin))
		return true;
	http_problem(call->x, PROBLEM_MISDIRECTED, "--origin and --host-name say which names this server goes by");
	call->refused = true;
	return false;
}
