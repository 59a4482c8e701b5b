/*
 * Where connections come from: a TCP address for TLS, and for a proxy in front of coffer, plain HTTP on a loopback
 * address or a Unix socket.
 */
#ifndef COFFER_HTTP_LISTENER_H
#define COFFER_HTTP_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "server/http/http.h"

struct listener {
	int fd; /* -1: closed */
	bool plain;
	uint16_t port; /* 0: a Unix socket */
	char *path;    /* of the Unix socket; NULL: none */
	dev_t device;  /* of the socket's file, with the next: another's is not removed */
	ino_t inode;
};

/* A closed one, which listener_close() accepts. */
#define LISTENER_NONE ((struct listener){.fd = -1})

/* "host:port" or "[v6]:port", numeric, or "localhost:port". ret_listener is untouched unless HTTP_OK. */
MUST_CHECK enum http_status listener_open(const char *address, struct listener *ret_listener);
/*
 * The same with a loopback address, or "unix:/path" for a socket with these permissions. The file of a dead server's
 * socket is replaced; that of a live one is HTTP_IN_USE, and anything else there HTTP_NOT_SOCKET.
 */
MUST_CHECK enum http_status listener_open_plain(const char *address, unsigned mode, struct listener *ret_listener);
/* Closes it, and removes its file. */
void listener_close(struct listener *listener);

#endif
