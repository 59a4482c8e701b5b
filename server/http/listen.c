#include "server/http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum http_status parse(const char *text, struct addrinfo **ret_info)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	const char *colon = strrchr(text, ':');
	char host[64];
	size_t size;

	if (!colon || colon == text || !colon[1])
		return HTTP_ADDRESS;
	size = (size_t)(colon - text);
	if (text[0] == '[' && colon[-1] == ']') {
		text++;
		size -= 2;
	}
	if (size >= sizeof(host))
		return HTTP_ADDRESS;
	memcpy(host, text, size);
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

static bool bind_and_listen(int fd, const struct addrinfo *info, int backlog)
{
	const int on = 1, off = 0;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       (info->ai_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0) &&
	       bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, backlog) == 0;
}

static enum http_status open_one(const char *text, int backlog, int *ret_fd, uint16_t *ret_port)
{
	struct sockaddr_storage bound;
	socklen_t size = sizeof(bound);
	struct addrinfo *info = NULL;
	enum http_status status = parse(text, &info);
	int fd;

	if (status != HTTP_OK)
		return status;
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || !bind_and_listen(fd, info, backlog) || getsockname(fd, (struct sockaddr *)&bound, &size) != 0) {
		const int saved = errno;

		status = from_errno();
		if (fd >= 0)
			close(fd);
		errno = saved;
	} else {
		*ret_fd = fd;
		*ret_port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
							      : ((struct sockaddr_in *)&bound)->sin_port);
	}
	freeaddrinfo(info);
	return status;
}

enum http_status listen_open(const char *text, int backlog, int *ret_fd, uint16_t *ret_port)
{
	static const char ALL[] = "[::]:";
	char v4[32];
	const enum http_status status = open_one(text, backlog, ret_fd, ret_port);

	if (status != HTTP_SYSTEM || errno != EAFNOSUPPORT || strncmp(text, ALL, sizeof(ALL) - 1) != 0)
		return status;
	snprintf(v4, sizeof(v4), "0.0.0.0:%s", text + sizeof(ALL) - 1);
	return open_one(v4, backlog, ret_fd, ret_port);
}
