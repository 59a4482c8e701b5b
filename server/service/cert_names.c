#include "server/service/cert_names.h"

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

static bool has(const char *const *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(list[i], name) == 0)
			return true;
	return false;
}

static void add(struct cert_names *names, const char *name)
{
	if (name[0] != '\0' && !has(names->names, names->count, name) && !has(names->others, names->other_count, name))
		names->names[names->count++] = name;
}

/* How many names a list holds. */
static size_t length(const char *list)
{
	size_t count = 1;

	for (const char *at = list; *at; at++)
		count += *at == ',';
	return count;
}

bool cert_names_init(struct cert_names *ret_names, const char *listen, const char *list, const char *domain)
{
	struct cert_names names = {0};
	char host[HOST_MAX] = "", address[INET6_ADDRSTRLEN];
	char *rest;

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	address_of(listen, address);
	if (cert_names_all_addresses(listen))
		address[0] = '\0';
	names.names = calloc(length(list) + 2, sizeof(*names.names)); /* and host and address */
	names.others = calloc(length(domain), sizeof(*names.others));
	names.domain = rest = strdup(domain);
	if (!names.names || !names.others || !names.domain ||
	    asprintf(&names.text, "%s,%s,%s", host, address, list) < 0) {
		names.text = NULL;
		cert_names_done(&names);
		return false;
	}
	for (char *name; (name = strsep(&rest, ",")) != NULL;)
		if (name[0] != '\0')
			names.others[names.other_count++] = name;
	rest = names.text;
	for (char *name; (name = strsep(&rest, ",")) != NULL;)
		add(&names, name);
	*ret_names = names;
	return true;
}

void cert_names_done(struct cert_names *names)
{
	free(names->names);
	free(names->others);
	free(names->text);
	free(names->domain);
	*names = (struct cert_names){0};
}
