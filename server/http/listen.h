/* From ADDRESS:PORT to a socket that listens. */
#ifndef COFFER_HTTP_LISTEN_H
#define COFFER_HTTP_LISTEN_H

#include "server/http/http.h"

/*
 * listen: "127.0.0.1:8443", "[::1]:8443", numeric but for "localhost"; "[::]:8443" takes IPv4 too, or alone where
 * the kernel knows no IPv6. The socket does not
 * block and is closed on exec. *ret_port is the one in use: the answer to a port of 0. errno tells more about
 * HTTP_SYSTEM.
 */
MUST_CHECK enum http_status listen_open(const char *listen, int backlog, int *ret_fd, uint16_t *ret_port);

#endif
