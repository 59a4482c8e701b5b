/* The files that --tls-cert and its kin name: which have changed, and what of it can be served. */
#ifndef COFFER_SERVICE_CERT_FILES_H
#define COFFER_SERVICE_CERT_FILES_H

#include "server/service/cert_texts.h"
#include "server/service/watched_file.h"

/* A complaint is about one of these. */
enum {
	CERT_SLOT_PAIR = 0,		  /* and as many as there may be pairs */
	CERT_SLOT_STAPLE = TLS_PAIRS_MAX, /* likewise */
	CERT_SLOT_CLIENTS = CERT_SLOT_STAPLE + TLS_PAIRS_MAX,
	CERT_SLOTS
};

struct cert_files;
struct cert_files_options {
	/* Lists of paths with commas between, as many keys as certificates; staples: as many, or none; borrowed. */
	const char *certs, *keys, *staples;
	const char *client_ca, *client_crl; /* a path or "" */
};

/* Reads nothing yet. False: told in a line. */
MUST_CHECK bool cert_files_new(const struct cert_files_options *options, struct cert_files **ret_files, char *ret_error,
			       size_t error_size);
void cert_files_free(struct cert_files *files);

/* How many pairs are named. */
size_t cert_files_pairs(const struct cert_files *files);
/* The path of the first certificate, borrowed; NULL when none is named. */
const char *cert_files_first(const struct cert_files *files);

/* The strongest of what watched_file_look() says of each: a file that settles makes all of them wait. */
enum watched_state cert_files_look(const struct cert_files *files);

/*
 * Reads all. What is good, and other than in `current`, goes to *ret_fresh (cert_texts_done() frees). judge() is called
 * for each slot that files are named for: with NULL when it is good, else with a line that says what is wrong, without
 * contents. A leaf that has expired or is not valid yet is told, and good only where `any_date`, or in `current`.
 * Returns whether every slot but the staples is good.
 */
bool cert_files_read(struct cert_files *files, const struct cert_texts *current, bool any_date,
		     void (*judge)(void *arg, unsigned slot, const char *line), void *arg,
		     struct cert_texts *ret_fresh);
/* Judges the staples that are served: what was good when it was read expires. */
void cert_files_judge_staples(struct cert_files *files, const struct cert_texts *current,
			      void (*judge)(void *arg, unsigned slot, const char *line), void *arg);

#endif
