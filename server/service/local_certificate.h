/* The pair of the local CA: DIR/tls/ca.pem, ca.key, server.pem, server.key, made where they are missing. */
#ifndef COFFER_SERVICE_LOCAL_CERTIFICATE_H
#define COFFER_SERVICE_LOCAL_CERTIFICATE_H

#include "server/core/home.h"
#include "server/tls/local_ca.h"

struct local_certificate {
	struct home *home;
	const char *const *names;
	size_t count;
	const char *const *others; /* the names of another certificate that is served: a leaf for one is in its way */
	size_t other_count;
	int64_t lifetime; /* of a leaf that is made, seconds */
	int64_t renew;	  /* a leaf with less left is replaced */
};

/*
 * Reads the CA and the leaf. A CA is made only where there has never been one; a leaf is made, and written, when the
 * one that is there is not good for all the names, is for one of the others, or has not long to live. tls_pems_done()
 * frees. The error is told in a line.
 */
MUST_CHECK bool local_certificate_open(const struct local_certificate *local, struct tls_pems *ret_pems,
				       char *ret_error, size_t error_size);

#endif
