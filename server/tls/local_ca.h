/*
 * The local CA: certificates for a server that nobody has given one. Its texts are PEM.
 */
#ifndef COFFER_TLS_LOCAL_CA_H
#define COFFER_TLS_LOCAL_CA_H

#include "server/tls/context.h"

/* PEM text, each freed with free() after the keys have been wiped; tls_pems_done() does both. */
struct tls_pems {
	char *ca_cert;
	char *ca_key;
	char *leaf_cert; /* leaf, then CA */
	char *leaf_key;
};
void tls_pems_done(struct tls_pems *pems);

/* A CA (ECDSA P-256, ten years) that may sign servers' certificates only. Fills ca_cert and ca_key. */
MUST_CHECK enum tls_status tls_local_ca_make(struct tls_pems *pems);
/*
 * A leaf (ECDSA P-256, valid for so many seconds from now) for localhost, 127.0.0.1, ::1 and `names` (DNS names or IP
 * addresses, count of them), signed by pems->ca_*. Fills leaf_cert and leaf_key.
 */
MUST_CHECK enum tls_status tls_local_leaf_make(struct tls_pems *pems, const char *const *names, size_t count,
					       int64_t lifetime);
/* Whether the leaf is for all those names, signed by this CA, and has more than so many seconds left. */
int tls_local_leaf_good(const struct tls_pems *pems, const char *const *names, size_t count, int64_t left);

/*
 * What is known of a CA's certificate, the only one of a PEM text: its subject's common name, its dates, its
 * fingerprint. TLS_CERTIFICATE: there is none, or there are several, or it is no CA's.
 */
MUST_CHECK enum tls_status tls_ca_read(const char *pem, struct tls_expiry *ret_ca);

#endif
