#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/http/internal.h"

static enum http_status open_listeners(struct http_server *server, const char **ret_culprit)
{
	const struct http_options *options = &server->options;
	enum http_status status = HTTP_OK;

	*ret_culprit = options->trusted_proxies;
	if (options->trusted_proxies && !proxies_parse(options->trusted_proxies, &server->proxies))
		return HTTP_ADDRESS;
	*ret_culprit = options->listen;
	if (options->listen)
		status = listener_open(options->listen, &server->listeners[DAEMON_TLS]);
	if (status != HTTP_OK)
		return status;
	*ret_culprit = options->plain;
	if (options->plain)
		status = listener_open_plain(options->plain, options->plain_mode, &server->listeners[DAEMON_PLAIN]);
	if (status == HTTP_OK)
		*ret_culprit = NULL;
	return status;
}

static enum http_status start_threads(struct http_server *server)
{
	unsigned count = server->options.loops;

	if (count == 0) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);

		count = cores > 0 ? (unsigned)cores : 1;
	}
	server->loops = calloc(count, sizeof(*server->loops));
	if (!server->loops)
		return HTTP_NOMEM;
	for (unsigned i = 0; i < count; i++) {
		server->loops[i].server = server;
		server->loops[i].event_fd = -1;
		server->loop_count++;
		if (!loop_start(&server->loops[i]))
			return HTTP_SYSTEM;
	}
	return acceptor_new(server) ? HTTP_OK : HTTP_SYSTEM;
}

bool http_proxies(const char *list)
{
	struct proxies proxies;

	return proxies_parse(list, &proxies);
}

enum http_status http_server_start(const struct http_options *options, struct http_server **ret_server,
				   const char **ret_culprit)
{
	struct http_server *server = calloc(1, sizeof(*server));
	enum http_status status;

	*ret_culprit = NULL;
	if (!server)
		return HTTP_NOMEM;
	server->options = *options;
	for (size_t i = 0; i < DAEMONS; i++)
		server->listeners[i] = LISTENER_NONE;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->started, NULL);
	status = open_listeners(server, ret_culprit);
	if (status == HTTP_OK)
		status = start_threads(server);
	if (status != HTTP_OK) {
		int saved = errno;

		http_server_stop(server);
		http_server_free(server);
		errno = saved;
		return status;
	}
	*ret_server = server;
	return HTTP_OK;
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->listeners[DAEMON_TLS].port;
}

uint16_t http_server_plain_port(const struct http_server *server)
{
	return server->listeners[DAEMON_PLAIN].port;
}

void http_server_figures(struct http_server *server, struct http_figures *ret_figures)
{
	struct http_figures figures = {.limit = server->options.limits.connections};

	if (server->acceptor)
		acceptor_figures(server->acceptor, &figures);
	for (unsigned i = 0; i < server->loop_count; i++)
		for (size_t kind = 0; kind < HTTP_REAPED_KINDS; kind++)
			figures.reaped[kind] +=
				atomic_load_explicit(&server->loops[i].reaped[kind], memory_order_relaxed);
	*ret_figures = figures;
}

bool http_server_stopping(const struct http_server *server)
{
	return atomic_load(&server->stopping);
}

static bool has_moved(unsigned long turns, unsigned long *seen)
{
	const bool moved = turns != *seen;

	*seen = turns;
	return moved;
}

bool http_server_moved(struct http_server *server)
{
	bool moved = has_moved(acceptor_turns(server->acceptor), &server->acceptor_turns_seen);

	for (unsigned i = 0; i < server->loop_count; i++) {
		struct loop *loop = &server->loops[i];

		if (!has_moved(atomic_load(&loop->turns), &loop->turns_seen))
			moved = false;
	}
	return moved;
}

void http_server_stop(struct http_server *server)
{
	if (!server)
		return;
	acceptor_stop(server->acceptor);
	server->drain_until_ms = http_now_ms() + server->options.limits.drain_ms;
	atomic_store(&server->stopping, true);
	for (unsigned i = 0; i < server->loop_count; i++) {
		struct loop *loop = &server->loops[i];

		if (loop->running) {
			loop_signal(loop);
			pthread_join(loop->thread, NULL);
		}
		loop->running = false;
	}
	acceptor_free(server->acceptor);
	server->acceptor = NULL;
	for (size_t i = 0; i < DAEMONS; i++)
		listener_close(&server->listeners[i]);
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	for (unsigned i = 0; i < server->loop_count; i++) {
		if (server->loops[i].event_fd >= 0)
			close(server->loops[i].event_fd);
		pthread_mutex_destroy(&server->loops[i].lock);
	}
	free(server->loops);
	pthread_mutex_destroy(&server->lock);
	pthread_cond_destroy(&server->started);
	free(server);
}
