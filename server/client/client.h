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
	const char *url;     /* "https://HOST:PORT"; a path, a user or a query is refused */
	const char *ca_file; /* "" or NULL: the CAs that the system trusts */
	/* Those beside ca_file, too. */
	bool system_cas;
	const char *dial; /* NULL, or "https://HOST:PORT": connects to that place instead, and expects the same of it */
	/* "http://HOST:PORT" and "unix:/PATH" are taken too: for what is no secret, and never with a token. */
	bool plain;
	const char *token; /* bearer; NULL for none */
	long timeout_ms;   /* for a whole request; 0: 60 s */
	/* The certificate is not verified: for what proves itself in another way, and never with a token. */
	bool unverified;
	/* Asked now and then while a request is under way; true ends it. May be NULL. */
	bool (*stop)(void);
};

struct client_request {
	const char *method;	/* "POST" */
	const char *path;	/* "/v1/unseal" */
	const char *media_type; /* NULL without a body */
	const void *body;	/* borrowed */
	size_t size;
	const char *const *headers; /* "Name: value", ended by NULL; or NULL */
	long timeout_ms;	    /* 0: the client's */
};

struct client_reply {
	long status;
	char *body; /* terminated; never NULL after a success */
	size_t size;
	char *headers; /* as they came, a line each, terminated */
	size_t headers_size;
};

/* A reply's body may have so many bytes: as many as the largest --message-max of a server. */
enum { CLIENT_REPLY_MAX = 64 * 1024 * 1024 };

/* Copies. False with a line in ret_error. */
bool client_new(const struct client_options *options, struct client **ret_client, char *ret_error, size_t error_size);
/* False, with a line in ret_error that says what to do, when no reply came: not reachable, not trusted, too slow. */
bool client_send(struct client *client, const struct client_request *request, struct client_reply *ret_reply,
		 char *ret_error, size_t error_size);
/* The value of a header field that came once, terminated; "" when it did not; false when it does not fit. */
bool client_reply_header(const struct client_reply *reply, const char *name, char *ret_value, size_t room);
/* Wipes; all zeros is accepted. */
void client_reply_done(struct client_reply *reply);
/* From now on with another token, or none. False, with a line in ret_error, when memory runs out. */
bool client_set_token(struct client *client, const char *token, char *ret_error, size_t error_size);
/* "https://host:port", lower case, without the default port: what proofs name (FORMATS §5). Borrowed. */
const char *client_origin(const struct client *client);
/* The version of libcurl that this was built with, and the one that runs: "7.88.1". */
void client_library(char ret_built[static 32], char ret_runs[static 32]);
/* Wipes the token; NULL is accepted. */
void client_free(struct client *client);

#endif
