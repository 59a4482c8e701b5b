/*
 * The plain port beside https: one thread that answers each connection once, as port80_request.h says, and closes it.
 * A client has `head_ms` for its whole request, however it drips. When all places are taken, who has waited longest
 * gives way, so that neither silent nor slow clients keep an ACME server from being heard.
 */
#ifndef COFFER_HTTP_PORT80_H
#define COFFER_HTTP_PORT80_H

#include "server/http/http.h"
#include "server/http/port80_request.h"

enum { PORT80_CONNECTIONS = 256, PORT80_CONNECTIONS_PER_ADDRESS = 32 };

struct port80_options {
	const char *listen;	 /* "0.0.0.0:80", "[::]:80" (IPv4 too) */
	struct port80_site site; /* what it points to is borrowed until port80_free() */
	unsigned head_ms;
};

struct port80;

/* Binds and listens; errno tells more about HTTP_SYSTEM. */
MUST_CHECK enum http_status port80_start(const struct port80_options *options, struct port80 **ret_port80);
/* The port in use: the answer to a configured port of 0. */
uint16_t port80_port(const struct port80 *port80);
/* Stops at once. NULL is accepted. */
void port80_free(struct port80 *port80);

#endif
