/* What home.c, home_keys.c and home_identity.c share. */
#ifndef COFFER_CORE_HOME_INTERNAL_H
#define COFFER_CORE_HOME_INTERNAL_H

#include <limits.h>
#include <pthread.h>

#include "server/core/files.h"
#include "server/core/home.h"

struct home {
	char path[PATH_MAX];
	char archive[PATH_MAX];
	struct vault vault;
	struct store_key *root; /* in secret memory; wiped once the vault is open */
	struct store_view *view;
	bool read_only;
	bool is_new;
	bool ingest_only;
	pthread_mutex_t unsealing; /* one attempt at a time */
};

/* DIR/name. */
MUST_CHECK enum core_status home_path_of(const struct home *home, const char *name, char ret_path[static PATH_MAX],
					 struct files_error *error);
MUST_CHECK enum core_status home_read_file(const struct home *home, const char *name, bool secret, char **ret_text,
					   size_t *ret_size, struct files_error *error);
MUST_CHECK enum core_status home_write_file(const struct home *home, const char *name, unsigned mode, const void *bytes,
					    size_t size, struct files_error *error);

/* Identity and KEK, and for a new store everything that belongs to them: see home_open(). */
MUST_CHECK enum core_status home_open_keys(struct home *home, const struct home_options *options,
					   struct files_error *error);
/* Reads the identity key, or makes that of a new store; then, with the vault's keys there, the rows of all there were.
 */
MUST_CHECK enum core_status home_open_identity(struct home *home, struct files_error *error);
MUST_CHECK enum core_status home_open_identities(struct home *home, struct files_error *error);

#endif
