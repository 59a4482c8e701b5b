#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/http/internal.h"
#include "server/http/listen.h"

enum { BACKLOG = 1024 };

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

enum http_status http_server_start(const struct http_options *options, struct http_server **ret_server)
{
	struct http_server *server = calloc(1, sizeof(*server));
	enum http_status status;

	if (!server)
		return HTTP_NOMEM;
	server->options = *options;
	server->listen_fd = -1;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->started, NULL);
	status = listen_open(options->listen, BACKLOG, &server->listen_fd, &server->port);
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
	return server->port;
}

void http_server_figures(struct http_server *server, struct http_figures *ret_figures)
{
	*ret_figures = (struct http_figures){
		.open = server->acceptor ? acceptor_open(server->acceptor) : 0,
		.limit = server->options.limits.connections,
	};
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
	if (server->listen_fd >= 0)
		close(server->listen_fd);
	server->listen_fd = -1;
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
