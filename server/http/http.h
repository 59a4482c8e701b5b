/*
 * HTTP as the application sees it. Behind this header live the acceptor, the event loops, the request gate and
 * libmicrohttpd; in front of it nobody knows that library. http/ knows no route: it is handed a table.
 *
 * An exchange is one request and its reply. It lives on one loop: every callback below comes on that loop's thread, and
 * every function here but http_wake() and http_flush() must be called there.
 */
#ifndef COFFER_HTTP_HTTP_H
#define COFFER_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/http/problem.h"

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

struct http_exchange;
struct http_server;
struct tls_client;
struct tls_context;

/* ---- the route table ----------------------------------------------------------------------------------------------
 */

enum http_body {
	HTTP_BODY_NONE,	  /* a body is refused with 400, but for an empty one */
	HTTP_BODY_STREAM, /* handed over as it arrives; at most http_limits.body bytes */
};

enum { HTTP_PARAMS_MAX = 4 };

struct api_steps; /* the application's; opaque here */

struct http_route {
	const char *method;    /* "GET"; a GET route answers HEAD too */
	const char *path;      /* "/v1/records/{id}": a segment in braces matches one non-empty segment */
	const char *operation; /* operationId of the contract */
	unsigned scope;	       /* the application's: one of these bits is needed; 0: open to all */
	enum http_body body;
	uint64_t body_max; /* bytes, below http_limits.body; 0: that alone */
	const struct api_steps *steps;
};

/* ---- what the application does --------------------------------------------------------------------------------------
 */

enum http_next {
	HTTP_GO,   /* go on: to the body, or to sending the reply that has been set */
	HTTP_WAIT, /* suspend until http_wake() */
};

/* A request that is over. */
struct http_done {
	const struct http_route *route; /* NULL: none was found, or it was refused before one was looked for */
	unsigned status;		/* 0: it was lost before an answer was known */
	uint64_t received, sent;	/* bytes of bodies */
	uint64_t microseconds;		/* from its head until its end */
	bool completed;			/* false: the answer did not go out whole */
};

struct http_app {
	const struct http_route *routes;
	size_t route_count;
	void *arg;
	/* A context for each loop (a view of the store, say), made and freed on its thread. NULL from start: the server
	 * does not start. */
	void *(*loop_start)(void *arg);
	void (*loop_stop)(void *arg, void *loop_context);
	/* After each turn of a loop, before it waits for something to do. The milliseconds after which it wants to be
	 * called again whatever happens; -1: it does not. */
	int (*rest)(void *arg, void *loop_context);
	/* The head is read, has passed the gate, and its route is known. Setting a reply here refuses the body. */
	enum http_next (*head)(struct http_exchange *x, void *arg);
	/* A piece of the body. May take less than `size` only when it returns HTTP_WAIT: the rest comes again. Once a
	 * reply is set, ready() is called in its stead, the reply is sent, and the connection closed. */
	enum http_next (*body)(struct http_exchange *x, const uint8_t *bytes, size_t size, size_t *ret_used, void *arg);
	/* The request is complete; or a reply to it has been set before it was. */
	enum http_next (*ready)(struct http_exchange *x, void *arg);
	/* After http_wake() of a wait that head() or ready() (or this) began. */
	enum http_next (*resumed)(struct http_exchange *x, void *arg);
	/* A wait that http_wait_until() set bounds to has met one. True: nobody will call http_wake() for it any more,
	 * and it goes on at once; false: somebody has, or is about to. */
	bool (*wait_over)(struct http_exchange *x, void *arg);
	/* The exchange is over, sent or lost: called exactly once for every exchange whose head() was called, never
	 * while it waits. */
	void (*closed)(struct http_exchange *x, bool completed, void *arg);
	/* After that, for every request that a loop has read the head of, also those that never came to head(). May be
	 * NULL. */
	void (*done)(void *arg, void *loop_context, const struct http_done *done);
};

/* ---- the server
 * ------------------------------------------------------------------------------------------------------ */

struct http_limits {
	uint64_t body;			  /* bytes */
	unsigned connections;		  /* in all */
	unsigned connections_per_address; /* an IPv6 /64 counts as one */
	unsigned hello_ms, handshake_ms, header_ms, idle_ms, drain_ms;
	/* A body and a reply must move at least so many bytes a second, on the average of each window of rate_ms. */
	uint64_t body_rate, response_rate;
	unsigned rate_ms;
};

struct http_options {
	const char *listen; /* TLS: "127.0.0.1:8443", "[::1]:8443"; NULL: none */
	/* Plain HTTP for a proxy in front: "127.0.0.1:5000", another loopback address, or "unix:/path"; NULL: none. */
	const char *plain;
	unsigned plain_mode;	     /* permissions of the Unix socket */
	const char *trusted_proxies; /* whose forwarded headers are believed: "10.0.0.0/8,::1,unix"; NULL or "": none */
	unsigned loops;		     /* threads; 0: one a core */
	struct tls_context *tls;     /* borrowed; NULL without `listen` */
	struct http_limits limits;
	const struct http_app *app; /* borrowed */
	int access_log;		    /* a file descriptor for JSON lines; -1: none */
};

enum http_status {
	HTTP_OK,
	HTTP_NOMEM,
	HTTP_ADDRESS, /* malformed; or not one for plain HTTP; or a list of proxies that is malformed */
	HTTP_IN_USE,
	HTTP_NOT_ALLOWED,
	HTTP_NOT_SOCKET, /* the Unix socket's path is taken by something else */
	HTTP_SYSTEM
};

/*
 * Binds, listens, starts the threads; requests are served when it returns. errno tells more about HTTP_SYSTEM, and
 * *ret_culprit, when it fails, which of the options' texts it is about (NULL: none of them).
 */
MUST_CHECK enum http_status http_server_start(const struct http_options *options, struct http_server **ret_server,
					      const char **ret_culprit);
/* The ports in use: the answer to a configured port of 0. 0: there is no such listener, or it has no port. */
uint16_t http_server_port(const struct http_server *server);
uint16_t http_server_plain_port(const struct http_server *server);
/* Whether plain HTTP may be spoken there: on a loopback address, or "unix:/path". */
bool http_plain_address(const char *address);
/* Whether http_options.trusted_proxies takes this list. */
bool http_proxies(const char *list);
/*
 * Stops accepting, lets what is in flight finish within limits.drain_ms, stops the loops. http_wake() and http_flush()
 * may still be called, and do nothing, until http_server_free(). Both accept NULL.
 */
void http_server_stop(struct http_server *server);
void http_server_free(struct http_server *server);
/* True once http_server_stop() has begun: readiness answers 503. */
bool http_server_stopping(const struct http_server *server);
/*
 * Whether the acceptor and every loop have turned since this was asked last, as each does every HTTP_TURN_MS, and more
 * often when there is work. For one thread, while the server runs.
 */
enum { HTTP_TURN_MS = 250 };
bool http_server_moved(struct http_server *server);

/* Why a connection was ended by the server: it passed the deadline of a phase, or its bytes came too slowly. */
enum http_reaped {
	HTTP_REAPED_HELLO,
	HTTP_REAPED_HANDSHAKE,
	HTTP_REAPED_HEADER,
	HTTP_REAPED_IDLE,
	HTTP_REAPED_BODY,
	HTTP_REAPED_REPLY,
	HTTP_REAPED_KINDS
};

struct http_figures {
	unsigned open;	/* connections, those that are told that there are too many among them */
	unsigned limit; /* --max-connections */
	/* Since the start. */
	uint64_t accepted;
	uint64_t over_address, over_all, turned_away; /* of those: beyond a limit; not even told so */
	uint64_t reaped[HTTP_REAPED_KINDS];
};
/* Any thread, before http_server_stop(); a loop of its own also during that. */
void http_server_figures(struct http_server *server, struct http_figures *ret_figures);

/*
 * Any thread: the exchange may go on. It is queued to its loop, which notices at the next http_flush() or by itself
 * within a few milliseconds; call http_flush() after the last wake of a batch.
 */
void http_wake(struct http_exchange *x);
/*
 * Before a callback returns HTTP_WAIT: this wait may be long. It also ends at `deadline_ms` (CLOCK_MONOTONIC; up to
 * 250 ms late), when the client has gone, and when the server stops.
 */
void http_wait_until(struct http_exchange *x, int64_t deadline_ms);
/* Any thread: wakes the loops that have been given something since the last time. */
void http_flush(struct http_server *server);

/* The version of libmicrohttpd that this was built with, and the one that runs: "0.9.75". */
void http_library(char ret_built[static 32], char ret_runs[static 32]);

/* ---- the request
 * ------------------------------------------------------------------------------------------------------ */

const struct http_route *http_route(const struct http_exchange *x);
bool http_is_head(const struct http_exchange *x);
/* 32 hexadecimal characters, the server's own. */
const char *http_request_id(const struct http_exchange *x);
/* For lines of a log: "request ID", and where the client says that it belongs to a trace " of trace ID". */
enum { HTTP_REFERENCE_MAX = 96 };
void http_reference(const struct http_exchange *x, char ret_text[static HTTP_REFERENCE_MAX]);
/* The path parameter at `index`, percent-decoded, without NUL or slash. */
const char *http_param(const struct http_exchange *x, size_t index);
/*
 * A query parameter, percent-decoded, a plus as a space; NULL when absent. One with a malformed escape, a NUL or a
 * slash in disguise stays as it came.
 */
const char *http_query(struct http_exchange *x, const char *name);
/* Whether every query parameter is one of `names` (ended by NULL) and none comes twice. */
bool http_query_only(const struct http_exchange *x, const char *const *names);
/* A header field's value; NULL when absent; when it comes more than once, the first, and *ret_count (if not NULL)
 * tells. */
const char *http_header(const struct http_exchange *x, const char *name, size_t *ret_count);
/* False for a chunked body. */
bool http_content_length(const struct http_exchange *x, uint64_t *ret_length);
uint64_t http_body_limit(const struct http_exchange *x);
/*
 * Whether the announced body may come: false has set a problem (the route takes none, or it is longer than the limit).
 * For head(), once it knows the client: 413 is told to those only who may send.
 */
bool http_check_body(struct http_exchange *x);
/*
 * "127.0.0.1", "::1"; "unix" for the Unix socket. When the peer is a trusted proxy that tells for whom it speaks, that
 * client's address.
 */
const char *http_peer(const struct http_exchange *x);
/* The Host that the client asked for, as a trusted proxy tells, or as it came. */
const char *http_host(const struct http_exchange *x);
/*
 * What the client has shown by certificate (server/tls/client.h), verified a minute ago at most. Valid as long as the
 * exchange.
 */
const struct tls_client *http_client(struct http_exchange *x);
/* The application's state of this exchange: NULL until set; not freed by http/. */
void *http_state(const struct http_exchange *x);
void http_set_state(struct http_exchange *x, void *state);
void *http_loop_context(const struct http_exchange *x);
bool http_stopping(const struct http_exchange *x);

/* ---- the reply
 * --------------------------------------------------------------------------------------------------------- */

/*
 * A reply begins with one of http_reply_bytes(), http_reply_stream(), http_reply_empty(), http_problem(); a later one
 * replaces an earlier one with its headers, until sending begins. Headers are added after it. When memory runs out the
 * connection is closed. Date and Coffer-Request-Id are added to every reply, and where http_reply_header() has not set
 * them: Cache-Control: no-store, X-Content-Type-Options, HSTS when it reaches its client over TLS,
 * Cross-Origin-Resource-Policy, and a Content-Security-Policy that lets a browser run and load nothing.
 */
void http_reply_empty(struct http_exchange *x, unsigned status);
/* Copies. */
void http_reply_bytes(struct http_exchange *x, unsigned status, const char *media_type, const void *bytes, size_t size);
/* Borrows bytes that live as long as the process. */
void http_reply_static(struct http_exchange *x, unsigned status, const char *media_type, const void *bytes,
		       size_t size);

/*
 * Streams `size` bytes. reader: on the loop; puts between 1 and `cap` bytes from `offset` on into `buffer` and returns
 * their number; 0 ends the connection short. It is never called for HEAD, nor after closed().
 */
typedef size_t http_reader(void *arg, uint64_t offset, uint8_t *buffer, size_t cap);
void http_reply_stream(struct http_exchange *x, unsigned status, const char *media_type, uint64_t size,
		       http_reader *reader, void *arg);

/* A problem document with a detail for people (printf style; NULL for none); never give it payload or secrets. */
void http_problem(struct http_exchange *x, enum problem problem, const char *detail, ...)
	__attribute__((format(printf, 3, 4)));

/* printf style; a value with control characters is a programmer's error. A field that was set already gets the new
 * value. */
void http_reply_header(struct http_exchange *x, const char *name, const char *value, ...)
	__attribute__((format(printf, 3, 4)));

/* The status of the reply set so far; 0: none. */
unsigned http_reply_status(const struct http_exchange *x);

#endif
