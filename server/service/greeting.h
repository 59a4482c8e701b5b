/* What a server says once it is ready: where it is, and two lines for a shell that work when pasted. */
#ifndef COFFER_SERVICE_GREETING_H
#define COFFER_SERVICE_GREETING_H

#include <stdint.h>
#include <stdio.h>

struct greeting {
	const char *data;   /* absolute, any path */
	const char *listen; /* ADDRESS:PORT, as set, or "off" */
	uint16_t port;	    /* as taken */
	const char *http;   /* ADDRESS:PORT, unix:/PATH, or empty */
	uint16_t http_port;
	uint16_t metrics_port;	 /* that of --metrics, 0: none */
	uint16_t plain_port;	 /* that of --http-redirect, 0: none */
	const char *fingerprint; /* of the local CA; NULL without TLS, and when only another one certifies */
	const char *chain;	 /* the file of the certificate that is served then */
	const char *name;	 /* whom that is for: a DNS name that clients dial, or one with a wildcard */
	const char *origin;	 /* what clients dial, whose certificate comes by ACME; NULL: none */
	const char *protection;	 /* a sentence: what keeps the private KEK from others */
};

/* No secret is in it: curl reads the token from DATA/admin.curl. */
void greeting_print(const struct greeting *greeting, FILE *out);

#endif
