/*
 * What the service manager is told, by the protocol of sd_notify(3): a datagram of NAME=VALUE lines to the socket that
 * $NOTIFY_SOCKET names. Where there is no such variable, telling does nothing.
 */
#ifndef COFFER_SERVICE_NOTIFY_H
#define COFFER_SERVICE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	int fd; /* -1: nobody listens */
	struct sockaddr_un address;
	socklen_t address_size;
	uint64_t watchdog_ms; /* within which WATCHDOG=1 is expected, again and again; 0: it is not */
};

/*
 * Reads NOTIFY_SOCKET (a path, or @NAME of an abstract one), WATCHDOG_USEC and WATCHDOG_PID, and removes them from the
 * environment, so that no child speaks for this process: call it before there are threads. False, with errno: there is
 * such a socket and it cannot be used. The caller calls notify_done() either way.
 */
__attribute__((warn_unused_result)) bool notify_init(struct notify *ret_notify);
void notify_done(struct notify *notify);

/* Whether anybody listens. */
bool notify_wanted(const struct notify *notify);

/*
 * printf style: lines without the last newline, 4 KiB at most. Waits NOTIFY_SEND_MS at most for a manager that does not
 * read. False, with errno, when it was not taken; true when nobody listens.
 */
enum { NOTIFY_SEND_MS = 2000 };
bool notify_send(const struct notify *notify, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "RELOADING=1" with the time that Type=notify-reload wants with it; READY=1 ends it. */
bool notify_reloading(const struct notify *notify);

#endif
