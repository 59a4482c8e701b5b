/*
 * Requests to a coffer server, for the commands that talk to one. Certificates are always verified; redirects are never
 * followed; proxies of the environment are not used for loopback. One thread.
 */
#ifndef COFFER_CLIENT_CLIENT_H
#define COFFER_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct client;

struct client_options {
	const char *url;     /* "https://HOST:PORT"; a path is refused */
	const char *ca_file; /* "" or NULL: the CAs that the system trusts */
	const char *token;   /* bearer; NULL for none */
	long timeout_ms;     /* for a whole request; 0: 60 s */
};

struct client_request {
	const char *method;	/* "POST" */
	const char *path;	/* "/v1/unseal" */
	const char *media_type; /* NULL without a body */
	const void *body;	/* borrowed */
	size_t size;
};

struct client_reply {
	long status;
	char *body; /* terminated; the caller frees it */
	size_t size;
};

/* A reply's body may have so many bytes. */
enum { CLIENT_REPLY_MAX = 16 * 1024 * 1024 };

/* Copies. False with a line in ret_error. */
bool client_new(const struct client_options *options, struct client **ret_client, char *ret_error, size_t error_size);
/* False, with a line in ret_error that says what to do, when no reply came: not reachable, not trusted, too slow. */
bool client_send(struct client *client, const struct client_request *request, struct client_reply *ret_reply,
		 char *ret_error, size_t error_size);
/* Wipes the token; NULL is accepted. */
void client_free(struct client *client);

#endif
