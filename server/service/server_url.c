#include "server/service/server_url.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "server/core/files.h"
#include "server/core/home.h"
#include "server/service/cert_names.h"

static const char NAME[] = "server.url";

void server_url_make(const char *scheme, const char *listen, unsigned port, char ret_dial[static SERVER_URL_MAX])
{
	const char *colon = strrchr(listen, ':');
	const int size = colon ? (int)(colon - listen) : 0;

	if (strncmp(listen, "unix:", 5) == 0)
		snprintf(ret_dial, SERVER_URL_MAX, "%s", listen);
	/* The certificate names no address that stands for all, and both of loopback. */
	else if (cert_names_all_addresses(listen))
		snprintf(ret_dial, SERVER_URL_MAX, "%s://%s:%u", scheme, listen[0] == '[' ? "[::1]" : "127.0.0.1",
			 port);
	else
		snprintf(ret_dial, SERVER_URL_MAX, "%s://%.*s:%u", scheme, size, listen, port);
}

bool server_url_write(struct home *home, const struct server_url *url, char *ret_error, size_t error_size)
{
	char text[2 * SERVER_URL_MAX + 3];

	snprintf(text, sizeof(text), "%s\n%s%s", url->dial, url->origin, url->origin[0] ? "\n" : "");
	return home_write(home, NAME, 0600, text, strlen(text), ret_error, error_size) == CORE_OK;
}

void server_url_remove(const struct home *home)
{
	char path[PATH_MAX + sizeof(NAME) + 1];

	snprintf(path, sizeof(path), "%s/%s", home_path(home), NAME);
	/* One that stays leads to a server that does not answer, which is the truth. */
	(void)unlink(path);
}

/* A line of the file, which ends at its newline; false when it is too long. */
static bool take_line(const char **text, char ret_line[static SERVER_URL_MAX])
{
	const size_t size = strcspn(*text, "\r\n");

	if (size >= SERVER_URL_MAX)
		return false;
	memcpy(ret_line, *text, size);
	ret_line[size] = '\0';
	*text += size;
	*text += strspn(*text, "\r\n");
	return true;
}

static bool is_place(const char *dial)
{
	return strncmp(dial, "https://", 8) == 0 || strncmp(dial, "http://", 7) == 0 || strncmp(dial, "unix:/", 6) == 0;
}

static bool read_file(const char *data, struct server_url *ret_url)
{
	struct server_url url;
	char path[PATH_MAX];
	char *text = NULL;
	const char *at;
	size_t size = 0;
	bool good;

	if (snprintf(path, sizeof(path), "%s/%s", data, NAME) >= (int)sizeof(path) ||
	    files_read(path, false, &text, &size, &(struct files_error){NULL, 0}) != CORE_OK)
		return false;
	at = text;
	good = take_line(&at, url.dial) && take_line(&at, url.origin) && is_place(url.dial) &&
	       (url.origin[0] == '\0' || strncmp(url.origin, "https://", 8) == 0);
	secret_free(text, size + 1);
	if (good)
		*ret_url = url;
	return good;
}

void server_url_find(const char *data, struct server_url *ret_url)
{
	const char *listen = getenv("COFFER_LISTEN");

	if (read_file(data, ret_url))
		return;
	if (!listen || !strchr(listen, ':') || strlen(listen) > SERVER_URL_MAX / 2)
		listen = "127.0.0.1:8443";
	ret_url->origin[0] = '\0';
	server_url_make("https", listen, (unsigned)strtoul(strrchr(listen, ':') + 1, NULL, 10), ret_url->dial);
}
