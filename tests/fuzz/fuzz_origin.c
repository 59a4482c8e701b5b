/*
 * Which of the server's origins a Host names (server/api/origin.h). The input: two bytes of port, then lines: the Host,
 * the setting of origins, the list of host names; what the settings would refuse is not asked about. An origin that is
 * found is one of the configured, spelt one way, and its own authority finds it again.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/api/origin.h"
#include "server/settings/settings_value.h"
#include "tests/fuzz/fuzz.h"

enum { LIST_MAX = 64 };

/* At commas, in place. */
static size_t split(char *text, const char **ret_list)
{
	size_t count = 0;

	for (char *one; text && *text && count < LIST_MAX && (one = strsep(&text, ",")) != NULL;)
		ret_list[count++] = one;
	return count;
}

static void check_found(const struct origins *origins, const char *host, uint16_t port, const char *origin)
{
	static const char SCHEME[] = "https://", PORT[] = ":443";
	const char *authority = origin + sizeof(SCHEME) - 1;
	const size_t size = strlen(authority), host_size = strlen(host);
	char again[DIRECTORY_ORIGIN_MAX + 1];

	FUZZ_CHECK(strncmp(origin, SCHEME, sizeof(SCHEME) - 1) == 0 && size > 0);
	FUZZ_CHECK(strpbrk(origin, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
	FUZZ_CHECK(size < 4 || strcmp(authority + size - 4, PORT) != 0);
	FUZZ_CHECK(strncasecmp(authority, host, size) == 0);
	FUZZ_CHECK(host_size == size || (host_size == size + 4 && strcmp(host + size, PORT) == 0));
	FUZZ_CHECK(origin_find(origins, authority, port, again) && strcmp(again, origin) == 0);
}

static void ask(const struct origins *origins, char *host, uint16_t port)
{
	char origin[DIRECTORY_ORIGIN_MAX + 1], again[DIRECTORY_ORIGIN_MAX + 1];
	const bool found = origin_find(origins, host, port, origin);

	if (found)
		check_found(origins, host, port, origin);
	for (char *c = host; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	FUZZ_CHECK(origin_find(origins, host, port, again) == found && (!found || strcmp(origin, again) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *origin_list[LIST_MAX], *name_list[LIST_MAX];
	struct origins origins = {.origins = origin_list, .host_names = name_list};
	char *text, *rest, *host, *setting, *names;
	uint16_t port;

	if (size < 2)
		return 0;
	port = (uint16_t)(data[0] << 8 | data[1]);
	text = rest = fuzz_text(data + 2, size - 2);
	host = strsep(&rest, "\n");
	setting = strsep(&rest, "\n");
	names = strsep(&rest, "\n");
	if ((!setting || settings_check_origins(setting)) && (!names || settings_check_names(names))) {
		origins.origin_count = split(setting, origin_list);
		origins.host_name_count = split(names, name_list);
		ask(&origins, host, port);
	}
	free(text);
	return 0;
}
