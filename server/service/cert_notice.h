/* What the log says of the certificate that is served: how long it has left. */
#ifndef COFFER_SERVICE_CERT_NOTICE_H
#define COFFER_SERVICE_CERT_NOTICE_H

#include <stdbool.h>
#include <stddef.h>

#include "server/tls/context.h"

/* How urgent it is that a certificate is renewed. */
enum cert_urgency {
	CERT_FRESH,
	CERT_LATE,	/* less than a quarter of its lifetime is left: whoever renews it should have */
	CERT_VERY_LATE, /* less than a tenth */
	CERT_EXPIRED,
};
enum cert_urgency cert_urgency_of(const struct tls_expiry *expiry);

/* One line: for whom, until when, which. */
void cert_notice_served(const struct tls_expiry *expiry, char *ret_line, size_t size);
/* One line for an urgency other than CERT_FRESH. */
void cert_notice_urgent(const struct tls_expiry *expiry, char *ret_line, size_t size);

#endif
