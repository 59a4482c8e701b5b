/*
 * The acceptor: one thread that accepts, waits until a ClientHello is complete, or without TLS until the first byte (so
 * that silent and half-open clients cost a loop nothing), and hands the connection to the loop that has the fewest.
 *
 * Connections beyond the limits are told so, over TLS, with 429 or 503. A handshake costs more than most requests, so
 * those who come back at once would take the machine from those who are served: they wait in a queue, from which a few
 * a turn are let in to be refused, or as many as there is room again for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server/http/internal.h"

enum {
	EVENTS = 64,
	HELLO_PEEK = 65536,
	TURN_MS = 100,
	ACCEPTS_A_TURN = 256,
	LINGER_MS = 1000,
	UNSENT_MAX = 128 * 1024,
	LINGERING_MAX = 1024,
	REFUSALS_A_TURN = 20
};

/* A socket that the acceptor watches: one that has not said hello yet, or one that is drained before it is closed. */
struct guest {
	struct guest *next, *previous;
	struct connection *connection; /* NULL: draining */
	int fd;
	int64_t until_ms;
};

struct guest_queue {
	struct guest *first, **last;
};

struct acceptor {
	struct http_server *server;
	pthread_t thread;
	bool running;
	int epoll_fd, event_fd;
	_Atomic bool stopping;
	_Atomic unsigned long turns;
	struct guest *guests;
	unsigned char *peek;
	struct guest_queue waiting; /* beyond the limits, their hello complete, in the order of coming */
	_Atomic uint64_t unheard;   /* that said no whole hello in time */
	pthread_mutex_t lock;	    /* for all that follows */
	struct admission *admission;
	struct guest *lingering; /* given by loops, not yet watched */
	unsigned lingering_count;
	uint64_t accepted, verdicts[TURNED_AWAY + 1];
};

/* A trusted proxy brings everybody's connections. */
static const struct sockaddr_storage *counted_address(const struct connection *connection)
{
	return connection->trusted ? NULL : &connection->address;
}

void acceptor_forget(struct acceptor *a, struct connection *connection, int linger_fd)
{
	struct guest *guest = linger_fd >= 0 ? calloc(1, sizeof(*guest)) : NULL;
	const uint64_t one = 1;
	bool given;

	if (guest) {
		guest->fd = linger_fd;
		guest->until_ms = http_now_ms() + LINGER_MS;
	}
	pthread_mutex_lock(&a->lock);
	admission_leave(a->admission, counted_address(connection), connection->over);
	given = guest && a->lingering_count < LINGERING_MAX;
	if (given) {
		a->lingering_count++;
		guest->next = a->lingering;
		a->lingering = guest;
	}
	pthread_mutex_unlock(&a->lock);
	free(connection);
	if (!given) {
		free(guest);
		if (linger_fd >= 0)
			close(linger_fd);
		return;
	}
	if (write(a->event_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: the acceptor will wake */
}

void acceptor_figures(struct acceptor *a, struct http_figures *figures)
{
	pthread_mutex_lock(&a->lock);
	figures->open = admission_open(a->admission);
	figures->accepted = a->accepted;
	figures->over_address = a->verdicts[OVER_ADDRESS];
	figures->over_all = a->verdicts[OVER_ALL];
	figures->turned_away = a->verdicts[TURNED_AWAY];
	pthread_mutex_unlock(&a->lock);
	figures->reaped[HTTP_REAPED_HELLO] = atomic_load(&a->unheard);
}

/* ---- guests ---- */

static void watch(struct acceptor *a, struct guest *guest)
{
	/* A half-told hello stays in the socket: only what is new may wake. What is drained does not stay. */
	struct epoll_event event = {.events = guest->connection ? EPOLLIN | EPOLLRDHUP | EPOLLET : EPOLLIN,
				    .data.ptr = guest};

	guest->previous = NULL;
	guest->next = a->guests;
	if (a->guests)
		a->guests->previous = guest;
	a->guests = guest;
	if (epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, guest->fd, &event) != 0)
		guest->until_ms = 0; /* reaped at the next turn */
}

static void unwatch(struct acceptor *a, struct guest *guest)
{
	epoll_ctl(a->epoll_fd, EPOLL_CTL_DEL, guest->fd, NULL);
	if (guest->previous)
		guest->previous->next = guest->next;
	else
		a->guests = guest->next;
	if (guest->next)
		guest->next->previous = guest->previous;
}

static void drop(struct acceptor *a, struct guest *guest)
{
	close(guest->fd);
	if (guest->connection) {
		acceptor_forget(a, guest->connection, -1);
	} else {
		pthread_mutex_lock(&a->lock);
		a->lingering_count--;
		pthread_mutex_unlock(&a->lock);
	}
	free(guest);
}

static void dismiss(struct acceptor *a, struct guest *guest)
{
	unwatch(a, guest);
	drop(a, guest);
}

static void hand_over(struct acceptor *a, struct guest *guest)
{
	struct http_server *server = a->server;
	struct loop *least = &server->loops[0];

	for (unsigned i = 1; i < server->loop_count; i++)
		if (atomic_load(&server->loops[i].count) < atomic_load(&least->count))
			least = &server->loops[i];
	loop_give(least, guest->connection);
	free(guest);
}

static void enqueue(struct acceptor *a, struct guest *guest)
{
	guest->next = NULL;
	*a->waiting.last = guest;
	a->waiting.last = &guest->next;
}

static struct guest *dequeue(struct acceptor *a)
{
	struct guest *guest = a->waiting.first;

	a->waiting.first = guest->next;
	if (!a->waiting.first)
		a->waiting.last = &a->waiting.first;
	return guest;
}

static bool promote(struct acceptor *a, struct connection *connection)
{
	pthread_mutex_lock(&a->lock);
	connection->over = admission_promote(a->admission, counted_address(connection), connection->over);
	pthread_mutex_unlock(&a->lock);
	return connection->over == ADMITTED;
}

/* Once a turn: those for whom there is room now are served, a few of the others are told that there is none. */
static void serve_waiting(struct acceptor *a, int64_t now)
{
	unsigned refusals = 0;

	while (a->waiting.first && refusals < REFUSALS_A_TURN) {
		struct guest *guest = dequeue(a);

		if (now > guest->until_ms) {
			drop(a, guest);
			continue;
		}
		if (!promote(a, guest->connection))
			refusals++;
		hand_over(a, guest);
	}
}

static void tell_plaintext(int fd)
{
	static const char TEXT[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
				   "This port speaks HTTPS: use an address that begins with https://\n";

	if (send(fd, TEXT, sizeof(TEXT) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return; /* it is closed next, either way */
	shutdown(fd, SHUT_WR);
}

/* Without TLS the first byte is hello enough. */
static void hear(struct acceptor *a, struct guest *guest)
{
	const bool plain = guest->connection->plain;
	ssize_t n = recv(guest->fd, a->peek, plain ? 1 : HELLO_PEEK, MSG_PEEK | MSG_DONTWAIT);
	int complete = n <= 0 ? -1 : plain ? 1 : hello_complete(a->peek, (size_t)n);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (complete > 0) {
		unwatch(a, guest);
		if (guest->connection->over == ADMITTED)
			hand_over(a, guest);
		else
			enqueue(a, guest);
	} else if (complete < 0 || n == HELLO_PEEK) {
		if (n > 0)
			tell_plaintext(guest->fd);
		dismiss(a, guest);
	}
}

/* One piece an event: a client that sends fast must not keep the others from being heard. */
static void drain(struct acceptor *a, struct guest *guest)
{
	ssize_t n = recv(guest->fd, a->peek, HELLO_PEEK, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		dismiss(a, guest);
}

static void name_peer(struct connection *connection)
{
	const struct sockaddr_storage *address = &connection->address;

	if (address->ss_family == AF_UNIX)
		strcpy(connection->peer, "unix");
	else if (!inet_ntop(address->ss_family,
			    address->ss_family == AF_INET
				    ? (const void *)&((const struct sockaddr_in *)address)->sin_addr
				    : (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr,
			    connection->peer, sizeof(connection->peer)))
		connection->peer[0] = '\0';
}

static struct connection *connection_new(struct acceptor *a, const struct listener *listener, int fd,
					 const struct sockaddr_storage *address, socklen_t size)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	const int on = 1, unsent = UNSENT_MAX;

	if (!connection)
		return NULL;
	connection->server = a->server;
	connection->fd = fd;
	connection->address = *address;
	connection->address_size = size;
	connection->plain = listener->plain;
	connection->trusted = proxies_have_peer(&a->server->proxies, address);
	pthread_mutex_lock(&a->lock);
	connection->over = admission_enter(a->admission, counted_address(connection));
	a->accepted++;
	a->verdicts[connection->over]++;
	pthread_mutex_unlock(&a->lock);
	if (connection->over == TURNED_AWAY) {
		free(connection);
		return NULL;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* Else the kernel would take megabytes of an answer for a client that reads nothing. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
	name_peer(connection);
	return connection;
}

static void accept_some(struct acceptor *a, const struct listener *listener)
{
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage address = {0};
		socklen_t size = sizeof(address);
		int fd = accept4(listener->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct guest *guest;

		if (fd < 0) {
			/* Out of descriptors or memory: the socket stays ready, and asking again at once would spin. */
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				poll(NULL, 0, TURN_MS / 10);
			return;
		}
		guest = calloc(1, sizeof(*guest));
		if (guest)
			guest->connection = connection_new(a, listener, fd, &address, size);
		if (!guest || !guest->connection) {
			free(guest);
			close(fd);
			continue;
		}
		guest->fd = fd;
		guest->until_ms = http_now_ms() + a->server->options.limits.hello_ms;
		watch(a, guest);
	}
}

/* ---- the thread ---- */

static void take_lingering(struct acceptor *a)
{
	struct guest *guest;
	uint64_t count;

	if (read(a->event_fd, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&a->lock);
	guest = a->lingering;
	a->lingering = NULL;
	pthread_mutex_unlock(&a->lock);
	while (guest) {
		struct guest *next = guest->next;

		shutdown(guest->fd, SHUT_WR);
		watch(a, guest);
		guest = next;
	}
}

/* What an event is about: a listener, or NULL for anything else. */
static const struct listener *listener_of(const struct acceptor *a, const void *mark)
{
	for (size_t i = 0; i < DAEMONS; i++)
		if (mark == &a->server->listeners[i])
			return &a->server->listeners[i];
	return NULL;
}

static void *acceptor_main(void *arg)
{
	struct acceptor *a = arg;
	struct epoll_event events[EVENTS];
	int64_t swept = 0;

	(void)pthread_setname_np(pthread_self(), "acceptor"); /* a name is a convenience */
	while (!atomic_load(&a->stopping)) {
		int n = epoll_wait(a->epoll_fd, events, EVENTS, TURN_MS);
		int64_t now;

		atomic_fetch_add_explicit(&a->turns, 1, memory_order_relaxed);

		for (int i = 0; i < n; i++) {
			struct guest *guest = events[i].data.ptr;
			const struct listener *listener = listener_of(a, events[i].data.ptr);

			if (events[i].data.ptr == &a->event_fd)
				take_lingering(a);
			else if (listener)
				accept_some(a, listener);
			else if (guest->connection)
				hear(a, guest);
			else
				drain(a, guest);
		}
		now = http_now_ms();
		if (now - swept < TURN_MS)
			continue;
		swept = now;
		serve_waiting(a, now);
		for (struct guest *g = a->guests, *next; g; g = next) {
			next = g->next;
			if (now <= g->until_ms)
				continue;
			if (g->connection)
				atomic_fetch_add_explicit(&a->unheard, 1, memory_order_relaxed);
			dismiss(a, g);
		}
	}
	while (a->guests)
		dismiss(a, a->guests);
	while (a->waiting.first)
		drop(a, dequeue(a));
	return NULL;
}

unsigned long acceptor_turns(const struct acceptor *acceptor)
{
	return atomic_load(&acceptor->turns);
}

static bool add(struct acceptor *a, int fd, void *mark)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = mark};

	return epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool add_listeners(struct acceptor *a)
{
	for (size_t i = 0; i < DAEMONS; i++) {
		struct listener *listener = &a->server->listeners[i];

		if (listener->fd >= 0 && !add(a, listener->fd, listener))
			return false;
	}
	return true;
}

struct acceptor *acceptor_new(struct http_server *server)
{
	struct acceptor *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->server = server;
	server->acceptor = a; /* before its thread runs: the loops that it hands connections to look here */
	pthread_mutex_init(&a->lock, NULL);
	a->waiting.last = &a->waiting.first;
	a->admission = admission_new(&server->options.limits);
	a->peek = malloc(HELLO_PEEK);
	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	a->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (a->admission && a->peek && a->epoll_fd >= 0 && a->event_fd >= 0 && add_listeners(a) &&
	    add(a, a->event_fd, &a->event_fd))
		a->running = pthread_create(&a->thread, NULL, acceptor_main, a) == 0;
	if (!a->running) {
		server->acceptor = NULL;
		acceptor_free(a);
		return NULL;
	}
	return a;
}

void acceptor_stop(struct acceptor *a)
{
	if (!a || !a->running)
		return;
	atomic_store(&a->stopping, true);
	pthread_join(a->thread, NULL);
	a->running = false;
}

void acceptor_free(struct acceptor *a)
{
	if (!a)
		return;
	acceptor_stop(a);
	while (a->lingering) {
		struct guest *guest = a->lingering;

		a->lingering = guest->next;
		close(guest->fd);
		free(guest);
	}
	if (a->epoll_fd >= 0)
		close(a->epoll_fd);
	if (a->event_fd >= 0)
		close(a->event_fd);
	pthread_mutex_destroy(&a->lock);
	admission_free(a->admission);
	free(a->peek);
	free(a);
}
