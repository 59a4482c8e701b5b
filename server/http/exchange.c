/*
 * From libmicrohttpd's calls to the application's. It calls once with the head, then for each piece of the body, then
 * once more with none; and again after a resume, with the same arguments as before the suspend. Hence an explicit
 * state.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "server/http/internal.h"

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

const char *http_query(const struct http_exchange *x, const char *name)
{
	struct lookup lookup = {.name = name};

	MHD_get_connection_values_n(x->mhd, MHD_GET_ARGUMENT_KIND, look, &lookup);
	return lookup.value;
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
	return x->loop->server->options.limits.body;
}

const char *http_peer(const struct http_exchange *x)
{
	return x->connection->peer;
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

/* ---- libmicrohttpd's calls ---- */

static struct http_exchange *exchange_new(struct loop *loop, struct MHD_Connection *mhd, const char *method)
{
	static const char DIGITS[] = "0123456789abcdef";
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct connection *connection = info ? info->socket_context : NULL;
	struct http_exchange *x = connection ? calloc(1, sizeof(*x)) : NULL;
	unsigned char id[REQUEST_ID_CHARS / 2];

	if (!x)
		return NULL;
	if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id)) {
		free(x);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(id); i++) {
		x->request_id[2 * i] = DIGITS[id[i] >> 4];
		x->request_id[2 * i + 1] = DIGITS[id[i] & 15];
	}
	x->loop = loop;
	x->connection = connection;
	x->mhd = mhd;
	x->method = method;
	x->is_head = strcmp(method, "HEAD") == 0;
	x->begun_ms = http_now_ms();
	connection->busy = connection->served = true;
	connection->since_ms = x->begun_ms;
	return x;
}

/* Suspends; only a resume by the loop, after http_wake(), brings libmicrohttpd back here. */
static enum MHD_Result wait_for_wake(struct http_exchange *x, enum exchange_state state)
{
	x->state = state;
	x->loop->suspended++;
	MHD_suspend_connection(x->mhd);
	return MHD_YES;
}

static void check_limits(struct http_exchange *x)
{
	uint64_t limit = http_body_limit(x);

	if (x->route->body == HTTP_BODY_NONE && x->has_body)
		http_problem(x, PROBLEM_BAD_REQUEST, "this method takes no body");
	else if (x->length > limit)
		http_problem(x, PROBLEM_TOO_LARGE, "the limit is %llu bytes (--max-record-size)",
			     (unsigned long long)limit);
}

/* The head is dealt with: a refusal is answered at once when a body would follow, which closes the connection. */
static enum MHD_Result after_head(struct http_exchange *x)
{
	x->state = X_BODY;
	if (x->reply.status && x->has_body) {
		x->connection->linger = true;
		return reply_queue(x);
	}
	return MHD_YES;
}

static enum MHD_Result handle_head(struct http_exchange *x, const char *url)
{
	const struct http_app *app = x->loop->server->options.app;

	if (!gate_check(x, url)) {
		http_reply_header(x, "Connection", "close");
		return after_head(x);
	}
	if (!route_find(x, url))
		return after_head(x);
	x->head_seen = true;
	/* Before the application: it authenticates first, so that 413 is told to those only who may send. */
	if (app->head(x, app->arg) == HTTP_WAIT)
		return wait_for_wake(x, X_HEAD_WAIT);
	if (!x->reply.status)
		check_limits(x);
	return after_head(x);
}

static enum MHD_Result handle_piece(struct http_exchange *x, const char *data, size_t *size)
{
	const struct http_app *app = x->loop->server->options.app;
	size_t used = *size;
	enum http_next next = HTTP_GO;

	if (!x->reply.status && x->received + *size > http_body_limit(x))
		http_problem(x, PROBLEM_TOO_LARGE, "the limit is %llu bytes (--max-record-size)",
			     (unsigned long long)http_body_limit(x));
	if (x->reply.status) {
		/* No answer can be queued in the middle of a body: read on, but not for ever. */
		x->received += *size;
		*size = 0;
		return x->received > 2 * http_body_limit(x) ? MHD_NO : MHD_YES;
	}
	next = app->body(x, (const uint8_t *)data, *size, &used, app->arg);
	x->received += used;
	*size -= used;
	return next == HTTP_WAIT ? wait_for_wake(x, X_BODY) : MHD_YES;
}

static enum MHD_Result handle_end(struct http_exchange *x)
{
	const struct http_app *app = x->loop->server->options.app;

	if (!x->head_seen)
		return reply_queue(x);
	if (app->ready(x, app->arg) == HTTP_WAIT)
		return wait_for_wake(x, X_READY_WAIT);
	return reply_queue(x);
}

static enum MHD_Result handle_resumed(struct http_exchange *x)
{
	const struct http_app *app = x->loop->server->options.app;
	enum exchange_state state = x->state;

	if (app->resumed(x, app->arg) == HTTP_WAIT)
		return wait_for_wake(x, state);
	return state == X_HEAD_WAIT ? after_head(x) : reply_queue(x);
}

enum MHD_Result exchange_handle(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
				const char *version, const char *data, size_t *size, void **exchange)
{
	struct http_exchange *x = *exchange;

	(void)version;
	((struct loop *)arg)->turns_progress++;
	if (!x) {
		x = exchange_new(arg, mhd, method);
		*exchange = x;
		return x ? handle_head(x, url) : MHD_NO;
	}
	switch (x->state) {
	case X_HEAD:
	case X_ANSWERED:
		break;
	case X_HEAD_WAIT:
	case X_READY_WAIT:
		return handle_resumed(x);
	case X_BODY:
		return *size ? handle_piece(x, data, size) : handle_end(x);
	}
	*size = 0;
	return MHD_YES;
}

void exchange_completed(void *arg, struct MHD_Connection *mhd, void **exchange, enum MHD_RequestTerminationCode code)
{
	struct loop *loop = arg;
	const struct http_app *app = loop->server->options.app;
	struct http_exchange *x = *exchange;
	bool completed = code == MHD_REQUEST_TERMINATED_COMPLETED_OK;

	(void)mhd;
	if (!x)
		return;
	*exchange = NULL;
	access_log_add(x, completed);
	if (x->head_seen)
		app->closed(x, completed, app->arg);
	x->connection->busy = false;
	x->connection->since_ms = http_now_ms();
	reply_clear(&x->reply);
	while (x->texts) {
		struct exchange_text *text = x->texts;

		x->texts = text->next;
		free(text);
	}
	free(x);
}
