/*
 * A plain port of this machine alone, beside the server: GET of one path, for programs that read what is there now and
 * then. It takes no token and no body; a request under another name than that of a loopback address is refused, so
 * that no page in a browser here can read it through a name of its own.
 */
#ifndef COFFER_HTTP_LOCAL_H
#define COFFER_HTTP_LOCAL_H

#include "server/http/http.h"

struct http_local;

struct http_local_options {
	const char *listen; /* "127.0.0.1:9464", "[::1]:9464" */
	const char *path;   /* "/metrics"; borrowed, as is the next */
	const char *media_type;
	/* On the port's own thread, one at a time: a text to be freed with free(), or NULL. */
	char *(*answer)(void *arg, size_t *ret_size);
	void *arg;
};

/* HTTP_ADDRESS also for an address that is not loopback. errno tells more about HTTP_SYSTEM. */
MUST_CHECK enum http_status http_local_start(const struct http_local_options *options, struct http_local **ret_local);
/* The port in use: the answer to a configured port of 0. */
uint16_t http_local_port(const struct http_local *local);
/* Stops at once. NULL is accepted. */
void http_local_free(struct http_local *local);

#endif
