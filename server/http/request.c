/* A request as the application sees it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/http/internal.h"

/* A certificate may expire while its connection goes on. */
enum { CLIENT_AGAIN_MS = 60000 };

/* ---- texts that live as long as the exchange ---- */

char *exchange_copy(struct http_exchange *x, const char *text, size_t size)
{
	struct exchange_text *copy = malloc(sizeof(*copy) + size + 1);

	if (!copy)
		return NULL;
	memcpy(copy->text, text, size);
	copy->text[size] = '\0';
	copy->next = x->texts;
	x->texts = copy;
	return copy->text;
}

/* ---- the application's view ---- */

const struct http_route *http_route(const struct http_exchange *x)
{
	return x->route;
}

bool http_is_head(const struct http_exchange *x)
{
	return x->is_head;
}

const char *http_request_id(const struct http_exchange *x)
{
	return x->request_id;
}

void http_reference(const struct http_exchange *x, char ret_text[static HTTP_REFERENCE_MAX])
{
	snprintf(ret_text, HTTP_REFERENCE_MAX, "request %s%s%s", x->request_id,
		 x->trace.trace_id[0] ? " of trace " : "", x->trace.trace_id);
}

const char *http_param(const struct http_exchange *x, size_t index)
{
	return index < HTTP_PARAMS_MAX ? x->params[index] : NULL;
}

struct lookup {
	const char *name;
	const char *value;
	size_t count;
	const char *const *names; /* for http_query_only */
	bool foreign;
};

static enum MHD_Result look(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value,
			    size_t value_size)
{
	struct lookup *lookup = arg;
	bool matches = strlen(name) == name_size && (!value || strlen(value) == value_size);

	if (kind == MHD_HEADER_KIND)
		matches = matches && strcasecmp(name, lookup->name) == 0;
	else
		matches = matches && strcmp(name, lookup->name) == 0;
	if (matches && lookup->count++ == 0)
		lookup->value = value ? value : "";
	return MHD_YES;
}

const char *http_query(struct http_exchange *x, const char *name)
{
	struct lookup lookup = {.name = name};
	char *decoded;

	MHD_get_connection_values_n(x->mhd, MHD_GET_ARGUMENT_KIND, look, &lookup);
	if (!lookup.value || !strchr(lookup.value, '%'))
		return lookup.value;
	/* What cannot be decoded stays as it came, which is no value that any parameter takes. */
	decoded = exchange_copy(x, lookup.value, strlen(lookup.value));
	return decoded && route_decode(decoded) ? decoded : lookup.value;
}

static enum MHD_Result check_name(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size,
				  const char *value, size_t value_size)
{
	struct lookup *lookup = arg;
	bool known = false;

	(void)kind;
	for (const char *const *n = lookup->names; *n; n++)
		known = known || (strlen(*n) == name_size && strcmp(*n, name) == 0);
	if (!known || !value || strlen(value) != value_size)
		lookup->foreign = true;
	return MHD_YES;
}

bool http_query_only(const struct http_exchange *x, const char *const *names)
{
	struct lookup lookup = {.names = names};

	MHD_get_connection_values_n(x->mhd, MHD_GET_ARGUMENT_KIND, check_name, &lookup);
	for (const char *const *n = names; *n; n++) {
		struct lookup one = {.name = *n};

		MHD_get_connection_values_n(x->mhd, MHD_GET_ARGUMENT_KIND, look, &one);
		if (one.count > 1)
			return false;
	}
	return !lookup.foreign;
}

const char *http_header(const struct http_exchange *x, const char *name, size_t *ret_count)
{
	struct lookup lookup = {.name = name};

	MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, look, &lookup);
	if (ret_count)
		*ret_count = lookup.count;
	return lookup.value;
}

bool http_content_length(const struct http_exchange *x, uint64_t *ret_length)
{
	*ret_length = x->length;
	return x->has_length;
}

uint64_t http_body_limit(const struct http_exchange *x)
{
	const uint64_t limit = x->loop->server->options.limits.body;
	const uint64_t own = x->route ? x->route->body_max : 0;

	return own && own < limit ? own : limit;
}

const char *http_peer(const struct http_exchange *x)
{
	return x->peer;
}

const char *http_host(const struct http_exchange *x)
{
	return x->host ? x->host : http_header(x, "Host", NULL);
}

/* Those of a long connection are verified again from time to time, and as soon as CAs or revocations have changed. */
static bool is_current(const struct connection *connection, int64_t now)
{
	if (connection->client.state == TLS_CLIENT_UNKNOWN || now - connection->client_ms >= CLIENT_AGAIN_MS)
		return false;
	return connection->plain ||
	       connection->client.generation == tls_context_generation(connection->server->options.tls);
}

const struct tls_client *http_client(struct http_exchange *x)
{
	struct connection *connection = x->connection;
	const int64_t now = http_now_ms();
	const union MHD_ConnectionInfo *info;

	if (!is_current(connection, now)) {
		info = MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
		if (connection->plain)
			connection->client.state = TLS_CLIENT_NONE;
		else if (info)
			tls_session_client(connection->server->options.tls, info->tls_session, &connection->client);
		connection->client_ms = now;
	}
	return &connection->client;
}

void *http_state(const struct http_exchange *x)
{
	return x->state_of_app;
}

void http_set_state(struct http_exchange *x, void *state)
{
	x->state_of_app = state;
}

void *http_loop_context(const struct http_exchange *x)
{
	return x->loop->context;
}

bool http_stopping(const struct http_exchange *x)
{
	return atomic_load(&x->loop->server->stopping);
}
