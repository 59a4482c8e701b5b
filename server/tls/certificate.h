/* What a certificate says of itself, for the operator. */
#ifndef COFFER_TLS_CERTIFICATE_H
#define COFFER_TLS_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

#include "server/tls/context.h"

enum {
	TLS_CERTIFICATE_NAMES_MAX = 16, /* more are left out */
	TLS_CERTIFICATE_NAME_MAX = 256, /* bytes, terminator included; longer ones are left out */
};

struct tls_certificate {
	char names[TLS_CERTIFICATE_NAMES_MAX][TLS_CERTIFICATE_NAME_MAX]; /* subject alternative: DNS names, addresses */
	size_t count;
	int64_t not_before_ms, not_after_ms; /* Unix time */
};

/* Of the first certificate of a PEM text. TLS_CERTIFICATE, TLS_NOMEM. */
MUST_CHECK enum tls_status tls_certificate_read(const char *pem, struct tls_certificate *ret_certificate);
/*
 * Whether the first certificate of a PEM text is for all of these DNS names, `count` of them, which a wildcard does not
 * do. False, too, for what is no certificate.
 */
bool tls_certificate_is_for(const char *pem, const char *const *names, size_t count);
/* Any thread: of what the context serves; of several leaves the one that expires first. */
MUST_CHECK enum tls_status tls_context_certificate(struct tls_context *context,
						   struct tls_certificate *ret_certificate);

#endif
