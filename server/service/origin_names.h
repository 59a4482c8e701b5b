/* From the settings to the origins that the api goes by. */
#ifndef COFFER_SERVICE_ORIGIN_NAMES_H
#define COFFER_SERVICE_ORIGIN_NAMES_H

#include <stdbool.h>

#include "server/api/api.h"
#include "server/service/cert_names.h"

struct origin_names {
	struct origins origins; /* borrows from the rest */
	struct cert_names names;
	const char **hosts;
	char *text;
	const char **list;
};

/*
 * The hosts are "localhost", "127.0.0.1", "::1", the names that the certificate of the local CA is made for
 * (cert_names.h), and those of `domain`. origin: origins with commas between; empty: "https://" before each of
 * `domain`, names with commas between; that empty too: the hosts will do. False when memory runs out.
 * origin_names_done() frees.
 */
__attribute__((warn_unused_result)) bool origin_names_init(struct origin_names *ret_names, const char *origin,
							   const char *domain, const char *listen,
							   const char *host_name);
void origin_names_done(struct origin_names *names);

#endif
