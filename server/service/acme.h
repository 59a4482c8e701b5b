/*
 * The certificate by ACME (RFC 8555) of a server with --domain: one thread that orders it, renews it at two thirds of
 * its lifetime, and puts it in place of what is served, without a restart. While the CA cannot be had, or refuses, what
 * is served goes on, and it is tried again, later and later. Account and certificate outlive restarts.
 */
#ifndef COFFER_SERVICE_ACME_H
#define COFFER_SERVICE_ACME_H

#include "server/core/home.h"
#include "server/http/port80_request.h"
#include "server/service/certificates.h"

struct acme;

struct acme_options {
	struct home *home;		   /* borrowed, as the next */
	struct certificates *certificates; /* where it is put */
	const char *domain;		   /* as the settings have them; borrowed */
	const char *email, *directory;
	bool staging;
	int64_t retry_ms, limit_ms;
	void (*log)(const char *line);
};

/*
 * Makes what is missing below DIR/tls/acme and serves the certificate that is there. False, with a line for the
 * operator: it cannot be, or there is neither a certificate nor a client to get one by.
 */
MUST_CHECK bool acme_new(const struct acme_options *options, struct acme **ret_acme, char *ret_error,
			 size_t error_size);
/* Once the plain port answers with acme_proof(). Nothing is ordered before acme_look(). False: no thread can be had. */
MUST_CHECK bool acme_start(struct acme *acme);
/* Ends an order that is under way, and begins no other. acme_status() goes on. Both accept NULL. */
void acme_stop(struct acme *acme);
/* Once nobody asks any more: the plain port, and whoever tells of the status. */
void acme_free(struct acme *acme);

/* For the plain port. arg: the struct acme. */
bool acme_proof(void *arg, const char *token, char ret_proof[static PORT80_PROOF_MAX]);

/* Any thread: looks at once at what is in the files, and orders if that is missing or due, also after a failure. */
void acme_look(struct acme *acme);

struct acme_status {
	bool served;			     /* by this; else nothing is known of the next three */
	int64_t not_before_ms, not_after_ms; /* of the certificate: Unix time */
	int64_t renew_ms;		     /* when it is due */
	unsigned failures;		     /* attempts in a row */
	int64_t tried_ms;		     /* when the last attempt ended; 0: there was none since the start */
	int64_t next_ms;		     /* when the next begins */
	char error[256];		     /* why the last has failed, in a line; "": it has not */
};
/* Any thread. */
void acme_status(struct acme *acme, struct acme_status *ret_status);

#endif
