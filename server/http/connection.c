/*
 * The connections of a loop and their deadlines. libmicrohttpd's own timeout is for idle connections only, and a byte
 * now and then keeps it away; so each phase has an absolute one here, or a rate. Only the loop's thread comes here:
 * there is no lock.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "server/http/internal.h"

/* Time for the requests that libmicrohttpd may have read before the end. */
enum { ENDED_MS = 500 };

static void connection_opened(struct loop *loop, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	int fd = info ? info->connect_fd : -1; /* copied: a later question may overwrite the answer */
	struct connection *connection = loop->connections;

	while (connection && connection->fd != fd)
		connection = connection->next;
	*context = connection;
	if (connection && connection->plain) {
		connection->traffic.established = true;
		handshake_listen(loop, connection);
		return;
	}
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (!connection || !info ||
	    tls_session_prepare(loop->server->options.tls, info->tls_session, &connection->traffic) != TLS_OK)
		shutdown(fd, SHUT_RDWR);
	if (connection)
		handshake_begin(loop, connection, mhd);
}

static void connection_gone(struct loop *loop, struct connection *connection)
{
	int linger_fd = connection->linger ? dup(connection->fd) : -1;

	if (connection->previous)
		connection->previous->next = connection->next;
	else
		loop->connections = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
	handshake_forget(loop, connection);
	tls_session_done(&connection->traffic);
	atomic_fetch_sub(&loop->count, 1);
	acceptor_forget(loop->server->acceptor, connection, linger_fd);
}

void connection_notice(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		connection_opened(arg, mhd, context);
	else if (*context)
		connection_gone(arg, *context);
}

static bool is_listed(const struct loop *loop, const struct connection *connection)
{
	const struct connection *c = loop->connections;

	while (c && c != connection)
		c = c->next;
	return c != NULL;
}

void connection_adopt(struct loop *loop, struct connection *connection)
{
	connection->since_ms = http_now_ms();
	connection->previous = NULL;
	connection->next = loop->connections;
	if (loop->connections)
		loop->connections->previous = connection;
	loop->connections = connection;
	if (MHD_add_connection(loop->daemons[connection->plain ? DAEMON_PLAIN : DAEMON_TLS], connection->fd,
			       (const struct sockaddr *)&connection->address, connection->address_size) == MHD_YES)
		return;
	/* The socket has been closed; of a connection that was begun its end has been told, too. */
	if (is_listed(loop, connection))
		connection_gone(loop, connection);
}

/* ---- deadlines ---- */

static enum connection_phase phase_of(const struct connection *c)
{
	const struct http_exchange *x = c->exchange;

	if (x && x->suspended)
		return PHASE_OURS;
	if (x)
		return x->state == X_ANSWERED ? PHASE_REPLY : PHASE_BODY;
	if (!c->traffic.established)
		return PHASE_HANDSHAKE;
	if (!c->requests || (c->plain ? c->heard : c->traffic.received != c->idle_received))
		return PHASE_HEADER;
	return PHASE_IDLE;
}

/* The kernel knows best how much of a plain answer has arrived; of a Unix socket it tells nothing. */
static uint64_t sent_of(const struct connection *c)
{
	return c->plain && c->address.ss_family != AF_UNIX ? socket_sent(c->fd) : c->traffic.sent;
}

static uint64_t bytes_of(const struct connection *c)
{
	return c->phase == PHASE_REPLY ? sent_of(c) : c->exchange ? c->exchange->received : 0;
}

/* Whether fewer bytes than `rate` a second moved within the window that ends now; else the next one begins. */
static bool too_slow(struct connection *c, uint64_t rate, unsigned window_ms, int64_t now)
{
	uint64_t bytes = bytes_of(c);

	if (now - c->since_ms < window_ms)
		return false;
	if ((bytes - c->mark) * 1000 < rate * (uint64_t)(now - c->since_ms))
		return true;
	c->since_ms = now;
	c->mark = bytes;
	return false;
}

static bool expired(struct connection *c, const struct http_limits *limits, int64_t now)
{
	enum connection_phase phase = phase_of(c);

	if (phase != c->phase || c->requests != c->phase_request) {
		c->phase = phase;
		c->phase_request = c->requests;
		c->since_ms = now;
		c->mark = bytes_of(c);
	}
	switch (phase) {
	case PHASE_HANDSHAKE:
		return now - c->since_ms >= limits->handshake_ms;
	case PHASE_HEADER:
		/* libmicrohttpd overlooks an end that comes right behind the last bytes. */
		return now - c->since_ms >= (c->ended ? ENDED_MS : limits->header_ms);
	case PHASE_IDLE:
		return now - c->since_ms >= limits->idle_ms;
	case PHASE_BODY:
		return too_slow(c, limits->body_rate, limits->rate_ms, now);
	case PHASE_REPLY:
		return too_slow(c, limits->response_rate, limits->rate_ms, now);
	case PHASE_OURS:
		break;
	}
	return false;
}

/* Of a connection that expired, once: it may take a turn or two until it is gone. */
static void count_reaped(struct loop *loop, struct connection *c)
{
	static const enum http_reaped KINDS[] = {
		[PHASE_HANDSHAKE] = HTTP_REAPED_HANDSHAKE, [PHASE_HEADER] = HTTP_REAPED_HEADER,
		[PHASE_IDLE] = HTTP_REAPED_IDLE,	   [PHASE_BODY] = HTTP_REAPED_BODY,
		[PHASE_REPLY] = HTTP_REAPED_REPLY,
	};

	if (!c->reaped)
		atomic_fetch_add_explicit(&loop->reaped[KINDS[c->phase]], 1, memory_order_relaxed);
	c->reaped = true;
}

/* Without waiting for what the kernel has still to send: a client that does not read would hold that memory. */
static void cut_off(const struct connection *c)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (c->phase == PHASE_REPLY)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	shutdown(c->fd, SHUT_RDWR);
}

/*
 * A request whose body does not come gets an answer, since its client may be waiting for one; every other phase ends
 * without a word.
 */
static void end_connection(struct connection *c, bool late)
{
	if (!late || c->phase != PHASE_BODY || !exchange_late(c->exchange))
		cut_off(c);
}

void connection_reap(struct loop *loop, int64_t now)
{
	const struct http_server *server = loop->server;
	bool stopping = atomic_load(&server->stopping);

	for (struct connection *c = loop->connections; c; c = c->next) {
		bool over = stopping && (!c->exchange || now > server->drain_until_ms);

		if (expired(c, &server->options.limits, now)) {
			count_reaped(loop, c);
			end_connection(c, !over);
		} else if (over) {
			cut_off(c);
		}
	}
}
