/* From --metrics to the port where the metrics are told without a token (server/http/local.h). */
#ifndef COFFER_SERVICE_METRICS_PORT_H
#define COFFER_SERVICE_METRICS_PORT_H

#include "server/api/api.h"

struct metrics_port;

/* Listens when it returns true; else the error is told in a line. api, store: borrowed until metrics_port_free(). */
MUST_CHECK bool metrics_port_new(const char *listen, struct api *api, struct store *store,
				 struct metrics_port **ret_port, char *ret_error, size_t error_size);
uint16_t metrics_port_number(const struct metrics_port *port);
/* Before the server stops, and before the store closes. NULL is accepted. */
void metrics_port_free(struct metrics_port *port);

#endif
