#include "server/http/local.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "server/http/listen.h"

enum { BACKLOG = 16, CONNECTIONS = 16, TIMEOUT_SECONDS = 5 };

struct http_local {
	struct http_local_options options;
	struct MHD_Daemon *daemon;
	uint16_t port;
};

/* ---- who may ask ------------------------------------------------------------------------------------------------- */

/* A name, with or without a port, that no other machine's can be. */
static bool is_local_name(const char *host)
{
	static const char *const NAMES[] = {"localhost", "127.0.0.1", "[::1]"};

	for (size_t i = 0; host && i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		const size_t size = strlen(NAMES[i]);

		if (strncasecmp(host, NAMES[i], size) == 0 && (host[size] == '\0' || host[size] == ':'))
			return true;
	}
	return false;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static enum MHD_Result reply(struct MHD_Connection *mhd, unsigned status, const char *media_type, char *text,
			     size_t size)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (response && MHD_add_response_header(response, "Content-Type", media_type) == MHD_YES &&
	    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES)
		result = MHD_queue_response(mhd, status, response);
	if (response)
		MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *mhd, unsigned status)
{
	char text[] = "no\n";

	return reply(mhd, status, "text/plain", text, sizeof(text) - 1);
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
			      const char *version, const char *data, size_t *size, void **seen)
{
	const struct http_local *local = arg;
	size_t text_size = 0;
	char *text;
	enum MHD_Result result;

	(void)version;
	(void)data;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return refuse(mhd, MHD_HTTP_METHOD_NOT_ALLOWED);
	/* An answer to the first call would close the connection, which is right for a body only. */
	if (!*seen) {
		*seen = arg;
		return MHD_YES;
	}
	if (*size > 0)
		return MHD_NO;
	if (!is_local_name(MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST)))
		return refuse(mhd, 421);
	if (strcmp(url, local->options.path) != 0)
		return refuse(mhd, MHD_HTTP_NOT_FOUND);
	text = local->options.answer(local->options.arg, &text_size);
	if (!text)
		return refuse(mhd, MHD_HTTP_SERVICE_UNAVAILABLE);
	result = reply(mhd, MHD_HTTP_OK, local->options.media_type, text, text_size);
	free(text);
	return result;
}

/* ---- its life ---------------------------------------------------------------------------------------------------- */

enum http_status http_local_start(const struct http_local_options *options, struct http_local **ret_local)
{
	struct http_local *local = calloc(1, sizeof(*local));
	enum http_status status;
	int fd = -1;

	if (!local)
		return HTTP_NOMEM;
	local->options = *options;
	status = HTTP_ADDRESS;
	if (options->listen[0] != 'u' && http_plain_address(options->listen))
		status = listen_open(options->listen, BACKLOG, &fd, &local->port);
	if (status == HTTP_OK) {
		/* The socket is the library's, once it has started. */
		local->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, local,
						 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
						 (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
						 (unsigned)TIMEOUT_SECONDS, MHD_OPTION_END);
		if (!local->daemon)
			status = HTTP_SYSTEM;
	}
	if (status != HTTP_OK) {
		if (fd >= 0)
			close(fd);
		free(local);
		return status;
	}
	*ret_local = local;
	return HTTP_OK;
}

uint16_t http_local_port(const struct http_local *local)
{
	return local->port;
}

void http_local_free(struct http_local *local)
{
	if (!local)
		return;
	MHD_stop_daemon(local->daemon);
	free(local);
}

/* 0x00097500: two digits for each part. */
void http_library(char ret_built[static 32], char ret_runs[static 32])
{
	snprintf(ret_built, 32, "%x.%x.%x", (unsigned)MHD_VERSION >> 24, (unsigned)MHD_VERSION >> 16 & 0xff,
		 (unsigned)MHD_VERSION >> 8 & 0xff);
	snprintf(ret_runs, 32, "%s", MHD_get_version());
}
