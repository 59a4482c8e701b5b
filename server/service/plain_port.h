/* From the settings to the plain port (server/http/port80.h): which names it sends on, and to where. */
#ifndef COFFER_SERVICE_PLAIN_PORT_H
#define COFFER_SERVICE_PLAIN_PORT_H

#include "server/api/api.h"
#include "server/http/port80.h"

struct plain_port;

struct plain_port_options {
	const char *listen;	       /* ADDRESS:PORT */
	const struct origins *origins; /* those of the server, and the host names; copied */
	uint16_t https_port;	       /* where host names are served */
	unsigned head_ms;
	bool (*proof)(void *arg, const char *token, char ret_proof[static PORT80_PROOF_MAX]);
	void *arg;
};

/* Listens when it returns true; else the error is told in a line. */
MUST_CHECK bool plain_port_new(const struct plain_port_options *options, struct plain_port **ret_port, char *ret_error,
			       size_t error_size);
uint16_t plain_port_number(const struct plain_port *port);
/* NULL is accepted. */
void plain_port_free(struct plain_port *port);

#endif
