#include "server/service/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_MAX = 4096 };

/* Decimal digits alone; false otherwise. */
static bool parse_number(const char *text, uint64_t *ret_number)
{
	char *end;

	if (!text || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

/* A watchdog that was set for another process, a parent that left its environment to us, is not ours. */
static uint64_t watchdog_from_environment(void)
{
	const char *pid_text = getenv("WATCHDOG_PID");
	uint64_t usec, pid;

	if (!parse_number(getenv("WATCHDOG_USEC"), &usec))
		return 0;
	if (pid_text && (!parse_number(pid_text, &pid) || pid != (uint64_t)getpid()))
		return 0;
	return usec / 1000;
}

static bool set_address(struct notify *notify, const char *path)
{
	const size_t size = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || size < 2 || size >= sizeof(notify->address.sun_path)) {
		errno = EAFNOSUPPORT;
		return false;
	}
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, path, size);
	/* The name of an abstract socket begins with NUL and ends where its size says. */
	if (path[0] == '@')
		notify->address.sun_path[0] = '\0';
	notify->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (path[0] == '@' ? 0 : 1));
	return true;
}

bool notify_init(struct notify *ret_notify)
{
	const struct timeval patience = {.tv_sec = NOTIFY_SEND_MS / 1000, .tv_usec = NOTIFY_SEND_MS % 1000 * 1000};
	const char *path = getenv("NOTIFY_SOCKET");
	bool good = true;

	*ret_notify = (struct notify){.fd = -1};
	if (path && path[0]) {
		ret_notify->watchdog_ms = watchdog_from_environment();
		good = set_address(ret_notify, path);
	}
	if (good && path && path[0]) {
		ret_notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		good = ret_notify->fd >= 0 &&
		       setsockopt(ret_notify->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0;
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return good;
}

void notify_done(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}

bool notify_wanted(const struct notify *notify)
{
	return notify->fd >= 0;
}

bool notify_send(const struct notify *notify, const char *format, ...)
{
	char message[MESSAGE_MAX];
	va_list args;
	int size;

	if (notify->fd < 0)
		return true;
	va_start(args, format);
	size = vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (size < 0 || size >= (int)sizeof(message)) {
		errno = EMSGSIZE;
		return false;
	}
	return sendto(notify->fd, message, (size_t)size, MSG_NOSIGNAL, (const struct sockaddr *)&notify->address,
		      notify->address_size) == size;
}

bool notify_reloading(const struct notify *notify)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return notify_send(notify, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
			   (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}
