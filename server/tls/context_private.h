/* What the files of tls/ share; nobody else includes this. */
#ifndef COFFER_TLS_CONTEXT_PRIVATE_H
#define COFFER_TLS_CONTEXT_PRIVATE_H

#include <gnutls/gnutls.h>
#include <pthread.h>
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
	struct tls_traffic *traffic;
};

struct tls_context {
	gnutls_certificate_credentials_t credential; /* immutable once made */
	bool asks_clients;			     /* as is this, once sessions begin */
	pthread_mutex_t lock;			     /* guards everything below but the links, each its session's */
	gnutls_datum_t ticket_key;
	time_t ticket_key_born; /* CLOCK_BOOTTIME: it goes on while the machine is suspended */
	struct tls_link *pages[TLS_LINK_PAGES];
};

static inline gnutls_datum_t text_datum(const char *text)
{
	/* GnuTLS reads input only, though its type does not say so. */
	return (gnutls_datum_t){.data = (unsigned char *)(uintptr_t)text, .size = (unsigned)strlen(text)};
}

#endif
