/* An open vault in a directory of its own, for tests of core/ and db/. */
#ifndef COFFER_TESTS_FIXTURE_H
#define COFFER_TESTS_FIXTURE_H

#include "server/core/account.h"
#include "server/core/vault.h"

struct fixture {
	char dir[64];
	char path[96]; /* the database */
	struct vault vault;
	struct vault_keys keys;
	struct principal principal; /* the administrator */
};

/* Makes everything anew; ends the test program on failure. */
void fixture_open(struct fixture *fixture);
/* Closes the store and opens it again, with the same keys. */
void fixture_reopen(struct fixture *fixture);
void fixture_close(struct fixture *fixture);
/* Only the KEK and what it unlocks, for a fixture whose store has gone another way. */
void fixture_free_keys(struct fixture *fixture);

/* Opens only a store at `path`. */
struct store *fixture_store(const char *path);
/* A directory under /tmp, removed by fixture_remove(). */
void fixture_directory(char *ret_dir, size_t size);
void fixture_remove(const char *dir);

#endif
