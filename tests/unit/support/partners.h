/* Partners of a fixture: their keys, and enrolling them as a request would. */
#ifndef COFFER_TESTS_PARTNERS_H
#define COFFER_TESTS_PARTNERS_H

#include "server/core/directory.h"
#include "tests/unit/support/fixture.h"

#define PARTNERS_ORIGIN "https://localhost:8443"

/* One of a few 2048-bit keys, made at first use. Borrowed, for the life of the process. */
enum { PARTNERS_KEYS = 3 };
const struct rsakey_private *partners_key(unsigned number);
void partners_fingerprint(const struct rsakey_private *key, uint8_t ret_fingerprint[static DIGEST_SIZE]);

struct partners_put {
	const char *name;
	const struct rsakey_private *key;
	const struct rsakey_private *old_key;		  /* NULL: no signature by it */
	const char *invite;				  /* a secret; NULL: none */
	const struct principal *principal;		  /* NULL: nobody */
	const struct rsakey_private *not_by, *old_not_by; /* who signs instead; NULL: who should */
	bool open_enrollment;
	uint64_t if_sequence;

	struct directory_put put; /* the rest is partners_prove()'s */
	uint8_t signature[RSAKEY_MAX_SIZE], old_signature[RSAKEY_MAX_SIZE];
};

/* Decides, signs what the decision asks for, and verifies. Whatever it answers, partners_done() is due. */
enum core_status partners_prove(struct fixture *fixture, struct partners_put *p);
/* Writes what has been proven. */
enum core_status partners_apply(struct fixture *fixture, struct partners_put *p);
void partners_done(struct partners_put *p);
/* All three. What was made is in p->put.entry. */
enum core_status partners_put(struct fixture *fixture, struct partners_put *p);
/* A new name under open enrollment, its entry to ret_entry unless that is NULL; ends the program on failure. */
void partners_enroll(struct fixture *fixture, const char *name, const struct rsakey_private *key,
		     struct directory_entry *ret_entry);

enum core_status partners_remove(struct fixture *fixture, const char *name, const struct principal *principal);

/* Runs `apply` as a job of its own: its result, or why the store did not take it. */
enum core_status partners_run(struct fixture *fixture,
			      enum store_status (*apply)(struct fixture *fixture, struct store_txn *txn, void *arg,
							 enum core_status *ret_result),
			      void *arg);

#endif
