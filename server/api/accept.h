/* Content negotiation (RFC 9110 §12.5.1). */
#ifndef COFFER_API_ACCEPT_H
#define COFFER_API_ACCEPT_H

/* What weight an Accept value gives a media type, in thousandths: of its most specific range that fits. NULL: 1000. */
unsigned accept_quality(const char *accept, const char *media_type);

#endif
