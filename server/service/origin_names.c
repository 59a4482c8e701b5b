#include "server/service/origin_names.h"

#include <stdlib.h>
#include <string.h>

static const char *const ALWAYS[] = {"localhost", "127.0.0.1", "::1"};
enum { ALWAYS_COUNT = sizeof(ALWAYS) / sizeof(ALWAYS[0]) };

static size_t count(const char *list)
{
	size_t most = 1;

	for (const char *at = list; *at; at++)
		most += *at == ',';
	return most;
}

/* names: with commas between. */
static char *prefix_each(const char *names)
{
	static const char SCHEME[] = "https://";
	char *text = malloc(strlen(names) + count(names) * (sizeof(SCHEME) - 1) + 1), *to = text;

	for (const char *at = names; text; at++) {
		if (at == names || at[-1] == ',')
			to = stpcpy(to, SCHEME);
		*to++ = *at;
		if (!*at)
			break;
	}
	return text;
}

static bool split(struct origin_names *names, char *text)
{
	char *rest = text;

	names->text = text;
	names->list = text ? calloc(count(text), sizeof(*names->list)) : NULL;
	if (!names->list)
		return false;
	for (char *one; (one = strsep(&rest, ",")) != NULL;)
		names->list[names->origins.origin_count++] = one;
	names->origins.origins = names->list;
	return true;
}

static void add(struct origin_names *names, const char *const *hosts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		names->hosts[names->origins.host_name_count++] = hosts[i];
}

bool origin_names_init(struct origin_names *ret_names, const char *origin, const char *domain, const char *listen,
		       const char *host_name)
{
	struct origin_names names = {.text = NULL};
	struct origins *origins = &names.origins;

	if ((origin[0] || domain[0]) && !split(&names, origin[0] ? strdup(origin) : prefix_each(domain)))
		goto failed;
	if (!cert_names_init(&names.names, listen, host_name, domain))
		goto failed;
	names.hosts = calloc(ALWAYS_COUNT + names.names.count + names.names.other_count, sizeof(*names.hosts));
	if (!names.hosts)
		goto failed;
	add(&names, ALWAYS, ALWAYS_COUNT);
	add(&names, names.names.names, names.names.count);
	add(&names, names.names.others, names.names.other_count);
	origins->host_names = names.hosts;
	*ret_names = names;
	return true;
failed:
	origin_names_done(&names);
	return false;
}

void origin_names_done(struct origin_names *names)
{
	cert_names_done(&names->names);
	free(names->hosts);
	free(names->list);
	free(names->text);
	*names = (struct origin_names){.text = NULL};
}
