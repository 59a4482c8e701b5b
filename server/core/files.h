/* Small files that must be whole or absent, and secret files that nobody else may read. Every failure is told in one
 * line. */
#ifndef COFFER_CORE_FILES_H
#define COFFER_CORE_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "server/core/status.h"

/* Where a line for the operator goes; always terminated. */
struct files_error {
	char *text;
	size_t size;
};

/* Makes the directory (0700) when `make`, and syncs the one that it is in; refuses one that others may write, or may
 * read when it is secret. */
MUST_CHECK enum core_status files_directory(const char *path, bool make, struct files_error *error);

/*
 * Reads a whole file of at most FILES_MAX bytes into secret memory: give back with secret_free(*ret_text, *ret_size +
 * 1); it has a terminator. secret: CORE_DENIED when others may read it or another user owns it, unless that is root,
 * who lets this user alone read it by an ACL, as systemd does with credentials. CORE_NOT_FOUND.
 */
enum { FILES_MAX = 65536 };
MUST_CHECK enum core_status files_read(const char *path, bool secret, char **ret_text, size_t *ret_size,
				       struct files_error *error);

/* Temporary file beside it, fsync, rename, fsync of the directory. */
MUST_CHECK enum core_status files_write(const char *path, unsigned mode, const void *bytes, size_t size,
					struct files_error *error);

/* printf into error; returns `status`, for `return files_fail(...)`. */
enum core_status files_fail(struct files_error *error, enum core_status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
