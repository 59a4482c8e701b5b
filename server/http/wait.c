/*
 * Long waits: exchanges that are suspended until something happens that may never happen. While one is suspended
 * libmicrohttpd does not see its client hang up, so the loop watches the socket for that, and the time, and the stop.
 * Only the loop's thread comes here.
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "server/http/internal.h"

enum { EVENTS = 64 };

bool waits_init(struct loop *loop)
{
	loop->wait_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->wait_fd >= 0;
}

void waits_done(struct loop *loop)
{
	if (loop->wait_fd >= 0)
		close(loop->wait_fd);
	loop->wait_fd = -1;
}

void http_wait_until(struct http_exchange *x, int64_t deadline_ms)
{
	struct loop *loop = x->loop;
	struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = x};

	if (!x->waiting) {
		x->waiting = true;
		x->previous_waiting = NULL;
		x->next_waiting = loop->waiting;
		if (loop->waiting)
			loop->waiting->previous_waiting = x;
		loop->waiting = x;
		loop->waiting_count++;
		/* When the kernel cannot, the time and the stop still end it. */
		(void)epoll_ctl(loop->wait_fd, EPOLL_CTL_ADD, x->connection->fd, &event);
	}
	x->wait_until_ms = deadline_ms;
}

void wait_forget(struct http_exchange *x)
{
	struct loop *loop = x->loop;

	if (!x->waiting)
		return;
	x->waiting = false;
	if (x->previous_waiting)
		x->previous_waiting->next_waiting = x->next_waiting;
	else
		loop->waiting = x->next_waiting;
	if (x->next_waiting)
		x->next_waiting->previous_waiting = x->previous_waiting;
	loop->waiting_count--;
	(void)epoll_ctl(loop->wait_fd, EPOLL_CTL_DEL, x->connection->fd, NULL);
}

/* Whoever would have woken it is told; when it is too late for that, a wake is on its way, and resumes it. */
static void end_wait(struct http_exchange *x)
{
	const struct http_app *app = x->loop->server->options.app;

	wait_forget(x);
	if (app->wait_over(x, app->arg))
		loop_resume(x->loop, x);
}

void waits_end_lost(struct loop *loop)
{
	struct epoll_event events[EVENTS];
	const int count = loop->waiting ? epoll_wait(loop->wait_fd, events, EVENTS, 0) : 0;

	/* Ending one changes nothing about the others. */
	for (int i = 0; i < count; i++)
		end_wait(events[i].data.ptr);
}

void waits_end_due(struct loop *loop, int64_t now)
{
	const bool stopping = atomic_load(&loop->server->stopping);
	struct http_exchange *next;

	for (struct http_exchange *x = loop->waiting; x; x = next) {
		next = x->next_waiting;
		if (stopping || now >= x->wait_until_ms)
			end_wait(x);
	}
}
