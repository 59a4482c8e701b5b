#include "server/service/watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/core/clock.h"

enum {
	LINE_MAX_SIZE = 256,
	/* Without a watchdog there is only the status to keep true. */
	STATUS_MS = 5000
};

struct watch {
	const struct watch_options *options;
	char status[LINE_MAX_SIZE]; /* as it was told last */
	bool stuck;
	bool deaf; /* the manager did not take what it was told last */
};

static sigset_t watched_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	return set;
}

void watch_block(void)
{
	const sigset_t set = watched_signals();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Said once, when it begins. */
static void heard(struct watch *w, bool taken)
{
	char line[LINE_MAX_SIZE];

	if (!taken && !w->deaf) {
		snprintf(line, sizeof(line), "the service manager cannot be told of the state: %s", strerror(errno));
		w->options->log(line);
	}
	w->deaf = !taken;
}

static void tell_status(struct watch *w)
{
	char line[LINE_MAX_SIZE];

	w->options->status(w->options->arg, line, sizeof(line));
	if (strcmp(line, w->status) == 0)
		return;
	memcpy(w->status, line, sizeof(line));
	heard(w, notify_send(w->options->notify, "STATUS=%s", line));
}

static void feed(struct watch *w)
{
	const char *stuck = "";
	const bool moved = w->options->moved(w->options->arg, &stuck);
	char line[LINE_MAX_SIZE];

	if (moved) {
		heard(w, notify_send(w->options->notify, "WATCHDOG=1"));
		if (w->stuck)
			w->options->log("it moves again");
	} else if (!w->stuck) {
		snprintf(line, sizeof(line), "%s has not moved: the watchdog is not fed", stuck);
		w->options->log(line);
		w->status[0] = '\0';
		heard(w, notify_send(w->options->notify, "STATUS=Stuck: %s", line));
	}
	w->stuck = !moved;
}

static void turn(struct watch *w)
{
	if (w->options->notify->watchdog_ms > 0)
		feed(w);
	if (!w->stuck)
		tell_status(w);
}

static void reload(struct watch *w)
{
	heard(w, notify_reloading(w->options->notify));
	w->options->log("reloading");
	w->options->reload(w->options->arg);
	heard(w, notify_send(w->options->notify, "READY=1"));
}

/* The signal that came before `until_ms`, or -1. */
static int wait_signal(const sigset_t *set, int64_t until_ms)
{
	const int64_t left = until_ms - clock_monotonic_ms(), ms = left > 0 ? left : 0;
	const struct timespec length = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

	return sigtimedwait(set, NULL, &length);
}

void watch_run(const struct watch_options *options)
{
	/* A third of what the manager waits: a turn that comes late does no harm. */
	const uint64_t watchdog_ms = options->notify->watchdog_ms;
	const int64_t turn_ms = watchdog_ms > 3 ? (int64_t)(watchdog_ms / 3) : watchdog_ms > 0 ? 1 : STATUS_MS;
	struct watch w = {.options = options};
	const sigset_t set = watched_signals();
	int64_t next_ms = clock_monotonic_ms() + turn_ms;
	int caught = 0;

	tell_status(&w);
	heard(&w, notify_send(options->notify, "READY=1"));
	while (caught != SIGTERM && caught != SIGINT) {
		caught = notify_wanted(options->notify) ? wait_signal(&set, next_ms) : sigwaitinfo(&set, NULL);
		if (caught == SIGHUP)
			reload(&w);
		if (caught < 0 && errno == EAGAIN) {
			turn(&w);
			next_ms = clock_monotonic_ms() + turn_ms;
		}
	}
	heard(&w, notify_send(options->notify, "STOPPING=1\nSTATUS=Finishing what is in flight"));
}
