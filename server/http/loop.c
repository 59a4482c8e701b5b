/* An event loop: one thread, driving a libmicrohttpd daemon that has neither a thread nor a listening socket. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "server/http/internal.h"
#include "server/tls/context.h"

enum { TURN_MAX_MS = 1000, SPIN_TURNS = 4, SPIN_SLEEP_MS = 2, MEMORY_A_CONNECTION = 24 * 1024 };

int64_t http_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- connections ---- */

static void connection_opened(struct loop *loop, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	int fd = info ? info->connect_fd : -1; /* copied: a later question may overwrite the answer */
	struct connection *connection = loop->connections;

	while (connection && connection->fd != fd)
		connection = connection->next;
	*context = connection;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (!connection || !info ||
	    tls_session_prepare(loop->server->options.tls, info->tls_session, &connection->progress) != TLS_OK)
		shutdown(fd, SHUT_RDWR);
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
	atomic_fetch_sub(&loop->count, 1);
	acceptor_forget(loop->server->acceptor, connection, linger_fd);
}

static void connection_notice(void *arg, struct MHD_Connection *mhd, void **context,
			      enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		connection_opened(arg, mhd, context);
	else if (*context)
		connection_gone(arg, *context);
}

static void adopt(struct loop *loop, struct connection *connection)
{
	connection->since_ms = http_now_ms();
	connection->previous = NULL;
	connection->next = loop->connections;
	if (loop->connections)
		loop->connections->previous = connection;
	loop->connections = connection;
	/* When this fails the socket has been closed, and nobody was told of the connection. */
	if (MHD_add_connection(loop->daemon, connection->fd, (const struct sockaddr *)&connection->address,
			       connection->address_size) != MHD_YES)
		connection_gone(loop, connection);
}

/* ---- what other threads give ---- */

void loop_signal(struct loop *loop)
{
	const uint64_t one = 1;

	if (write(loop->event_fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: the counter is full, so the loop will wake */
}

void loop_give(struct loop *loop, struct connection *connection)
{
	pthread_mutex_lock(&loop->lock);
	connection->next = loop->arrived;
	loop->arrived = connection;
	pthread_mutex_unlock(&loop->lock);
	atomic_fetch_add(&loop->count, 1);
	loop_signal(loop);
}

void http_wake(struct http_exchange *x)
{
	struct loop *loop = x->loop;

	pthread_mutex_lock(&loop->lock);
	x->next_woken = loop->woken;
	loop->woken = x;
	pthread_mutex_unlock(&loop->lock);
}

void http_flush(struct http_server *server)
{
	for (unsigned i = 0; i < server->loop_count; i++) {
		struct loop *loop = &server->loops[i];
		bool signal;

		pthread_mutex_lock(&loop->lock);
		signal = loop->woken && !loop->signalled;
		loop->signalled = loop->signalled || signal;
		pthread_mutex_unlock(&loop->lock);
		if (signal)
			loop_signal(loop);
	}
}

static void take_given(struct loop *loop)
{
	struct connection *arrived;
	struct http_exchange *woken;

	pthread_mutex_lock(&loop->lock);
	arrived = loop->arrived;
	woken = loop->woken;
	loop->arrived = NULL;
	loop->woken = NULL;
	loop->signalled = false;
	pthread_mutex_unlock(&loop->lock);
	while (arrived) {
		struct connection *next = arrived->next;

		adopt(loop, arrived);
		arrived = next;
	}
	while (woken) {
		struct http_exchange *next = woken->next_woken;

		loop->suspended--;
		loop->turns_progress++;
		MHD_resume_connection(woken->mhd);
		woken = next;
	}
}

/* ---- turns ---- */

static void reap(struct loop *loop, int64_t now)
{
	const struct http_limits *limits = &loop->server->options.limits;
	bool stopping = atomic_load(&loop->server->stopping);

	for (struct connection *c = loop->connections; c; c = c->next) {
		int64_t limit = c->served ? limits->idle_ms : (int64_t)limits->handshake_ms + limits->header_ms;

		if (!c->busy && (stopping || now - c->since_ms > limit))
			shutdown(c->fd, SHUT_RDWR);
		else if (stopping && now > loop->server->drain_until_ms)
			shutdown(c->fd, SHUT_RDWR);
	}
}

static unsigned long progress_of(const struct loop *loop)
{
	unsigned long sum = loop->turns_progress;

	for (const struct connection *c = loop->connections; c; c = c->next)
		sum += c->progress;
	return sum;
}

static void rest(struct loop *loop, int daemon_fd, unsigned *idle_turns, unsigned long *last_progress)
{
	struct pollfd fds[2] = {{.fd = daemon_fd, .events = POLLIN}, {.fd = loop->event_fd, .events = POLLIN}};
	MHD_UNSIGNED_LONG_LONG timeout = TURN_MAX_MS;
	int wait = loop->suspended ? 5 : TURN_MAX_MS;
	uint64_t count;

	if (MHD_get_timeout(loop->daemon, &timeout) == MHD_YES && timeout < (MHD_UNSIGNED_LONG_LONG)wait)
		wait = (int)timeout;
	if (wait > 0) {
		*idle_turns = 0;
	} else if (++*idle_turns >= SPIN_TURNS) {
		/* With TLS the timeout is 0 for ever while a handshake is pending. */
		unsigned long progress = progress_of(loop);

		if (progress == *last_progress) {
			poll(NULL, 0, SPIN_SLEEP_MS);
			return;
		}
		*last_progress = progress;
		*idle_turns = 0;
	}
	if (loop->log_used && wait > 0)
		access_log_flush(loop);
	if (poll(fds, 2, wait) > 0 && fds[1].revents && read(loop->event_fd, &count, sizeof(count)) < 0)
		return; /* somebody else's turn took it: nothing to do */
}

static void run(struct loop *loop)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int daemon_fd = info->epoll_fd;
	unsigned idle_turns = 0;
	unsigned long last_progress = 0;
	int64_t last_reap = 0;

	while (!atomic_load(&loop->server->stopping) || loop->connections || loop->suspended) {
		int64_t now = http_now_ms();

		take_given(loop);
		if (now - last_reap > (atomic_load(&loop->server->stopping) ? 20 : 500)) {
			reap(loop, now);
			last_reap = now;
		}
		MHD_run(loop->daemon);
		rest(loop, daemon_fd, &idle_turns, &last_progress);
	}
}

/* ---- the thread ---- */

static size_t keep_escapes(void *arg, struct MHD_Connection *mhd, char *text)
{
	(void)arg;
	(void)mhd;
	return strlen(text);
}

/* libmicrohttpd wants some credential of its own; every session gets the context's in connection_opened(). */
static int no_certificate(void)
{
	return -1;
}

static struct MHD_Daemon *make_daemon(struct loop *loop)
{
	return MHD_start_daemon(MHD_USE_TLS | MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
				NULL, NULL, exchange_handle, loop, MHD_OPTION_HTTPS_PRIORITIES, tls_priorities(),
				MHD_OPTION_HTTPS_CERT_CALLBACK, no_certificate, MHD_OPTION_NOTIFY_CONNECTION,
				connection_notice, loop, MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, loop,
				MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				(size_t)MEMORY_A_CONNECTION, MHD_OPTION_CONNECTION_LIMIT,
				loop->server->options.limits.connections, MHD_OPTION_END);
}

static void report(struct loop *loop, int result)
{
	pthread_mutex_lock(&loop->server->lock);
	loop->started = result;
	pthread_cond_signal(&loop->server->started);
	pthread_mutex_unlock(&loop->server->lock);
}

static void *loop_main(void *arg)
{
	struct loop *loop = arg;
	const struct http_app *app = loop->server->options.app;

	loop->context = app->loop_start(app->arg);
	loop->daemon = loop->context ? make_daemon(loop) : NULL;
	report(loop, loop->daemon ? 1 : -1);
	if (loop->daemon) {
		run(loop);
		MHD_stop_daemon(loop->daemon);
	}
	if (loop->log_used)
		access_log_flush(loop);
	free(loop->log);
	if (loop->context)
		app->loop_stop(app->arg, loop->context);
	return NULL;
}

bool loop_start(struct loop *loop)
{
	struct http_server *server = loop->server;
	bool good;

	pthread_mutex_init(&loop->lock, NULL);
	loop->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->event_fd < 0 || pthread_create(&loop->thread, NULL, loop_main, loop) != 0)
		return false;
	loop->running = true;
	pthread_mutex_lock(&server->lock);
	while (!loop->started)
		pthread_cond_wait(&server->started, &server->lock);
	good = loop->started > 0;
	pthread_mutex_unlock(&server->lock);
	return good;
}
