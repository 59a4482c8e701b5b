#include "server/http/port80.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server/http/admission.h"
#include "server/http/internal.h"
#include "server/http/listen.h"

enum { BACKLOG = 128, ACCEPTS_A_TURN = 64, LINGER_MS = 1000, TURN_MS = 250, STARVED_MS = 20 };

/* A client. Answered, it is only drained: closing with bytes unread would take the answer from it. */
struct guest {
	int fd; /* -1: the place is free */
	bool answered;
	int64_t until_ms; /* CLOCK_MONOTONIC */
	unsigned long number;
	struct sockaddr_storage address;
	size_t size;
	char head[PORT80_HEAD_MAX];
};

struct port80 {
	struct port80_options options;
	struct http_limits limits;
	struct admission *admission;
	int listen_fd, stop_fd;
	uint16_t port;
	pthread_t thread;
	bool running;
	unsigned long arrivals;
	struct guest guests[PORT80_CONNECTIONS];
	struct pollfd fds[2 + PORT80_CONNECTIONS];
};

/* ---- guests ------------------------------------------------------------------------------------------------------ */

static void dismiss(struct port80 *p, struct guest *guest)
{
	close(guest->fd);
	guest->fd = -1;
	admission_leave(p->admission, &guest->address, ADMITTED);
}

static void answer(struct guest *guest, const char *text, size_t size)
{
	/* It is shorter than a fresh socket's buffer: what does not fit is a client's that does not read. */
	if (send(guest->fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size)
		shutdown(guest->fd, SHUT_WR);
	guest->answered = true;
	guest->until_ms = http_now_ms() + LINGER_MS;
}

/* False when the client has gone. */
static bool hear(struct port80 *p, struct guest *guest)
{
	char text[PORT80_ANSWER_MAX];
	const size_t seen = guest->size;
	const ssize_t n = recv(guest->fd, guest->head + seen, sizeof(guest->head) - seen, MSG_DONTWAIT);
	size_t size;

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	guest->size += (size_t)n;
	size = port80_answer(&p->options.site, guest->head, guest->size, seen, time(NULL), text);
	if (size > 0)
		answer(guest, text, size);
	return true;
}

static bool drain(struct guest *guest)
{
	const ssize_t n = recv(guest->fd, guest->head, sizeof(guest->head), MSG_DONTWAIT);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* A free place, if need be that of who came first. */
static struct guest *make_place(struct port80 *p)
{
	struct guest *oldest = &p->guests[0];

	for (struct guest *g = p->guests; g < p->guests + PORT80_CONNECTIONS; g++) {
		if (g->fd < 0)
			return g;
		if (g->number < oldest->number)
			oldest = g;
	}
	dismiss(p, oldest);
	return oldest;
}

static void accept_some(struct port80 *p)
{
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage address;
		socklen_t size = sizeof(address);
		const int fd = accept4(p->listen_fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		enum admission_verdict verdict;
		struct guest *guest;

		if (fd < 0) {
			/* Out of descriptors or memory: the socket stays ready, and asking again at once would spin. */
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				poll(NULL, 0, STARVED_MS);
			return;
		}
		verdict = admission_enter(p->admission, &address);
		if (verdict != ADMITTED) {
			if (verdict != TURNED_AWAY)
				admission_leave(p->admission, &address, verdict);
			close(fd);
			continue;
		}
		guest = make_place(p);
		guest->fd = fd;
		guest->answered = false;
		guest->until_ms = http_now_ms() + p->options.head_ms;
		guest->number = p->arrivals++;
		guest->address = address;
		guest->size = 0;
	}
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static void serve(struct port80 *p)
{
	const int64_t now = http_now_ms();

	for (size_t i = 0; i < PORT80_CONNECTIONS; i++) {
		struct guest *guest = &p->guests[i];

		if (guest->fd < 0)
			continue;
		if (now >= guest->until_ms ||
		    (p->fds[2 + i].revents && !(guest->answered ? drain(guest) : hear(p, guest))))
			dismiss(p, guest);
	}
}

static void *port80_main(void *arg)
{
	struct port80 *p = arg;

	p->fds[0] = (struct pollfd){.fd = p->stop_fd, .events = POLLIN};
	p->fds[1] = (struct pollfd){.fd = p->listen_fd, .events = POLLIN};
	for (;;) {
		size_t busy = 0;

		/* poll(2) passes over places whose descriptor is -1. */
		for (size_t i = 0; i < PORT80_CONNECTIONS; i++) {
			p->fds[2 + i] = (struct pollfd){.fd = p->guests[i].fd, .events = POLLIN};
			busy += p->guests[i].fd >= 0;
		}
		if (poll(p->fds, sizeof(p->fds) / sizeof(p->fds[0]), busy > 0 ? TURN_MS : -1) < 0)
			continue;
		if (p->fds[0].revents)
			return NULL;
		serve(p);
		if (p->fds[1].revents)
			accept_some(p);
	}
}

enum http_status port80_start(const struct port80_options *options, struct port80 **ret_port80)
{
	struct port80 *p = calloc(1, sizeof(*p));
	enum http_status status;

	if (!p)
		return HTTP_NOMEM;
	p->options = *options;
	/* One more than there are places: for whom make_place() then makes room. */
	p->limits = (struct http_limits){.connections = PORT80_CONNECTIONS + 1,
					 .connections_per_address = PORT80_CONNECTIONS_PER_ADDRESS};
	for (size_t i = 0; i < PORT80_CONNECTIONS; i++)
		p->guests[i].fd = -1;
	p->listen_fd = -1;
	p->admission = admission_new(&p->limits);
	p->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	status = !p->admission ? HTTP_NOMEM : p->stop_fd < 0 ? HTTP_SYSTEM : HTTP_OK;
	if (status == HTTP_OK)
		status = listen_open(options->listen, BACKLOG, &p->listen_fd, &p->port);
	if (status == HTTP_OK) {
		errno = pthread_create(&p->thread, NULL, port80_main, p);
		p->running = errno == 0;
		status = p->running ? HTTP_OK : HTTP_SYSTEM;
	}
	if (status != HTTP_OK) {
		const int saved = errno;

		port80_free(p);
		errno = saved;
		return status;
	}
	*ret_port80 = p;
	return HTTP_OK;
}

uint16_t port80_port(const struct port80 *port80)
{
	return port80->port;
}

void port80_free(struct port80 *p)
{
	const uint64_t one = 1;

	if (!p)
		return;
	if (p->running && write(p->stop_fd, &one, sizeof(one)) == (ssize_t)sizeof(one))
		pthread_join(p->thread, NULL);
	for (size_t i = 0; i < PORT80_CONNECTIONS; i++)
		if (p->guests[i].fd >= 0)
			dismiss(p, &p->guests[i]);
	admission_free(p->admission);
	if (p->listen_fd >= 0)
		close(p->listen_fd);
	if (p->stop_fd >= 0)
		close(p->stop_fd);
	free(p);
}
