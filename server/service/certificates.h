/*
 * The certificates of a server that runs: where the pair comes from (the local CA, files, or whoever calls
 * certificates_install()), what clients' certificates are held against, and one thread that renews and reloads them.
 * Whatever comes new and is not good is told in one line of the log, what was served before goes on, and it is tried
 * again.
 */
#ifndef COFFER_SERVICE_CERTIFICATES_H
#define COFFER_SERVICE_CERTIFICATES_H

#include "server/core/home.h"
#include "server/tls/context.h"

struct certificates;

/* Texts are those of the settings, borrowed. */
struct certificates_options {
	struct home *home; /* borrowed */
	const char *listen;
	const char *host_name;
	const char *domain; /* names with commas between that somebody will install a certificate for; "": none */
	const char *certs, *keys, *staples; /* lists of files; "": the local CA's */
	const char *client_ca;		    /* "": none is asked for */
	const char *client_crl;		    /* "": none */
	enum tls_least least;
	uint64_t look_ms;		/* how often the thread looks whether anything has changed or is due */
	uint64_t lifetime_ms, renew_ms; /* of the local CA's leaf, and what it has left when it is renewed */
	void (*log)(const char *line);
};

/* Opens what is there, makes what is missing, starts the thread. False: the error is told in a line. */
MUST_CHECK bool certificates_new(const struct certificates_options *options, struct certificates **ret_certificates,
				 char *ret_error, size_t error_size);
/* Stops the thread. After the last session is gone. NULL is accepted. */
void certificates_free(struct certificates *certificates);

/*
 * Borrowed, and the same for the whole life of `certificates`. Its tls_context_expiry() says what is served now. These
 * five take NULL, and answer NULL to it.
 */
struct tls_context *certificates_tls(struct certificates *certificates);
/*
 * The local CA, when it is the one that certifies what clients see: as PEM, and SHA-256 of its DER in lower-case
 * hexadecimal. Borrowed; else NULL. And as tls_fingerprint() writes it, also when it certifies but for this machine.
 */
const char *certificates_ca_pem(const struct certificates *certificates);
const char *certificates_ca_hex(const struct certificates *certificates);
const char *certificates_ca_fingerprint(const struct certificates *certificates);
/* The file of the first certificate, when it comes from one. Borrowed; else NULL. */
const char *certificates_chain_file(const struct certificates *certificates);

/* Any thread: looks at once whether anything has changed or is due, and does not wait for it. */
void certificates_look(struct certificates *certificates);
/*
 * Any thread: serves this pair from the next session on, to clients that call the server by a name of it; those that
 * use an address, or another name, go on with the local CA's, as commands on this machine do. For whoever obtains
 * certificates for the domain (an ACME client); not with files. Both are PEM texts, the leaf first, and are copied.
 * Refused, with what was served before going on, for the reasons of tls_context_replace(); tls_status_text() says them.
 * The pair is the caller's to renew.
 */
MUST_CHECK enum tls_status certificates_install(struct certificates *certificates, const char *chain_pem,
						const char *key_pem);

#endif
