#include "server/http/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/http/listen.h"
#include "server/http/proxies.h"

enum { BACKLOG = 1024, MODE_ALL = 0777 };

static const char UNIX[] = "unix:", LOCALHOST[] = "localhost";
enum { UNIX_CHARS = sizeof(UNIX) - 1 };

static enum http_status from_errno(void)
{
	if (errno == EADDRINUSE)
		return HTTP_IN_USE;
	if (errno == EACCES || errno == EPERM)
		return HTTP_NOT_ALLOWED;
	return errno == EADDRNOTAVAIL ? HTTP_ADDRESS : HTTP_SYSTEM;
}

/* After a failure: what opened so far is closed, and errno stays. */
static enum http_status give_up(struct listener *listener, enum http_status status)
{
	const int saved = errno;

	listener_close(listener);
	errno = saved;
	return status;
}

/* ---- TCP ---- */

enum http_status listener_open(const char *address, struct listener *ret_listener)
{
	struct listener listener = LISTENER_NONE;
	const enum http_status status = listen_open(address, BACKLOG, &listener.fd, &listener.port);

	if (status == HTTP_OK)
		*ret_listener = listener;
	return status;
}

/* Of ADDRESS:PORT, [ADDRESS]:PORT or localhost:PORT. */
static bool is_loopback(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : 0;
	struct address address;

	if (size > 1 && text[0] == '[' && text[size - 1] == ']') {
		text++;
		size -= 2;
	}
	if (size == strlen(LOCALHOST) && memcmp(text, LOCALHOST, size) == 0)
		return colon[1] != '\0';
	return colon && colon[1] && address_parse(text, size, &address) && address_is_loopback(&address);
}

/* ---- Unix ---- */

static bool fill_address(const char *path, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (path[0] != '/' || strlen(path) >= sizeof(ret_address->sun_path))
		return false;
	strcpy(ret_address->sun_path, path);
	return true;
}

/* Whether the path is free: a socket's file outlives a server that was killed, and nobody answers there. */
static enum http_status make_way(const struct sockaddr_un *address)
{
	struct stat found;
	bool dead;
	int probe;

	if (lstat(address->sun_path, &found) != 0)
		return errno == ENOENT ? HTTP_OK : from_errno();
	if (!S_ISSOCK(found.st_mode))
		return HTTP_NOT_SOCKET;
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return HTTP_SYSTEM;
	dead = connect(probe, (const struct sockaddr *)address, sizeof(*address)) != 0 && errno == ECONNREFUSED;
	close(probe);
	if (!dead)
		return HTTP_IN_USE;
	return unlink(address->sun_path) == 0 || errno == ENOENT ? HTTP_OK : from_errno();
}

/* Linux gives the file the socket's mode, less the umask: so it is never open to more than it should be. */
static bool bind_with_mode(int fd, const struct sockaddr_un *address, unsigned mode)
{
	return fchmod(fd, mode & MODE_ALL) == 0 && bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
	       chmod(address->sun_path, mode & MODE_ALL) == 0;
}

static enum http_status open_unix(const char *path, unsigned mode, struct listener *ret_listener)
{
	struct listener listener = LISTENER_NONE;
	struct sockaddr_un address;
	struct stat made;
	enum http_status status;

	if (!fill_address(path, &address))
		return HTTP_ADDRESS;
	status = make_way(&address);
	if (status != HTTP_OK)
		return status;
	listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener.fd < 0 || !bind_with_mode(listener.fd, &address, mode) || lstat(path, &made) != 0)
		return give_up(&listener, from_errno());
	listener.device = made.st_dev;
	listener.inode = made.st_ino;
	listener.path = strdup(path);
	if (!listener.path || listen(listener.fd, BACKLOG) != 0)
		return give_up(&listener, HTTP_SYSTEM);
	*ret_listener = listener;
	return HTTP_OK;
}

/* ---- either ---- */

bool http_plain_address(const char *address)
{
	struct sockaddr_un path;

	if (strncmp(address, UNIX, UNIX_CHARS) == 0)
		return fill_address(address + UNIX_CHARS, &path);
	return is_loopback(address);
}

enum http_status listener_open_plain(const char *address, unsigned mode, struct listener *ret_listener)
{
	enum http_status status;

	if (!http_plain_address(address))
		return HTTP_ADDRESS;
	if (strncmp(address, UNIX, UNIX_CHARS) == 0)
		status = open_unix(address + UNIX_CHARS, mode, ret_listener);
	else
		status = listener_open(address, ret_listener);
	if (status == HTTP_OK)
		ret_listener->plain = true;
	return status;
}

void listener_close(struct listener *listener)
{
	struct stat found;

	if (listener->path && lstat(listener->path, &found) == 0 && found.st_dev == listener->device &&
	    found.st_ino == listener->inode)
		(void)unlink(listener->path);
	free(listener->path);
	if (listener->fd >= 0)
		close(listener->fd);
	*listener = LISTENER_NONE;
}
