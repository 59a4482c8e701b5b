#include "server/cli/cert_names.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { HOST_MAX = 256 };

/* The address without brackets and port; empty for what is none. */
static void address_of(const char *listen, char ret_address[static INET6_ADDRSTRLEN])
{
	const char *end = strrchr(listen, ':');
	size_t size = end ? (size_t)(end - listen) : 0;

	if (size >= 2 && listen[0] == '[') {
		listen++;
		size -= 2;
	}
	if (size >= INET6_ADDRSTRLEN)
		size = 0;
	memcpy(ret_address, listen, size);
	ret_address[size] = '\0';
}

bool cert_names_all_addresses(const char *listen)
{
	static const struct in6_addr nowhere;
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	address_of(listen, text);
	if (inet_pton(AF_INET6, text, &address) == 1)
		return memcmp(&address, &nowhere, sizeof(nowhere)) == 0;
	return inet_pton(AF_INET, text, &address) == 1 && memcmp(&address, &nowhere, sizeof(struct in_addr)) == 0;
}

static void add(struct cert_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcasecmp(names->names[i], name) == 0)
			return;
	if (name[0] != '\0')
		names->names[names->count++] = name;
}

bool cert_names_init(struct cert_names *ret_names, const char *listen, const char *list)
{
	struct cert_names names = {0};
	char host[HOST_MAX] = "", address[INET6_ADDRSTRLEN];
	size_t most = 3; /* host, address, and one more than the list has commas */
	char *rest;

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	address_of(listen, address);
	if (cert_names_all_addresses(listen))
		address[0] = '\0';
	for (const char *at = list; *at; at++)
		most += *at == ',';
	names.names = calloc(most, sizeof(*names.names));
	if (!names.names || asprintf(&names.text, "%s,%s,%s", host, address, list) < 0) {
		names.text = NULL;
		cert_names_done(&names);
		return false;
	}
	rest = names.text;
	for (char *name; (name = strsep(&rest, ",")) != NULL;)
		add(&names, name);
	*ret_names = names;
	return true;
}

void cert_names_done(struct cert_names *names)
{
	free(names->names);
	free(names->text);
	*names = (struct cert_names){0};
}
