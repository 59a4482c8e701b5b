/* What the files of http/ share. */
#ifndef COFFER_HTTP_INTERNAL_H
#define COFFER_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "server/http/admission.h"
#include "server/http/http.h"
#include "server/http/listener.h"
#include "server/http/proxies.h"
#include "server/http/traceparent.h"
#include "server/tls/client.h"

#if MHD_VERSION < 0x00097002
#error "libmicrohttpd is too old"
#endif

enum { REQUEST_ID_CHARS = 32, HEADERS_MAX = 24 };

/* ---- connections ---- */

/* Whom a connection waits for; each phase but ours has its deadline. */
enum connection_phase { PHASE_HANDSHAKE, PHASE_HEADER, PHASE_IDLE, PHASE_BODY, PHASE_REPLY, PHASE_OURS };

/* One a connection, made by the acceptor, freed by its loop. Linked in its loop's list while libmicrohttpd has it. */
struct connection {
	struct connection *next, *previous;
	struct http_server *server;
	int fd;
	struct sockaddr_storage address;
	socklen_t address_size;
	char peer[ADDRESS_TEXT];
	bool plain;   /* without TLS: in `traffic` only `established` and, for a Unix socket, `sent` are kept */
	bool trusted; /* a proxy that is believed */
	bool heard;   /* plain: a byte, or the end, has come since the last exchange ended */
	bool ended;   /* plain: it will send no more, as far as is known */
	struct tls_traffic traffic;
	struct tls_client client; /* as it was verified last */
	int64_t client_ms;	  /* when that was */
	struct MHD_Connection *mhd;
	struct connection *next_handshake;
	bool watched;			/* known to the loop's client_fd */
	struct http_exchange *exchange; /* the one under way */
	unsigned long requests;		/* begun so far */
	uint64_t idle_received;		/* bytes received when the last exchange ended, over TLS */
	enum connection_phase phase;	/* as connection_reap() last saw it, with the next three */
	unsigned long phase_request;
	int64_t since_ms;	     /* when the phase, or its present window, began */
	uint64_t mark;		     /* bytes moved by then */
	enum admission_verdict over; /* other than ADMITTED: it is told so, and closed */
	bool reaped;		     /* it has expired */
	bool linger;		     /* refused early: the client may still be sending */
};

/* ---- exchanges ---- */

enum exchange_state { X_HEAD, X_HEAD_WAIT, X_BODY, X_CUT_WAIT, X_LATE_WAIT, X_READY_WAIT, X_DELAY_WAIT, X_ANSWERED };

struct header {
	char *name, *value;
};

struct reply {
	unsigned status;
	char *media_type;
	char *bytes; /* owned, unless `borrowed` */
	size_t size;
	bool streamed; /* `bytes` are what a short stream gave: wiped */
	bool borrowed, failed;
	bool busy; /* PROBLEM_BUSY */
	http_reader *reader;
	void *reader_arg;
	uint64_t stream_size;
	struct header headers[HEADERS_MAX];
	size_t header_count;
};

struct exchange_text {
	struct exchange_text *next;
	char text[];
};

struct http_exchange {
	struct loop *loop;
	struct connection *connection;
	struct MHD_Connection *mhd;
	const struct http_route *route;
	enum exchange_state state;
	bool head_seen; /* the application has been told of this exchange */
	bool is_head, has_body, has_length;
	bool suspended;
	bool cut; /* answered before the body's end */
	uint64_t length, received, sent;
	char request_id[REQUEST_ID_CHARS + 1];
	struct traceparent trace;
	const char *params[HTTP_PARAMS_MAX];
	struct exchange_text *texts;
	const char *method;
	const char *peer; /* as http_peer() has it */
	const char *host; /* as a proxy tells; NULL: it does not */
	bool secure;	  /* it came to us, or to the proxy, over TLS */
	void *state_of_app;
	struct reply reply;
	int64_t begun_us;
	int64_t delayed_until_ms;
	struct http_exchange *next_woken; /* in the list of the woken, or of the delayed */
	bool waiting;			  /* by http_wait_until(), with the next three */
	int64_t wait_until_ms;
	struct http_exchange *next_waiting, *previous_waiting;
};

/* ---- loops and the server ---- */

/* A loop has a daemon for each kind of connection that the server takes. */
enum { DAEMON_TLS, DAEMON_PLAIN, DAEMONS };

struct loop {
	struct http_server *server;
	struct MHD_Daemon *daemons[DAEMONS]; /* NULL: not that kind */
	int daemon_fds[DAEMONS];	     /* their epolls; -1: none */
	pthread_t thread;
	bool running;
	int event_fd;
	pthread_mutex_t lock; /* for the two lists and `signalled` */
	struct connection *arrived;
	struct http_exchange *woken;
	bool signalled;
	_Atomic unsigned count; /* connections handed over and not closed */
	struct connection *connections;
	int client_fd;		       /* epoll: wakes for clients that are waited for by handshake.c */
	struct connection *handshakes; /* the others that have not finished theirs */
	int wait_fd;		       /* epoll: tells of clients that have gone while they wait */
	struct http_exchange *waiting; /* long waits */
	size_t waiting_count;
	size_t suspended;
	struct http_exchange *delayed, **delayed_last; /* in the order of their time */
	unsigned long turns_progress;		       /* handler and reader calls, resumes */
	void *context;				       /* the application's */
	char *log;
	size_t log_used;
	_Atomic uint64_t reaped[HTTP_REAPED_KINDS];
	_Atomic unsigned long turns;
	unsigned long turns_seen; /* by http_server_moved(), as the acceptor's */
	int started;		  /* 1: fine, -1: failed; under the server's lock */
};

struct http_server {
	struct http_options options;
	struct proxies proxies; /* trusted ones */
	struct listener listeners[DAEMONS];
	struct loop *loops;
	unsigned loop_count;
	struct acceptor *acceptor;
	unsigned long acceptor_turns_seen;
	_Atomic bool stopping;
	int64_t drain_until_ms;
	pthread_mutex_t lock;
	pthread_cond_t started;
};

int64_t http_now_ms(void);
int64_t http_now_us(void);
char *exchange_copy(struct http_exchange *x, const char *text, size_t size);

/* acceptor.c */
struct acceptor *acceptor_new(struct http_server *server);
/* Any thread: all but what the loops count. */
void acceptor_figures(struct acceptor *acceptor, struct http_figures *figures);
/* Accepts no more; loops may still forget connections. Then, once the loops are gone, free. */
void acceptor_stop(struct acceptor *acceptor);
void acceptor_free(struct acceptor *acceptor);
/* Any thread: a number that grows every HTTP_TURN_MS, and with every turn. */
unsigned long acceptor_turns(const struct acceptor *acceptor);
/* Any thread: the connection is over; `linger_fd` (or -1) is drained for a moment, then closed. Frees the connection.
 */
void acceptor_forget(struct acceptor *acceptor, struct connection *connection, int linger_fd);

/* hello.c: -1: this is no TLS; 0: more bytes are needed; 1: the ClientHello is complete. */
int hello_complete(const unsigned char *bytes, size_t size);

/* loop.c */
bool loop_start(struct loop *loop);
void loop_give(struct loop *loop, struct connection *connection);
void loop_signal(struct loop *loop);
/* The loop's thread: wakes the suspended exchange after a fixed while. */
void loop_delay(struct loop *loop, struct http_exchange *x);

/* The loop's thread: the suspended exchange goes on. */
void loop_resume(struct loop *loop, struct http_exchange *x);

/* wait.c */
bool waits_init(struct loop *loop);
void waits_done(struct loop *loop);
/* It goes on, or is over: nothing is watched for it any more. */
void wait_forget(struct http_exchange *x);
/* Ends the waits of clients that have gone; of those that are due, or all when the server is stopping. */
void waits_end_lost(struct loop *loop);
void waits_end_due(struct loop *loop, int64_t now);

/* connection.c */
void connection_notice(void *loop, struct MHD_Connection *mhd, void **context,
		       enum MHD_ConnectionNotificationCode code);
/* Hands an accepted connection to the loop's libmicrohttpd. */
void connection_adopt(struct loop *loop, struct connection *connection);
/* Ends those that have passed the deadline of their phase. */
void connection_reap(struct loop *loop, int64_t now);

/* handshake.c: the loop's thread. What waits for its client, but for libmicrohttpd. */
bool handshakes_init(struct loop *loop);
void handshakes_done(struct loop *loop);
/* A connection begins its handshake; it is gone. */
void handshake_begin(struct loop *loop, struct connection *connection, struct MHD_Connection *mhd);
void handshake_forget(struct loop *loop, struct connection *connection);
/* A plain connection waits for its next request: `heard` is set when it begins to come. */
void handshake_listen(struct loop *loop, struct connection *connection);
/* After a turn of libmicrohttpd: those that wait for their client are taken from it. Before one: the reverse. */
void handshakes_park(struct loop *loop);
void handshakes_wake(struct loop *loop);

/* exchange.c */
enum MHD_Result exchange_handle(void *loop, struct MHD_Connection *mhd, const char *url, const char *method,
				const char *version, const char *data, size_t *size, void **exchange);
/* Between libmicrohttpd's turns: its body does not come. False when that is no state to answer in. */
bool exchange_late(struct http_exchange *x);
/* After a wake, before libmicrohttpd is told: whether it may be. */
bool exchange_wakes(struct http_exchange *x);
void exchange_completed(void *loop, struct MHD_Connection *mhd, void **exchange, enum MHD_RequestTerminationCode code);

/* proxied.c: what a trusted proxy tells of the request; false has set a problem. */
bool proxied_read(struct http_exchange *x);
/* socket_sent.c: bytes that the other side of a TCP connection has acknowledged. */
uint64_t socket_sent(int fd);
/* gate.c: false has set a problem. Sets has_body, has_length and length. */
bool gate_check(struct http_exchange *x, const char *url, const char *version);
/* The fields after a chunked body, once the request is complete. */
bool gate_check_trailer(struct http_exchange *x);
/* route.c: sets x->route and x->params; false has set a problem. */
bool route_find(struct http_exchange *x, const char *url);
/* The byte that the escape (%XX) stands for; false for a malformed one, a NUL or a slash in disguise. */
bool route_unescape(const char *escape, char *ret_byte);
/* Decodes a segment of a path, or a value of a query, in place; false, and no longer whole, when an escape is refused.
 */
bool route_decode(char *text);
/* reply.c */
enum MHD_Result reply_queue(struct http_exchange *x);
/* Past libmicrohttpd, in the middle of a body: the whole answer, or false. The connection must then be closed. */
bool reply_send_now(struct http_exchange *x);
void reply_clear(struct reply *reply);
/* access_log.c */
void access_log_add(struct http_exchange *x, bool completed);
void access_log_flush(struct loop *loop);

#endif
