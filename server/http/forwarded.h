/*
 * What a trusted proxy says of the request that it passes on: X-Forwarded-For, -Proto and -Host, or Forwarded (RFC
 * 7239). The list of hops grows to the right, one hop a proxy; so the client is the right-most hop that is no trusted
 * proxy itself, and whatever stands left of it is that client's own claim, which nobody believes.
 *
 * A request that has both kinds of fields is malformed: one of them the proxy has set, and the other it has let
 * through.
 */
#ifndef COFFER_HTTP_FORWARDED_H
#define COFFER_HTTP_FORWARDED_H

#include "server/http/proxies.h"

enum { FORWARDED_HOST_MAX = 300 };

enum forwarded_field { FORWARDED_FOR, FORWARDED_PROTO, FORWARDED_HOST, FORWARDED_RFC7239, FORWARDED_FIELDS };

enum forwarded_scheme { FORWARDED_UNTOLD, FORWARDED_HTTP, FORWARDED_HTTPS };

struct forwarded {
	const struct proxies *proxies; /* borrowed: the trusted ones */
	char client[ADDRESS_TEXT];     /* empty: not told, or not known to the proxy */
	enum forwarded_scheme scheme;
	char host[FORWARDED_HOST_MAX + 1]; /* as in Host; empty: not told */
	bool begun;			   /* a hop has been read: the three are of one, unless X-Forwarded told them */
	bool seen[FORWARDED_FIELDS];
	bool malformed;
};

/* Which of the fields this is; false for any other. */
bool forwarded_names(const char *name, enum forwarded_field *ret_field);

/* Each line of the four fields, in the order of the header, after forwarded_begin(). False once it is malformed. */
void forwarded_begin(struct forwarded *f, const struct proxies *proxies);
bool forwarded_add(struct forwarded *f, enum forwarded_field field, const char *value, size_t size);

#endif
