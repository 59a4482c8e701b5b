#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/http/internal.h"

enum { BACKLOG = 1024 };

/* "host:port" or "[v6]:port", numeric. */
static enum http_status parse_listen(const char *listen_text, struct addrinfo **ret_info)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	const char *colon = strrchr(listen_text, ':');
	char host[64];
	size_t size;

	if (!colon || colon == listen_text || !colon[1])
		return HTTP_ADDRESS;
	size = (size_t)(colon - listen_text);
	if (listen_text[0] == '[' && colon[-1] == ']') {
		listen_text++;
		size -= 2;
	}
	if (size >= sizeof(host))
		return HTTP_ADDRESS;
	memcpy(host, listen_text, size);
	host[size] = '\0';
	if (strcmp(host, "localhost") == 0)
		strcpy(host, "127.0.0.1");
	return getaddrinfo(host, colon + 1, &hints, ret_info) == 0 ? HTTP_OK : HTTP_ADDRESS;
}

static enum http_status from_errno(void)
{
	if (errno == EADDRINUSE)
		return HTTP_IN_USE;
	if (errno == EACCES || errno == EPERM)
		return HTTP_NOT_ALLOWED;
	return errno == EADDRNOTAVAIL ? HTTP_ADDRESS : HTTP_SYSTEM;
}

static enum http_status bind_and_listen(struct http_server *server)
{
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);
	struct addrinfo *info = NULL;
	enum http_status status = parse_listen(server->options.listen, &info);
	int on = 1;

	if (status != HTTP_OK)
		return status;
	server->listen_fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (server->listen_fd < 0 || setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(server->listen_fd, info->ai_addr, info->ai_addrlen) != 0 || listen(server->listen_fd, BACKLOG) != 0 ||
	    getsockname(server->listen_fd, (struct sockaddr *)&bound, &size) != 0)
		status = from_errno();
	else
		server->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
								 : ((struct sockaddr_in *)&bound)->sin_port);
	freeaddrinfo(info);
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
	status = bind_and_listen(server);
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

bool http_server_stopping(const struct http_server *server)
{
	return atomic_load(&server->stopping);
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
