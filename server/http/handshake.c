/*
 * Handshakes that wait for their client. libmicrohttpd asks every unfinished handshake for progress at every turn, and
 * takes no rest while there is one: a thousand clients that stop in the middle would take a core. So such a connection
 * is suspended, which keeps the library's hands off it, and resumed when something has come for it.
 *
 * Plain connections have none. They are watched beside the library between two requests: the deadline of a header
 * begins with its first byte, and nobody else tells that it has come.
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "server/http/internal.h"

enum { EVENTS = 64 };

bool handshakes_init(struct loop *loop)
{
	loop->client_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->client_fd >= 0;
}

void handshakes_done(struct loop *loop)
{
	if (loop->client_fd >= 0)
		close(loop->client_fd);
	loop->client_fd = -1;
}

static void insert(struct loop *loop, struct connection *connection)
{
	connection->next_handshake = loop->handshakes;
	loop->handshakes = connection;
}

static void unwatch(struct loop *loop, struct connection *connection)
{
	if (connection->watched)
		epoll_ctl(loop->client_fd, EPOLL_CTL_DEL, connection->fd, NULL);
	connection->watched = false;
}

/* False when the kernel cannot. */
static bool watch(struct loop *loop, struct connection *connection)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = connection};
	const int what = connection->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	connection->watched = epoll_ctl(loop->client_fd, what, connection->fd, &event) == 0;
	return connection->watched;
}

void handshake_begin(struct loop *loop, struct connection *connection, struct MHD_Connection *mhd)
{
	connection->mhd = mhd;
	insert(loop, connection);
}

void handshake_forget(struct loop *loop, struct connection *connection)
{
	if (connection->plain) {
		unwatch(loop, connection);
		return;
	}
	for (struct connection **link = &loop->handshakes; *link; link = &(*link)->next_handshake) {
		if (*link == connection) {
			*link = connection->next_handshake;
			return;
		}
	}
}

void handshake_listen(struct loop *loop, struct connection *connection)
{
	/* When the kernel cannot, its header's deadline is the idle one. */
	connection->heard = false;
	(void)watch(loop, connection);
}

void handshakes_park(struct loop *loop)
{
	struct connection *connection = loop->handshakes;

	loop->handshakes = NULL;
	while (connection) {
		struct connection *next = connection->next_handshake;

		connection->next_handshake = NULL;
		if (connection->traffic.established) {
			unwatch(loop, connection);
		} else if (watch(loop, connection)) {
			MHD_suspend_connection(connection->mhd);
		} else {
			insert(loop, connection);
		}
		connection = next;
	}
}

void handshakes_wake(struct loop *loop)
{
	struct epoll_event events[EVENTS];
	int n;

	do {
		n = epoll_wait(loop->client_fd, events, EVENTS, 0);
		for (int i = 0; i < n; i++) {
			struct connection *connection = events[i].data.ptr;

			if (connection->plain) {
				connection->heard = true;
				connection->ended = (events[i].events & (EPOLLRDHUP | EPOLLHUP)) != 0;
				continue;
			}
			MHD_resume_connection(connection->mhd);
			insert(loop, connection);
		}
	} while (n == EVENTS);
}
