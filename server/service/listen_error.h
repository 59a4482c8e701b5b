/* Why a port cannot be listened on, and what helps. */
#ifndef COFFER_SERVICE_LISTEN_ERROR_H
#define COFFER_SERVICE_LISTEN_ERROR_H

#include "server/http/http.h"

/* listen: ADDRESS:PORT; option: the one that says it, with its dashes. errno is that of the failure. */
void listen_error(enum http_status status, const char *listen, const char *option, char *ret_error, size_t error_size);

#endif
