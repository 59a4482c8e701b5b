/*
 * Proxies that are believed when they say for whom they speak: addresses, networks, and whoever comes through the Unix
 * socket. An IPv4 address is the same when it comes mapped into IPv6.
 */
#ifndef COFFER_HTTP_PROXIES_H
#define COFFER_HTTP_PROXIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { PROXIES_MAX = 64, ADDRESS_SIZE = 16, ADDRESS_TEXT = 46 /* with its terminator */ };

/* IPv6, or IPv4 mapped into it. */
struct address {
	uint8_t b[ADDRESS_SIZE];
};

struct proxies {
	struct {
		struct address address; /* zeros behind its bits */
		unsigned bits;
	} networks[PROXIES_MAX];
	size_t count;
	bool local; /* "unix" */
};

/* Numeric, without brackets, port or zone. */
bool address_parse(const char *text, size_t size, struct address *ret_address);
/* "192.0.2.1", "2001:db8::1" */
void address_print(const struct address *address, char ret_text[static ADDRESS_TEXT]);
/* 127.0.0.0/8 or ::1 */
bool address_is_loopback(const struct address *address);

/*
 * "ADDRESS[/BITS]" and "unix" with commas between; empty for none. False: malformed, with bits set behind a network's
 * own, or more than PROXIES_MAX.
 */
bool proxies_parse(const char *list, struct proxies *ret_proxies);
bool proxies_have(const struct proxies *proxies, const struct address *address);
/* The other side of a connection, also of the Unix socket. */
bool proxies_have_peer(const struct proxies *proxies, const struct sockaddr_storage *peer);

#endif
