/*
 * What a client asks of the plain port, and what it is told: bytes in, bytes out, no socket. The port sends browsers on
 * to https and answers the challenges of ACME (RFC 8555 §8.3); whatever else comes is refused, and every answer ends
 * the connection. Stricter than RFC 9112: one Host, no folding, no bare CR or LF, no body, ASCII only.
 */
#ifndef COFFER_HTTP_PORT80_REQUEST_H
#define COFFER_HTTP_PORT80_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum {
	PORT80_HEAD_MAX = 4096,		 /* a request's line and fields */
	PORT80_TOKEN_MAX = 128,		 /* characters */
	PORT80_PROOF_MAX = 512,		 /* a key authorisation and its terminator */
	PORT80_ANSWER_MAX = 4096 + 1024, /* a head with the longest Location, and a short body */
};

/* One of our names: host in lower case, an IPv6 address without brackets; origin: "https://host[:port]". */
struct port80_name {
	const char *host;
	const char *origin;
};

struct port80_site {
	const struct port80_name *names;
	size_t count;
	/* The proof for a challenge's token (letters, digits, - and _ only), as text; false: there is none. */
	bool (*proof)(void *arg, const char *token, char ret_proof[static PORT80_PROOF_MAX]);
	void *arg;
};

/*
 * The answer to what has come so far, `size` bytes of which the first `seen` were asked about before; 0: more is
 * needed. `now` goes into Date.
 */
size_t port80_answer(const struct port80_site *site, const char *bytes, size_t size, size_t seen, time_t now,
		     char ret_answer[static PORT80_ANSWER_MAX]);

#endif
