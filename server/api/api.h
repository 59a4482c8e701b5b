/*
 * The application behind http/: the route table and what its steps share. One per process.
 */
#ifndef COFFER_API_API_H
#define COFFER_API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/mailbox.h"
#include "server/core/vault.h"
#include "server/core/workers.h"
#include "server/http/http.h"

struct api;
struct epochs;
struct home;
struct tls_context;

enum { API_PASSPHRASE_MAX = 1024, API_JSON_MAX = 4096 }; /* bytes */

/* What origin.h chooses from. */
struct origins {
	/* "https://records.example.org", lower case; none: https://NAME:PORT of each host name */
	const char *const *origins;
	size_t origin_count;
	const char *const *host_names; /* without brackets */
	size_t host_name_count;
};

/* How it goes with a certificate that is renewed by ACME. Unix time; 0: not yet. */
struct api_renewal {
	unsigned failures; /* attempts in a row */
	int64_t tried_ms, next_ms;
	char error[256]; /* why the last one failed, in a line; "": it did not */
};

struct api_options {
	const struct vault *vault;				     /* borrowed */
	struct home *home;					     /* borrowed: sealing and unsealing */
	struct epochs *epochs;					     /* borrowed; NULL when epoch wraps are off */
	struct workers *workers;				     /* borrowed */
	struct tls_context *tls;				     /* borrowed: to tell of its certificate */
	void (*renewal)(void *arg, struct api_renewal *ret_renewal); /* any thread; NULL: there is no ACME */
	void *renewal_arg;
	unsigned read_snapshot_ms;  /* how long records are read in one snapshot; 0: each request has its own */
	int64_t idempotency_ttl_ms; /* how long an Idempotency-Key is remembered */
	struct origins origins;	    /* borrowed: what clients name in proofs */
	const char *ca_pem;	    /* borrowed: the local CA's certificate; NULL: another one certifies */
	const char *ca_fingerprint; /* borrowed: SHA-256 of its DER, lower-case hexadecimal */
	bool open_enrollment;	    /* anyone may take a free name */
	size_t body_memory;	    /* bytes that bodies may take which are collected whole */
	size_t message_max;	    /* bytes of a message */
	int64_t message_ttl_ms;	    /* the longest, and what a message has that says nothing */
	int64_t long_poll_ms;	    /* the longest wait for a message */
	struct mailbox_limits mailbox_limits;
	unsigned login_rate;	   /* challenges a minute, by address and by account; 0: no bound */
	unsigned failure_rate;	   /* wrong tokens and answers a minute, by address; 0: no bound */
	struct refusals *refusals; /* borrowed: where requests without an account are counted */
	int64_t break_glass_ms;	   /* how long after it was made a token may be used to break the glass */
	int64_t invite_ttl_ms;	   /* the longest, and what an invite has that says nothing */
	int64_t login_challenge_ms, login_ttl_ms, login_idle_ms;
	int64_t shred_delay_ms;	       /* how long a deleted record's remnants may linger in the WAL */
	void (*log)(const char *line); /* a line for the operator: faults found in stored records; may be NULL */
};

/* NULL when memory runs out. */
struct api *api_new(const struct api_options *options);
const struct http_app *api_app(struct api *api);
/* Whose loops api_flush() wakes; NULL before it has started. It must outlive the store's last flush. */
void api_set_server(struct api *api, struct http_server *server);
/* For store_options.flush; accepts NULL. */
void api_flush(void *api);
/* After the server has stopped. NULL is accepted. */
void api_free(struct api *api);

/* The only list of routes. */
extern const struct http_route API_ROUTES[];
extern const size_t API_ROUTE_COUNT;

#endif
