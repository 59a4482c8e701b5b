#include "server/service/metrics_port.h"

#include <stdlib.h>

#include "server/api/metrics.h"
#include "server/core/exposition.h"
#include "server/http/local.h"
#include "server/service/listen_error.h"

struct metrics_port {
	struct api *api;
	struct store *store;
	struct http_local *local;
};

/* A view of its own each time: every scrape has a moment to spare, and nothing is kept open in between. */
static char *answer(void *arg, size_t *ret_size)
{
	const struct metrics_port *port = arg;
	struct store_view *view = NULL;
	char *text;

	if (store_view_new(port->store, &view) != STORE_OK)
		return NULL;
	text = api_metrics(port->api, view, ret_size);
	store_view_free(view);
	return text;
}

bool metrics_port_new(const char *listen, struct api *api, struct store *store, struct metrics_port **ret_port,
		      char *ret_error, size_t error_size)
{
	struct metrics_port *port = calloc(1, sizeof(*port));
	enum http_status status;

	if (!port) {
		listen_error(HTTP_NOMEM, listen, "--metrics", ret_error, error_size);
		return false;
	}
	port->api = api;
	port->store = store;
	status = http_local_start(&(struct http_local_options){.listen = listen,
							       .path = "/metrics",
							       .media_type = EXPOSITION_MEDIA_TYPE,
							       .answer = answer,
							       .arg = port},
				  &port->local);
	if (status != HTTP_OK) {
		listen_error(status, listen, "--metrics", ret_error, error_size);
		free(port);
		return false;
	}
	*ret_port = port;
	return true;
}

uint16_t metrics_port_number(const struct metrics_port *port)
{
	return http_local_port(port->local);
}

void metrics_port_free(struct metrics_port *port)
{
	if (!port)
		return;
	http_local_free(port->local);
	free(port);
}
