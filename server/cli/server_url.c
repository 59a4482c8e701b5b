#include "server/cli/server_url.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "server/cli/cert_names.h"
#include "server/core/files.h"
#include "server/core/home.h"

static const char NAME[] = "server.url";

void server_url_make(const char *listen, unsigned port, char ret_url[static SERVER_URL_MAX])
{
	const char *colon = strrchr(listen, ':');
	const int size = colon ? (int)(colon - listen) : 0;

	/* The certificate names no address that stands for all, and both of loopback. */
	if (cert_names_all_addresses(listen))
		snprintf(ret_url, SERVER_URL_MAX, "https://%s:%u", listen[0] == '[' ? "[::1]" : "127.0.0.1", port);
	else
		snprintf(ret_url, SERVER_URL_MAX, "https://%.*s:%u", size, listen, port);
}

bool server_url_write(struct home *home, const char *listen, uint16_t port, char *ret_error, unsigned long error_size)
{
	char url[SERVER_URL_MAX], line[SERVER_URL_MAX + 1];

	server_url_make(listen, port, url);
	snprintf(line, sizeof(line), "%s\n", url);
	return home_write(home, NAME, 0600, line, strlen(line), ret_error, error_size) == CORE_OK;
}

void server_url_remove(const struct home *home)
{
	char path[PATH_MAX + sizeof(NAME) + 1];

	snprintf(path, sizeof(path), "%s/%s", home_path(home), NAME);
	/* One that stays leads to a server that does not answer, which is the truth. */
	(void)unlink(path);
}

static bool read_file(const char *data, char ret_url[static SERVER_URL_MAX])
{
	char path[PATH_MAX];
	char *text = NULL;
	size_t size = 0;
	bool good;

	if (snprintf(path, sizeof(path), "%s/%s", data, NAME) >= (int)sizeof(path) ||
	    files_read(path, false, &text, &size, &(struct files_error){NULL, 0}) != CORE_OK)
		return false;
	good = size < SERVER_URL_MAX && strncmp(text, "https://", 8) == 0;
	if (good) {
		text[strcspn(text, "\r\n")] = '\0';
		strcpy(ret_url, text);
	}
	secret_free(text, size + 1);
	return good;
}

void server_url_find(const char *data, char ret_url[static SERVER_URL_MAX])
{
	const char *listen = getenv("COFFER_LISTEN");

	if (read_file(data, ret_url))
		return;
	if (!listen || !strchr(listen, ':') || strlen(listen) > SERVER_URL_MAX / 2)
		listen = "127.0.0.1:8443";
	server_url_make(listen, (unsigned)strtoul(strrchr(listen, ':') + 1, NULL, 10), ret_url);
}
