/* What the files of tls/ share; nobody else includes this. */
#ifndef COFFER_TLS_CONTEXT_PRIVATE_H
#define COFFER_TLS_CONTEXT_PRIVATE_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "server/tls/context.h"

enum {
	TLS_LINKS_A_PAGE = 1024,
	TLS_LINK_PAGES = 1024, /* a million descriptors: Linux's own ceiling, fs.nr_open */
};

/*
 * What the transport functions of a session need. There is one for each descriptor, and a descriptor has at most one
 * live session; so nothing has to be freed when a session ends, which GnuTLS would not tell.
 */
struct tls_link {
	int fd;
	gnutls_session_t session;
	struct tls_traffic *traffic;
	bool answering;	   /* the server's first flight is under way, and once it has gone nothing is received */
	uint8_t header[5]; /* established: of the record that comes, `header_size` bytes */
	size_t header_size;
	size_t record_left; /* bytes of it still to come, behind its header */
};

/* Immutable once made, but for the count. */
struct tls_credential {
	_Atomic unsigned references;
	gnutls_certificate_credentials_t gnutls;
	gnutls_x509_trust_list_t clients; /* CAs and CRLs, part of `gnutls`; NULL: no client certificate is asked for */
	struct tls_expiry expiry;
	unsigned expiry_pair; /* whose it is */
	size_t leaf_count;
	uint8_t leaves[TLS_PAIRS_MAX][32]; /* SHA-256 of each */
};

struct tls_context {
	enum tls_least least; /* constant */
	_Atomic unsigned long generation;
	pthread_mutex_t lock; /* guards everything below but the links, each its session's */
	struct tls_credential *credential;
	gnutls_datum_t ticket_key;
	time_t ticket_key_born; /* CLOCK_BOOTTIME: it goes on while the machine is suspended */
	struct tls_link *pages[TLS_LINK_PAGES];
};

/* credential.c: one reference is the caller's. */
MUST_CHECK enum tls_status tls_credential_new(const struct tls_material *material,
					      struct tls_credential **ret_credential);
/* TLS_EXPIRED or TLS_EARLY for a leaf that is not valid now, unless `served` has it too. */
MUST_CHECK enum tls_status tls_credential_check_dates(const struct tls_material *material,
						      const struct tls_credential *served);
void tls_credential_give(struct tls_credential *credential); /* a reference; NULL is accepted */
/* staple.c: whether the response can be served for chain[0]: TLS_STAPLE, TLS_STAPLE_OLD, TLS_STAPLE_REVOKED. */
MUST_CHECK enum tls_status tls_staple_check(const uint8_t *der, size_t size, gnutls_x509_crt_t *chain, unsigned count);
/* context.c: the one that is served now, with a reference for the caller. */
struct tls_credential *tls_context_take(struct tls_context *context);

static inline gnutls_datum_t text_datum(const char *text)
{
	/* GnuTLS reads input only, though its type does not say so. */
	return (gnutls_datum_t){.data = (unsigned char *)(uintptr_t)text, .size = (unsigned)strlen(text)};
}

#endif
