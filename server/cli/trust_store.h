/* Where a machine keeps the CAs that it trusts. */
#ifndef COFFER_CLI_TRUST_STORE_H
#define COFFER_CLI_TRUST_STORE_H

#include <stdbool.h>

#include "server/tls/context.h"

/* A CA to be trusted, or no longer. */
struct trust {
	const char *path; /* of its PEM file */
	const char *pem;
	struct tls_expiry ca;
	char id[9]; /* the first digits of its fingerprint: it is known by them in the stores */
};

/*
 * Each says on standard output what it has done, on standard error what it could not do and what would help. True: it
 * is done, or was done already. Removing undoes what installing did, and nothing else.
 */

/* Debian's /usr/local/share/ca-certificates, from which update-ca-certificates makes what curl and others read. */
bool trust_system_install(const struct trust *trust);
bool trust_system_remove(const struct trust *trust);
/* The NSS databases below $HOME: of Chromium (made if there is none), and of each profile of Firefox. */
bool trust_nss_install(const struct trust *trust);
bool trust_nss_remove(const struct trust *trust);

#endif
