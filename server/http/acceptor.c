/*
 * The acceptor: one thread that accepts, waits until a ClientHello is complete (so that silent and half-open clients
 * cost a loop nothing), and hands the connection to the loop that has the fewest. Limits are kept here, in one place.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server/http/internal.h"

enum { BUCKETS = 4096, EVENTS = 64, HELLO_PEEK = 65536, LINGER_MS = 1000, TURN_MS = 100 };

/* Open connections of one address. */
struct address_count {
	struct address_count *next;
	unsigned char address[16];
	unsigned count;
};

/* A socket that the acceptor watches: one that has not said hello yet, or one that is drained before it is closed. */
struct guest {
	struct guest *next, *previous;
	struct connection *connection; /* NULL: draining */
	int fd;
	int64_t until_ms;
};

struct acceptor {
	struct http_server *server;
	pthread_t thread;
	bool running;
	int epoll_fd, event_fd;
	_Atomic bool stopping;
	struct guest *guests;
	unsigned char *peek;
	pthread_mutex_t lock; /* for counts, open and lingering */
	struct address_count *counts[BUCKETS];
	unsigned open;
	struct guest *lingering; /* given by loops, not yet watched */
};

/* ---- limits ---- */

/* An IPv6 /64 counts as one address; an IPv4 address as itself. */
static void address_key(const struct sockaddr_storage *address, unsigned char ret_key[static 16])
{
	memset(ret_key, 0, 16);
	if (address->ss_family == AF_INET) {
		ret_key[15] = 4;
		memcpy(ret_key, &((const struct sockaddr_in *)address)->sin_addr, 4);
	} else {
		memcpy(ret_key, &((const struct sockaddr_in6 *)address)->sin6_addr, 8);
	}
}

static struct address_count **find_count(struct acceptor *a, const unsigned char key[static 16])
{
	unsigned hash = 2166136261u;
	struct address_count **link;

	for (size_t i = 0; i < 16; i++)
		hash = (hash ^ key[i]) * 16777619u;
	for (link = &a->counts[hash % BUCKETS]; *link; link = &(*link)->next)
		if (memcmp((*link)->address, key, 16) == 0)
			break;
	return link;
}

static bool admit(struct acceptor *a, const struct sockaddr_storage *address)
{
	const struct http_limits *limits = &a->server->options.limits;
	unsigned char key[16];
	struct address_count **link;
	bool good = false;

	address_key(address, key);
	pthread_mutex_lock(&a->lock);
	link = find_count(a, key);
	if (!*link) {
		*link = calloc(1, sizeof(**link));
		if (*link)
			memcpy((*link)->address, key, 16);
	}
	if (*link && a->open < limits->connections && (*link)->count < limits->connections_per_address) {
		a->open++;
		(*link)->count++;
		good = true;
	}
	pthread_mutex_unlock(&a->lock);
	return good;
}

static void discharge(struct acceptor *a, const struct sockaddr_storage *address)
{
	unsigned char key[16];
	struct address_count **link;

	address_key(address, key);
	pthread_mutex_lock(&a->lock);
	a->open--;
	link = find_count(a, key);
	if (*link && --(*link)->count == 0) {
		struct address_count *empty = *link;

		*link = empty->next;
		free(empty);
	}
	pthread_mutex_unlock(&a->lock);
}

void acceptor_forget(struct acceptor *a, struct connection *connection, int linger_fd)
{
	struct guest *guest = linger_fd >= 0 ? calloc(1, sizeof(*guest)) : NULL;
	const uint64_t one = 1;

	discharge(a, &connection->address);
	free(connection);
	if (!guest) {
		if (linger_fd >= 0)
			close(linger_fd);
		return;
	}
	guest->fd = linger_fd;
	guest->until_ms = http_now_ms() + LINGER_MS;
	pthread_mutex_lock(&a->lock);
	guest->next = a->lingering;
	a->lingering = guest;
	pthread_mutex_unlock(&a->lock);
	if (write(a->event_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: the acceptor will wake */
}

/* ---- guests ---- */

static void watch(struct acceptor *a, struct guest *guest)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = guest};

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

static void dismiss(struct acceptor *a, struct guest *guest)
{
	unwatch(a, guest);
	close(guest->fd);
	if (guest->connection)
		acceptor_forget(a, guest->connection, -1);
	free(guest);
}

static void hand_over(struct acceptor *a, struct guest *guest)
{
	struct http_server *server = a->server;
	struct loop *least = &server->loops[0];

	unwatch(a, guest);
	for (unsigned i = 1; i < server->loop_count; i++)
		if (atomic_load(&server->loops[i].count) < atomic_load(&least->count))
			least = &server->loops[i];
	loop_give(least, guest->connection);
	free(guest);
}

static void tell_plaintext(int fd)
{
	static const char TEXT[] = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
				   "This port speaks HTTPS: use an address that begins with https://\n";

	if (send(fd, TEXT, sizeof(TEXT) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return; /* it is closed next, either way */
	shutdown(fd, SHUT_WR);
}

static void hear(struct acceptor *a, struct guest *guest)
{
	ssize_t n = recv(guest->fd, a->peek, HELLO_PEEK, MSG_PEEK | MSG_DONTWAIT);
	int complete = n > 0 ? hello_complete(a->peek, (size_t)n) : -1;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (complete > 0) {
		hand_over(a, guest);
	} else if (complete < 0 || n == HELLO_PEEK) {
		if (n > 0)
			tell_plaintext(guest->fd);
		dismiss(a, guest);
	}
}

static void drain(struct acceptor *a, struct guest *guest)
{
	for (;;) {
		ssize_t n = recv(guest->fd, a->peek, HELLO_PEEK, MSG_DONTWAIT);

		if (n > 0 && http_now_ms() < guest->until_ms)
			continue;
		if (n >= 0 || (errno != EAGAIN && errno != EINTR))
			dismiss(a, guest);
		return;
	}
}

static void accept_all(struct acceptor *a)
{
	for (;;) {
		struct sockaddr_storage address;
		socklen_t size = sizeof(address);
		int fd =
			accept4(a->server->listen_fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct connection *connection;
		struct guest *guest;
		int on = 1;

		if (fd < 0)
			return;
		connection = calloc(1, sizeof(*connection));
		guest = calloc(1, sizeof(*guest));
		if (!connection || !guest || !admit(a, &address)) {
			free(connection);
			free(guest);
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		connection->server = a->server;
		connection->fd = fd;
		connection->address = address;
		connection->address_size = size;
		if (!inet_ntop(address.ss_family,
			       address.ss_family == AF_INET
				       ? (const void *)&((const struct sockaddr_in *)&address)->sin_addr
				       : (const void *)&((const struct sockaddr_in6 *)&address)->sin6_addr,
			       connection->peer, sizeof(connection->peer)))
			connection->peer[0] = '\0';
		guest->connection = connection;
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

static void *acceptor_main(void *arg)
{
	struct acceptor *a = arg;
	struct epoll_event events[EVENTS];
	int64_t swept = 0;

	while (!atomic_load(&a->stopping)) {
		int n = epoll_wait(a->epoll_fd, events, EVENTS, TURN_MS);
		int64_t now;

		for (int i = 0; i < n; i++) {
			struct guest *guest = events[i].data.ptr;

			if (events[i].data.ptr == &a->event_fd)
				take_lingering(a);
			else if (events[i].data.ptr == a)
				accept_all(a);
			else if (guest->connection)
				hear(a, guest);
			else
				drain(a, guest);
		}
		now = http_now_ms();
		if (now - swept < TURN_MS)
			continue;
		swept = now;
		for (struct guest *g = a->guests, *next; g; g = next) {
			next = g->next;
			if (now > g->until_ms)
				dismiss(a, g);
		}
	}
	while (a->guests)
		dismiss(a, a->guests);
	return NULL;
}

static bool add(struct acceptor *a, int fd, void *mark)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = mark};

	return epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

struct acceptor *acceptor_new(struct http_server *server)
{
	struct acceptor *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->server = server;
	pthread_mutex_init(&a->lock, NULL);
	a->peek = malloc(HELLO_PEEK);
	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	a->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (a->peek && a->epoll_fd >= 0 && a->event_fd >= 0 && add(a, server->listen_fd, a) &&
	    add(a, a->event_fd, &a->event_fd))
		a->running = pthread_create(&a->thread, NULL, acceptor_main, a) == 0;
	if (!a->running) {
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
	free(a->peek);
	free(a);
}
