/*
 * How many connections there may be, in all and of one address. An IPv6 /64 counts as one address, since one client has
 * it all to itself; an IPv4 address as itself, also when it comes mapped into IPv6. Whoever calls holds a lock.
 */
#ifndef COFFER_HTTP_ADMISSION_H
#define COFFER_HTTP_ADMISSION_H

#include <sys/socket.h>

struct http_limits;
struct admission;

enum admission_verdict {
	ADMITTED,
	OVER_ADDRESS, /* to be told 429: its address has too many */
	OVER_ALL,     /* to be told 503: there are too many in all */
	TURNED_AWAY,  /* not even that: as many as can be told are waiting for it */
};

/* `limits` is borrowed. NULL when memory runs out. */
struct admission *admission_new(const struct http_limits *limits);
void admission_free(struct admission *admission);

/*
 * One more connection, which is counted unless it is TURNED_AWAY. address: NULL, always for the same connection, counts
 * it in all only, and for no address.
 */
enum admission_verdict admission_enter(struct admission *admission, const struct sockaddr_storage *address);
/* ADMITTED when there is room by now for one that was over; else as it was. */
enum admission_verdict admission_promote(struct admission *admission, const struct sockaddr_storage *address,
					 enum admission_verdict verdict);
/* All that are counted. */
unsigned admission_open(const struct admission *admission);
/* One less. verdict: what it was last given. */
void admission_leave(struct admission *admission, const struct sockaddr_storage *address,
		     enum admission_verdict verdict);

#endif
