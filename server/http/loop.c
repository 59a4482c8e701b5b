/*
 * An event loop: one thread, driving a libmicrohttpd daemon for each kind of connection, with TLS and without, that has
 * neither a thread nor a listening socket.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "server/http/internal.h"
#include "server/tls/context.h" /* tls_context_priorities() */

enum {
	TURN_MAX_MS = HTTP_TURN_MS,
	REAP_MS = 250,
	DELAY_MS = 250,
	STOPPING_REAP_MS = 20,
	CONNECTIONS_OVER = 1024, /* the acceptor counts; this only has to be enough */
	SPIN_TURNS = 4,
	SPIN_SLEEP_MS = 2,
	MEMORY_A_CONNECTION = 24 * 1024
};

int64_t http_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t http_now_ms(void)
{
	return http_now_us() / 1000;
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

void loop_delay(struct loop *loop, struct http_exchange *x)
{
	x->delayed_until_ms = http_now_ms() + DELAY_MS;
	x->next_woken = NULL;
	*loop->delayed_last = x;
	loop->delayed_last = &x->next_woken;
}

void loop_resume(struct loop *loop, struct http_exchange *x)
{
	wait_forget(x);
	if (!exchange_wakes(x))
		return;
	loop->suspended--;
	loop->turns_progress++;
	x->suspended = false;
	MHD_resume_connection(x->mhd);
}

static void resume_delayed(struct loop *loop, int64_t now)
{
	while (loop->delayed && now >= loop->delayed->delayed_until_ms) {
		struct http_exchange *x = loop->delayed;

		loop->delayed = x->next_woken;
		if (!loop->delayed)
			loop->delayed_last = &loop->delayed;
		loop_resume(loop, x);
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

		connection_adopt(loop, arrived);
		arrived = next;
	}
	while (woken) {
		struct http_exchange *next = woken->next_woken;

		loop_resume(loop, woken);
		woken = next;
	}
}

/* ---- turns ---- */

static unsigned long progress_of(const struct loop *loop)
{
	unsigned long sum = loop->turns_progress;

	for (const struct connection *c = loop->connections; c; c = c->next)
		sum += c->traffic.moves;
	return sum;
}

static int wait_of(const struct loop *loop)
{
	const struct http_app *app = loop->server->options.app;
	MHD_UNSIGNED_LONG_LONG timeout;
	/* Short waits look after themselves; whoever ends a long one signals. */
	int wait = loop->suspended > loop->waiting_count ? 5 : TURN_MAX_MS;
	const int rest = app->rest(app->arg, loop->context);

	if (rest >= 0 && rest < wait)
		wait = rest;
	for (size_t i = 0; i < DAEMONS; i++)
		if (loop->daemons[i] && MHD_get_timeout(loop->daemons[i], &timeout) == MHD_YES &&
		    timeout < (MHD_UNSIGNED_LONG_LONG)wait)
			wait = (int)timeout;
	return wait;
}

static void rest(struct loop *loop, unsigned *idle_turns, unsigned long *last_progress)
{
	struct pollfd fds[] = {{.fd = loop->event_fd, .events = POLLIN},
			       {.fd = loop->daemon_fds[DAEMON_TLS], .events = POLLIN},
			       {.fd = loop->daemon_fds[DAEMON_PLAIN], .events = POLLIN},
			       {.fd = loop->client_fd, .events = POLLIN},
			       {.fd = loop->wait_fd, .events = POLLIN}};
	const int wait = wait_of(loop);
	uint64_t count;

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
	if (poll(fds, sizeof(fds) / sizeof(fds[0]), wait) > 0 && fds[0].revents &&
	    read(loop->event_fd, &count, sizeof(count)) < 0)
		return; /* somebody else's turn took it: nothing to do */
}

static void run(struct loop *loop)
{
	unsigned idle_turns = 0;
	unsigned long last_progress = 0;
	int64_t last_reap = 0;

	while (!atomic_load(&loop->server->stopping) || loop->connections || loop->suspended) {
		int64_t now = http_now_ms();

		atomic_fetch_add_explicit(&loop->turns, 1, memory_order_relaxed);
		take_given(loop);
		resume_delayed(loop, now);
		if (now - last_reap > (atomic_load(&loop->server->stopping) ? STOPPING_REAP_MS : REAP_MS)) {
			connection_reap(loop, now);
			waits_end_due(loop, now);
			last_reap = now;
		}
		waits_end_lost(loop);
		handshakes_wake(loop);
		for (size_t i = 0; i < DAEMONS; i++)
			if (loop->daemons[i])
				MHD_run(loop->daemons[i]);
		handshakes_park(loop);
		rest(loop, &idle_turns, &last_progress);
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

/* Without TLS its options are ignored. */
static struct MHD_Daemon *make_daemon(struct loop *loop, bool plain)
{
	const char *priorities = plain ? NULL : tls_context_priorities(loop->server->options.tls);

	return MHD_start_daemon(
		(plain ? 0 : MHD_USE_TLS) | MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
		NULL, NULL, exchange_handle, loop, MHD_OPTION_HTTPS_PRIORITIES, priorities,
		MHD_OPTION_HTTPS_CERT_CALLBACK, no_certificate, MHD_OPTION_NOTIFY_CONNECTION, connection_notice, loop,
		MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, loop, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_A_CONNECTION, MHD_OPTION_CONNECTION_LIMIT,
		2 * loop->server->options.limits.connections + CONNECTIONS_OVER,
#if MHD_VERSION >= 0x00097701
		/* A higher one would refuse the empty line that may precede a request (RFC 9112 §2.2), and forgive
		 * blanks behind a chunk's size. */
		MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#endif
		MHD_OPTION_END);
}

/* False: not all that the server listens for could be made. */
static bool make_daemons(struct loop *loop)
{
	for (size_t i = 0; i < DAEMONS; i++) {
		const union MHD_DaemonInfo *info;

		if (loop->server->listeners[i].fd < 0)
			continue;
		loop->daemons[i] = make_daemon(loop, i == DAEMON_PLAIN);
		if (!loop->daemons[i])
			return false;
		info = MHD_get_daemon_info(loop->daemons[i], MHD_DAEMON_INFO_EPOLL_FD);
		loop->daemon_fds[i] = info->epoll_fd;
	}
	return true;
}

static void stop_daemons(struct loop *loop)
{
	for (size_t i = 0; i < DAEMONS; i++) {
		if (loop->daemons[i])
			MHD_stop_daemon(loop->daemons[i]);
		loop->daemons[i] = NULL;
	}
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
	bool good;

	(void)pthread_setname_np(pthread_self(), "loop"); /* a name is a convenience */
	loop->context = app->loop_start(app->arg);
	good = loop->context && handshakes_init(loop) && waits_init(loop) && make_daemons(loop);
	report(loop, good ? 1 : -1);
	if (good)
		run(loop);
	stop_daemons(loop);
	handshakes_done(loop);
	waits_done(loop);
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
	loop->delayed_last = &loop->delayed;
	loop->client_fd = loop->wait_fd = -1;
	loop->daemon_fds[DAEMON_TLS] = loop->daemon_fds[DAEMON_PLAIN] = -1;
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
