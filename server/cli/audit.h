/* What the files of `coffer audit` share. */
#ifndef COFFER_CLI_AUDIT_H
#define COFFER_CLI_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/home.h"

enum { AUDIT_PAGE = 1000 };

/* A store that is only read; a server may run on it. */
struct auditing {
	struct home *home;
	struct store_view *view;
};

/* Each returns the exit status: 0, 1 when the log does not verify, 2 when it could not be done. */

int audit_export(const struct auditing *auditing, uint64_t after, bool follow);
/* Unlocks the private half of the KEK, by these files or by asking. */
int audit_reasons(const struct auditing *auditing, uint64_t after, const char *passphrase_file,
		  const char *credential_file);
/* These open the store for writing: no server may run. before: a time as clock_parse_rfc3339() takes it. */
int audit_offline_archive(const char *data, const char *before);
/* Makes the log's index anew. */
int audit_offline_index(const char *data);

#endif
