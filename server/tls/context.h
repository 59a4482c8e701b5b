/*
 * TLS as coffer speaks it: 1.3 and 1.2, ECDHE and AEAD only, X25519 and P-256/P-384, session tickets with rotating
 * keys, ALPN http/1.1. The only place in server/ that knows GnuTLS.
 */
#ifndef COFFER_TLS_CONTEXT_H
#define COFFER_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

enum tls_status {
	TLS_OK = 0,
	TLS_NOMEM,
	TLS_CERTIFICATE, /* the certificate is malformed, or does not match its key */
	TLS_KEY,	 /* the key is malformed or of a kind that is not served */
	TLS_INTERNAL,	 /* the library failed in a way that no input explains */
};
const char *tls_status_text(enum tls_status status);

struct tls_context;
struct gnutls_session_int; /* GnuTLS's session, as libmicrohttpd hands it over */

/* What has moved on a session's socket. */
struct tls_traffic {
	unsigned long moves;	 /* successful receives and sends */
	uint64_t received, sent; /* bytes, TLS's own included */
	bool established;	 /* the client's Finished has come */
	bool deaf;		 /* set by the user: from now on every receive finds the end of the stream */
};

/* chain_pem: leaf first. Both are strings with a terminator; copied. */
MUST_CHECK enum tls_status tls_context_new(const char *chain_pem, const char *key_pem,
					   struct tls_context **ret_context);
/* After the last session is gone. NULL is accepted. */
void tls_context_free(struct tls_context *context);

/* The priority string for MHD_OPTION_HTTPS_PRIORITIES. */
const char *tls_priorities(void);

/*
 * Before the handshake: attaches the credential, tickets, ALPN, and a pull function that acknowledges quickly during
 * the handshake. `traffic`, borrowed for the session's life, is kept up to date.
 */
MUST_CHECK enum tls_status tls_session_prepare(struct tls_context *context, struct gnutls_session_int *session,
					       struct tls_traffic *traffic);

/* Sends a short text from outside of whoever drives the session; false when it does not fit into the socket at once. */
bool tls_session_send(struct gnutls_session_int *session, const void *bytes, size_t size);

/* ---- the local CA (server/tls/local_ca.c) ------------------------------------------------------------------------ */

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
 * A leaf (ECDSA P-256, 397 days) for localhost, 127.0.0.1, ::1 and `names` (DNS names or IP addresses, count of them),
 * signed by pems->ca_*. Fills leaf_cert and leaf_key.
 */
MUST_CHECK enum tls_status tls_local_leaf_make(struct tls_pems *pems, const char *const *names, size_t count);
/* Whether the leaf is for all those names, signed by this CA, and has more than 30 days left. */
int tls_local_leaf_good(const struct tls_pems *pems, const char *const *names, size_t count);
/* SHA-256 of the first certificate's DER, upper-case hex pairs with colons: 95 characters and a terminator. */
MUST_CHECK enum tls_status tls_fingerprint(const char *cert_pem, char ret_text[static 96]);

#endif
