#include "server/http/admission.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/http.h"

enum { BUCKETS = 4096, KEY_SIZE = 16, OVER_LEAST = 1024 };

/* Admitted connections of one address; there is one only while there are any. */
struct address_count {
	struct address_count *next;
	unsigned char key[KEY_SIZE];
	unsigned count;
};

struct admission {
	const struct http_limits *limits;
	struct address_count *buckets[BUCKETS];
	unsigned admitted, over;
};

static void address_key(const struct sockaddr_storage *address, unsigned char ret_key[static KEY_SIZE])
{
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;

	memset(ret_key, 0, KEY_SIZE);
	if (address->ss_family == AF_UNIX) {
		ret_key[15] = 1;
	} else if (address->ss_family == AF_INET) {
		ret_key[15] = 4;
		memcpy(ret_key, &((const struct sockaddr_in *)address)->sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(v6)) {
		ret_key[15] = 4;
		memcpy(ret_key, v6->s6_addr + 12, 4);
	} else {
		memcpy(ret_key, v6->s6_addr, 8);
	}
}

/* The link to the address's count, or to NULL where it would be. */
static struct address_count **find(struct admission *admission, const unsigned char key[static KEY_SIZE])
{
	unsigned hash = 2166136261u;
	struct address_count **link;

	for (size_t i = 0; i < KEY_SIZE; i++)
		hash = (hash ^ key[i]) * 16777619u;
	for (link = &admission->buckets[hash % BUCKETS]; *link; link = &(*link)->next)
		if (memcmp((*link)->key, key, KEY_SIZE) == 0)
			break;
	return link;
}

struct admission *admission_new(const struct http_limits *limits)
{
	struct admission *admission = calloc(1, sizeof(*admission));

	if (admission)
		admission->limits = limits;
	return admission;
}

void admission_free(struct admission *admission)
{
	for (size_t i = 0; admission && i < BUCKETS; i++) {
		while (admission->buckets[i]) {
			struct address_count *first = admission->buckets[i];

			admission->buckets[i] = first->next;
			free(first);
		}
	}
	free(admission);
}

static enum admission_verdict admit(struct admission *admission, const struct sockaddr_storage *address)
{
	const struct http_limits *limits = admission->limits;
	unsigned char key[KEY_SIZE];
	struct address_count **link = NULL;

	if (address) {
		address_key(address, key);
		link = find(admission, key);
	}
	if (link && *link && (*link)->count >= limits->connections_per_address)
		return OVER_ADDRESS;
	if (admission->admitted >= limits->connections)
		return OVER_ALL;
	if (link && !*link) {
		*link = calloc(1, sizeof(**link));
		if (!*link)
			return TURNED_AWAY;
		memcpy((*link)->key, key, KEY_SIZE);
	}
	admission->admitted++;
	if (link)
		(*link)->count++;
	return ADMITTED;
}

/* A quarter more than are served, so that a full house can still say so. */
static bool may_be_told(const struct admission *admission)
{
	const unsigned quarter = admission->limits->connections / 4;

	return admission->over < (quarter > OVER_LEAST ? quarter : OVER_LEAST);
}

enum admission_verdict admission_enter(struct admission *admission, const struct sockaddr_storage *address)
{
	enum admission_verdict verdict = admit(admission, address);

	if (verdict == OVER_ADDRESS || verdict == OVER_ALL) {
		if (!may_be_told(admission))
			return TURNED_AWAY;
		admission->over++;
	}
	return verdict;
}

enum admission_verdict admission_promote(struct admission *admission, const struct sockaddr_storage *address,
					 enum admission_verdict verdict)
{
	enum admission_verdict now = verdict == ADMITTED ? ADMITTED : admit(admission, address);

	if (now != ADMITTED)
		return verdict;
	if (verdict != ADMITTED)
		admission->over--;
	return ADMITTED;
}

unsigned admission_open(const struct admission *admission)
{
	return admission->admitted + admission->over;
}

void admission_leave(struct admission *admission, const struct sockaddr_storage *address,
		     enum admission_verdict verdict)
{
	unsigned char key[KEY_SIZE];
	struct address_count **link;

	if (verdict != ADMITTED) {
		admission->over--;
		return;
	}
	admission->admitted--;
	if (!address)
		return;
	address_key(address, key);
	link = find(admission, key);
	if (*link && --(*link)->count == 0) {
		struct address_count *empty = *link;

		*link = empty->next;
		free(empty);
	}
}
