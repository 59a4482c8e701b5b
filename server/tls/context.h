/*
 * TLS as coffer speaks it: 1.3 and 1.2, ECDHE and AEAD only, X25519 and P-256/P-384, session tickets with rotating
 * keys, ALPN http/1.1. The only place in server/ that knows GnuTLS.
 *
 * What sessions show and trust is one credential, counted by reference and never changed once made. It can be replaced
 * at any time: a session goes on with the one that it began with, and the next session begins with the new one.
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
	TLS_CERTIFICATE,    /* the chain is malformed, or not in order */
	TLS_KEY,	    /* the key is malformed, encrypted, or of a kind that is not served */
	TLS_MISMATCH,	    /* the key is not the certificate's */
	TLS_EXPIRED,	    /* the certificate has expired */
	TLS_EARLY,	    /* it is not valid yet */
	TLS_STAPLE,	    /* the OCSP response is malformed, about another certificate, or not by its CA */
	TLS_STAPLE_OLD,	    /* it has expired */
	TLS_STAPLE_REVOKED, /* it says that the certificate was revoked */
	TLS_CLIENT_CA,	    /* there is no certificate in the text */
	TLS_CLIENT_CRL,	    /* there is no list of the revoked in the text */
	TLS_REFUSED,	    /* the client asks for what is not spoken here */
	TLS_INTERNAL,	    /* the library failed in a way that no input explains */
};
const char *tls_status_text(enum tls_status status);

/* The oldest protocol that is spoken. */
enum tls_least { TLS_LEAST_1_2, TLS_LEAST_1_3 };

struct tls_context;
struct tls_credential;
struct gnutls_session_int; /* GnuTLS's session, as libmicrohttpd hands it over */

/* ---- what is served ---------------------------------------------------------------------------------------------- */

enum { TLS_PAIRS_MAX = 4 };

/* A certificate, its key, and what its CA says of it. Borrowed; texts have a terminator. */
struct tls_pair {
	const char *chain_pem; /* the leaf, then those that lead to its CA */
	const char *key_pem;   /* PKCS#8, or as openssl writes it; not encrypted; RSA from 2048 bits, ECDSA, Ed25519 */
	const uint8_t *ocsp_der; /* an OCSP response for the leaf, NULL: none */
	size_t ocsp_size;
	bool aside; /* for those who call the server by another name: what is told of the certificate is not of this */
};

struct tls_material {
	struct tls_pair pairs[TLS_PAIRS_MAX]; /* a client gets the first that fits its server name and its algorithms */
	size_t pair_count;		      /* at least 1 */
	const char *client_ca_pem;  /* CAs whose client certificates are asked for; NULL: none are asked for */
	const char *client_crl_pem; /* lists of the revoked, by those CAs; NULL: none */
};

/* Whether chain and key can be served, whatever the date: TLS_CERTIFICATE, TLS_KEY, TLS_MISMATCH. */
MUST_CHECK enum tls_status tls_pair_check(const struct tls_pair *pair);
/* The same of the date: TLS_EXPIRED, TLS_EARLY; TLS_CERTIFICATE. */
MUST_CHECK enum tls_status tls_pair_check_dates(const struct tls_pair *pair);
/* Whether its staple can be served: TLS_STAPLE and its kin; TLS_CERTIFICATE when the chain is not one. */
MUST_CHECK enum tls_status tls_pair_check_staple(const struct tls_pair *pair);

/* Whether these can be trusted for client certificates (crl_pem may be NULL): TLS_CLIENT_CA, TLS_CLIENT_CRL. */
MUST_CHECK enum tls_status tls_clients_check(const char *ca_pem, const char *crl_pem);

/* Copies all of the material. Dates are not looked at: a server whose certificate has expired can still be reached by
 * those who choose to. A staple that is not good is left out. */
MUST_CHECK enum tls_status tls_context_new(const struct tls_material *material, enum tls_least least,
					   struct tls_context **ret_context);
/*
 * Any thread, at any time. Sessions that begin from now on get this; client certificates are verified anew by it in
 * all. When it is refused all goes on as before: for what tls_pair_check() finds, and for a leaf that has expired or is
 * not valid yet, unless that one is served already. A staple that is not good is left out.
 */
MUST_CHECK enum tls_status tls_context_replace(struct tls_context *context, const struct tls_material *material);
/* Any thread: how often it has been replaced. */
unsigned long tls_context_generation(const struct tls_context *context);
/* After the last session is gone. NULL is accepted. */
void tls_context_free(struct tls_context *context);

/* The leaf that is served; of several the one that expires first. */
struct tls_expiry {
	int64_t not_before, not_after; /* seconds since 1970 */
	int64_t seconds_left;	       /* as of now; negative once it has expired */
	char subject[256];	       /* its first alternative name, else its common name */
	char fingerprint[96];	       /* as tls_fingerprint() writes it */
};
/* Any thread. */
void tls_context_expiry(struct tls_context *context, struct tls_expiry *ret_expiry);

/* SHA-256 of the first certificate's DER, upper-case hex pairs with colons: 95 characters and a terminator. */
MUST_CHECK enum tls_status tls_fingerprint(const char *cert_pem, char ret_text[static 96]);

/* The priority string of the context, for MHD_OPTION_HTTPS_PRIORITIES. */
const char *tls_context_priorities(const struct tls_context *context);

/* The version of GnuTLS that this was built with, and the one that runs: "3.7.9". */
void tls_library(char ret_built[static 32], char ret_runs[static 32]);

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

/* What has moved on a session's socket. Begins as zeros. */
struct tls_traffic {
	unsigned long moves;	 /* successful receives and sends */
	uint64_t received, sent; /* bytes, TLS's own included */
	bool established;	 /* the client's Finished has come */
	bool deaf;		 /* set by the user: from now on every receive finds the end of the stream */
	bool joins;		 /* set by the user: of the next two sends the first waits for the second */
	uint8_t *held;		 /* the first, while it waits: `held_size` bytes */
	size_t held_size;
	struct tls_credential *credential; /* which the session began with */
};

/*
 * Before the handshake, when the ClientHello has come: attaches the credential, tickets, ALPN, and a pull function that
 * acknowledges quickly during the handshake; then answers the hello, by an alert if need be (TLS_REFUSED). `traffic`,
 * borrowed for the session's life, is kept up to date. tls_session_done() must be called, whether this succeeds or not.
 */
MUST_CHECK enum tls_status tls_session_prepare(struct tls_context *context, struct gnutls_session_int *session,
					       struct tls_traffic *traffic);
/* Once the session itself is gone, not before: gives its credential back. A traffic of zeros is accepted. */
void tls_session_done(struct tls_traffic *traffic);

/* Sends a short text from outside of whoever drives the session; false when it does not fit into the socket at once. */
bool tls_session_send(struct gnutls_session_int *session, const void *bytes, size_t size);

#endif
