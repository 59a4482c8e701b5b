/*
 * Client certificates (RFC 5280, RFC 8446 §4.4.2): who has shown one that a CA of the operator's choice signed. The
 * library below verifies none by itself, and takes those of a resumed session as they were: so each connection is
 * verified here, and a long one again and again.
 */
#ifndef COFFER_TLS_CLIENT_H
#define COFFER_TLS_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "server/tls/context.h"

enum {
	TLS_CLIENT_NAMES_MAX = 8,
	TLS_CLIENT_NAME_MAX = 128, /* bytes, terminator included; longer ones are left out */
};

enum tls_client_state {
	TLS_CLIENT_UNKNOWN = 0, /* not looked at */
	TLS_CLIENT_NONE,	/* none was asked for, or shown */
	TLS_CLIENT_GOOD,
	TLS_CLIENT_UNTRUSTED, /* no CA of --client-ca signed it, or not for clients, or with weak algorithms */
	TLS_CLIENT_EXPIRED,   /* or not yet valid */
	TLS_CLIENT_REVOKED,   /* or the list of the revoked is out of date */
};

struct tls_client {
	enum tls_client_state state;
	unsigned long generation; /* of the context, by which it was verified */
	uint8_t fingerprint[32];  /* SHA-256 of the certificate */
	/* The subject's common name, and the subject alternative names that are DNS names or mail addresses. */
	size_t count;
	char names[TLS_CLIENT_NAMES_MAX][TLS_CLIENT_NAME_MAX];
};

/*
 * After the handshake: verifies what the client has shown, as of now, by the CAs and the lists of the revoked that the
 * context has now: a certificate that was revoked since is so in a session that goes on, too.
 */
void tls_session_client(struct tls_context *context, struct gnutls_session_int *session, struct tls_client *ret_client);

#endif
