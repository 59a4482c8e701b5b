/* The listeners that the settings ask for, and whether they go together. */
#ifndef COFFER_SERVICE_FRONT_H
#define COFFER_SERVICE_FRONT_H

#include <stdbool.h>
#include <stddef.h>

#include "server/http/http.h"
#include "server/settings/settings.h"

/* Whether --listen is on: the service speaks TLS itself. */
bool front_has_tls(const struct settings *settings);
/* False: the settings leave nowhere to listen, or contradict each other; ret_error tells. */
bool front_check(const struct settings *settings, char *ret_error, size_t size);

/* tls: NULL without --listen. False has told in ret_error. */
bool front_start(const struct settings *settings, struct tls_context *tls, const struct http_app *app, int access_log,
		 struct http_server **ret_server, char *ret_error, size_t size);

#endif
