/* Which server a command beside a data directory asks, and what it trusts there. */
#ifndef COFFER_CLI_SERVER_PLACE_H
#define COFFER_CLI_SERVER_PLACE_H

#include <limits.h>

#include "server/client/client.h"
#include "server/service/server_url.h"

/* What the options below point into. */
struct server_place {
	struct server_url found;
	char ca[PATH_MAX];
};

/*
 * Fills in url, dial, ca_file and system_cas. given_url, given_ca: what --url and --ca say, or NULL: then what
 * DIR/server.url and DIR/tls/ca.pem do, and the system's CAs where the name is not the local CA's to certify.
 */
void server_place_find(const char *data, const char *given_url, const char *given_ca, struct server_place *ret_place,
		       struct client_options *options);

#endif
