/*
 * From libmicrohttpd's calls to the application's. It calls once with the head, then for each piece of the body, then
 * once more with none; and again after a resume, with the same arguments as before the suspend. Hence an explicit
 * state.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "server/http/internal.h"

enum { LATE_SECONDS = 1 }; /* unsigned, as libmicrohttpd wants it */

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
	x->peer = connection->peer;
	x->secure = !connection->plain;
	x->is_head = strcmp(method, "HEAD") == 0;
	x->begun_us = http_now_us();
	connection->exchange = x;
	connection->requests++;
	return x;
}

/* Suspends; only a resume by the loop, after http_wake(), brings libmicrohttpd back here. */
static enum MHD_Result wait_for_wake(struct http_exchange *x, enum exchange_state state)
{
	x->state = state;
	x->suspended = true;
	x->loop->suspended++;
	MHD_suspend_connection(x->mhd);
	return MHD_YES;
}

/* A setting is named only where it is what limits. */
static void refuse_size(struct http_exchange *x)
{
	const uint64_t limit = http_body_limit(x);

	http_problem(x, PROBLEM_TOO_LARGE, "the limit is %llu bytes%s", (unsigned long long)limit,
		     limit == x->loop->server->options.limits.body ? " (--max-record-size)" : "");
}

bool http_check_body(struct http_exchange *x)
{
	uint64_t limit = http_body_limit(x);

	if (x->route->body == HTTP_BODY_NONE && x->has_body)
		http_problem(x, PROBLEM_BAD_REQUEST, "this method takes no body");
	else if (x->length > limit)
		refuse_size(x);
	return x->reply.status == 0;
}

/*
 * Whoever asks again at once when told that the server is busy takes from it what the others need: so that answer
 * takes a while, which costs next to nothing.
 */
static enum MHD_Result answer(struct http_exchange *x)
{
	if (!x->reply.busy || http_stopping(x))
		return reply_queue(x);
	loop_delay(x->loop, x);
	return wait_for_wake(x, X_DELAY_WAIT);
}

/* The head is dealt with: a refusal is answered at once when a body would follow, which closes the connection. */
static enum MHD_Result after_head(struct http_exchange *x)
{
	x->state = X_BODY;
	if (x->reply.status && x->has_body) {
		x->connection->linger = true;
		return answer(x);
	}
	return MHD_YES;
}

static bool check_admission(struct http_exchange *x)
{
	if (x->connection->over == OVER_ADDRESS)
		http_problem(x, PROBLEM_TOO_MANY, NULL);
	else if (x->connection->over == OVER_ALL)
		http_problem(x, PROBLEM_BUSY, "there are too many connections");
	return x->reply.status == 0;
}

static enum MHD_Result handle_head(struct http_exchange *x, const char *url, const char *version)
{
	const struct http_app *app = x->loop->server->options.app;

	if (!check_admission(x) || !gate_check(x, url, version) || !proxied_read(x)) {
		/* At once, whatever body it may have: what follows on the connection is not even read. */
		x->connection->linger = true;
		return reply_queue(x);
	}
	if (!route_find(x, url))
		return after_head(x);
	x->head_seen = true;
	if (app->head(x, app->arg) == HTTP_WAIT)
		return wait_for_wake(x, X_HEAD_WAIT);
	return after_head(x);
}

/*
 * libmicrohttpd takes no answer in the middle of a body, and a client that is refused should not have to send all of
 * it: the answer goes out past the library, which then closes.
 */
static enum MHD_Result cut_short(struct http_exchange *x)
{
	x->connection->linger = true;
	x->cut = reply_send_now(x);
	x->state = X_ANSWERED;
	return MHD_NO;
}

/*
 * The same while no byte comes, and libmicrohttpd therefore does not call: it is made to read once more, and finds the
 * end. What the client still sends is left in the socket, and drained, so that no reset destroys the answer. A plain
 * connection cannot be made deaf, but for shutdown(2), which would make the draining deaf too: there a byte ends it,
 * or the library's own timeout.
 */
static void answer_late(struct http_exchange *x)
{
	(void)cut_short(x);
	x->connection->traffic.deaf = true;
	if (x->connection->plain)
		(void)MHD_set_connection_option(x->mhd, MHD_CONNECTION_OPTION_TIMEOUT, LATE_SECONDS);
}

/* Suspended in any case: a connection that is resumed is read from at once. */
bool exchange_late(struct http_exchange *x)
{
	const struct http_app *app = x->loop->server->options.app;

	if (x->state != X_BODY || x->suspended || !x->head_seen || x->reply.status)
		return false;
	http_problem(x, PROBLEM_TIMEOUT, "the body came too slowly");
	(void)wait_for_wake(x, X_LATE_WAIT);
	if (app->ready(x, app->arg) == HTTP_GO)
		http_wake(x);
	return true;
}

bool exchange_wakes(struct http_exchange *x)
{
	const struct http_app *app = x->loop->server->options.app;

	if (x->state != X_LATE_WAIT)
		return true;
	if (app->resumed(x, app->arg) == HTTP_WAIT)
		return false;
	answer_late(x);
	return true;
}

static enum MHD_Result handle_piece(struct http_exchange *x, const char *data, size_t *size)
{
	const struct http_app *app = x->loop->server->options.app;
	size_t used = *size;
	enum http_next next = HTTP_GO;

	if (!x->reply.status && x->received + *size > http_body_limit(x))
		refuse_size(x);
	if (x->reply.status) {
		/* As if it were complete: the application has its say about a refusal too. */
		if (x->head_seen && app->ready(x, app->arg) == HTTP_WAIT)
			return wait_for_wake(x, X_CUT_WAIT);
		return cut_short(x);
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
	if (!x->has_length && !x->reply.status && !gate_check_trailer(x))
		http_reply_header(x, "Connection", "close");
	if (app->ready(x, app->arg) == HTTP_WAIT)
		return wait_for_wake(x, X_READY_WAIT);
	return answer(x);
}

static enum MHD_Result handle_resumed(struct http_exchange *x)
{
	const struct http_app *app = x->loop->server->options.app;
	enum exchange_state state = x->state;

	if (app->resumed(x, app->arg) == HTTP_WAIT)
		return wait_for_wake(x, state);
	if (state == X_CUT_WAIT)
		return cut_short(x);
	return state == X_HEAD_WAIT ? after_head(x) : answer(x);
}

enum MHD_Result exchange_handle(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
				const char *version, const char *data, size_t *size, void **exchange)
{
	struct http_exchange *x = *exchange;

	((struct loop *)arg)->turns_progress++;
	if (!x) {
		x = exchange_new(arg, mhd, method);
		*exchange = x;
		return x ? handle_head(x, url, version) : MHD_NO;
	}
	switch (x->state) {
	case X_HEAD:
	case X_LATE_WAIT:
	case X_ANSWERED:
		break;
	case X_HEAD_WAIT:
	case X_READY_WAIT:
	case X_CUT_WAIT:
		return handle_resumed(x);
	case X_DELAY_WAIT:
		return reply_queue(x);
	case X_BODY:
		return *size ? handle_piece(x, data, size) : handle_end(x);
	}
	*size = 0;
	return x->state == X_ANSWERED && x->connection->traffic.deaf ? MHD_NO : MHD_YES;
}

static void tell_done(const struct http_exchange *x, bool completed)
{
	const struct http_app *app = x->loop->server->options.app;
	const struct http_done done = {.route = x->route,
				       .status = x->reply.status,
				       .received = x->received,
				       .sent = x->is_head ? 0 : x->sent,
				       .microseconds = (uint64_t)(http_now_us() - x->begun_us),
				       .completed = completed};

	if (app->done)
		app->done(app->arg, x->loop->context, &done);
}

void exchange_completed(void *arg, struct MHD_Connection *mhd, void **exchange, enum MHD_RequestTerminationCode code)
{
	struct loop *loop = arg;
	const struct http_app *app = loop->server->options.app;
	struct http_exchange *x = *exchange;
	bool completed;

	(void)mhd;
	if (!x)
		return;
	*exchange = NULL;
	completed = x->cut || code == MHD_REQUEST_TERMINATED_COMPLETED_OK;
	access_log_add(x, completed);
	if (x->head_seen)
		app->closed(x, completed, app->arg);
	tell_done(x, completed);
	x->connection->exchange = NULL;
	x->connection->idle_received = x->connection->traffic.received;
	if (x->connection->plain)
		handshake_listen(loop, x->connection);
	reply_clear(&x->reply);
	while (x->texts) {
		struct exchange_text *text = x->texts;

		x->texts = text->next;
		free(text);
	}
	free(x);
}
