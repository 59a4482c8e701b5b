#include "server/service/plain_port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/origin.h"
#include "server/service/listen_error.h"

struct name {
	char host[DIRECTORY_ORIGIN_MAX + 1];
	char origin[DIRECTORY_ORIGIN_MAX + 1];
};

struct plain_port {
	struct port80 *port80;
	struct port80_name *list; /* points into names */
	struct name *names;
	size_t count;
};

/* Of "host:port" or "[v6]:port" or without a port. */
static void write_host(const char *authority, char ret_host[static DIRECTORY_ORIGIN_MAX + 1])
{
	const bool brackets = authority[0] == '[';
	const size_t size = brackets ? strcspn(authority, "]") - 1 : strcspn(authority, ":");

	snprintf(ret_host, DIRECTORY_ORIGIN_MAX + 1, "%.*s", (int)size, authority + brackets);
}

static void add(struct plain_port *port, const struct origins *origins, const char *authority, uint16_t https_port)
{
	struct name *name = &port->names[port->count];

	if (!origin_find(origins, authority, https_port, name->origin))
		return;
	write_host(authority, name->host);
	port->list[port->count] = (struct port80_name){.host = name->host, .origin = name->origin};
	port->count++;
}

/* The origins come first: they say which port clients dial. */
static bool list_names(struct plain_port *port, const struct plain_port_options *options)
{
	const struct origins *own = options->origins;
	const struct origins hosts = {.host_names = own->host_names, .host_name_count = own->host_name_count};
	const size_t most = own->origin_count + own->host_name_count;
	char authority[DIRECTORY_ORIGIN_MAX + 1];

	port->names = calloc(most ? most : 1, sizeof(*port->names));
	port->list = calloc(most ? most : 1, sizeof(*port->list));
	if (!port->names || !port->list)
		return false;
	for (size_t i = 0; i < own->origin_count; i++)
		add(port, own, strstr(own->origins[i], "://") + 3, options->https_port);
	for (size_t i = 0; i < own->host_name_count; i++) {
		const char *form = strchr(own->host_names[i], ':') ? "[%s]:%u" : "%s:%u";

		snprintf(authority, sizeof(authority), form, own->host_names[i], options->https_port);
		add(port, &hosts, authority, options->https_port);
	}
	return true;
}

bool plain_port_new(const struct plain_port_options *options, struct plain_port **ret_port, char *ret_error,
		    size_t error_size)
{
	struct plain_port *port = calloc(1, sizeof(*port));
	struct port80_options http = {.listen = options->listen, .head_ms = options->head_ms};
	enum http_status status = HTTP_NOMEM;

	if (port && list_names(port, options)) {
		http.site = (struct port80_site){
			.names = port->list, .count = port->count, .proof = options->proof, .arg = options->arg};
		status = port80_start(&http, &port->port80);
	}
	if (status != HTTP_OK) {
		listen_error(status, options->listen, "--http-redirect", ret_error, error_size);
		plain_port_free(port);
		return false;
	}
	*ret_port = port;
	return true;
}

uint16_t plain_port_number(const struct plain_port *port)
{
	return port80_port(port->port80);
}

void plain_port_free(struct plain_port *port)
{
	if (!port)
		return;
	port80_free(port->port80);
	free(port->list);
	free(port->names);
	free(port);
}
