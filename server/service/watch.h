/*
 * What the main thread does while the service runs: it waits for signals, and tells the service manager how it goes.
 *
 * SIGHUP reloads; SIGTERM and SIGINT end it. The watchdog is fed only while each thread that requests depend on has
 * moved since it was fed last, so that a service that hangs is restarted rather than taken for healthy.
 */
#ifndef COFFER_SERVICE_WATCH_H
#define COFFER_SERVICE_WATCH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/service/notify.h"

struct watch_options {
	const struct notify *notify;
	/* Whether all has moved since it was asked last; else *ret_stuck says, in a word or two, what has not. */
	bool (*moved)(void *arg, const char **ret_stuck);
	/* A line on how it goes. */
	void (*status)(void *arg, char *ret_line, size_t size);
	/* Reads again what can be read again while it runs, and logs what it cannot. */
	void (*reload)(void *arg);
	void (*log)(const char *line);
	void *arg; /* for the first three */
};

/* Blocks the signals that watch_run() waits for: call it before there are other threads. */
void watch_block(void);

/* From READY=1 to STOPPING=1: returns after SIGTERM or SIGINT. */
void watch_run(const struct watch_options *options);

#endif
