/* A request that never came over a network, for the parts of http/ that only look at it and set a reply. */
#ifndef COFFER_TESTS_EXCHANGE_H
#define COFFER_TESTS_EXCHANGE_H

#include "server/http/internal.h"

struct bare_exchange {
	struct http_app app;
	struct http_server server;
	struct loop loop;
	struct http_exchange x;
};

/* `bare` must stay where it is until bare_exchange_done(). */
void bare_exchange_init(struct bare_exchange *bare, const char *method, const struct http_route *routes, size_t count);
void bare_exchange_done(struct bare_exchange *bare);
/* A header of the reply; NULL when absent. */
const char *bare_exchange_header(const struct bare_exchange *bare, const char *name);

#endif
