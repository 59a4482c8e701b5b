/*
 * The archive of the audit log: DIR/audit-archive/, files of mode 0600 with the oldest events (audit_segment.h), each
 * named after its first. A row of audit_segment, which has a MAC, vouches for each; the database's own part of the
 * chain begins behind the last.
 *
 * A file is written, synced, renamed into place and read back before its row is committed, and only then the events
 * leave the database, some at a time. So an event is always in one place at least; those that are in both are the same.
 * What is kept beside events (audit_note) stays in the database.
 */
#ifndef COFFER_CORE_AUDIT_ARCHIVE_H
#define COFFER_CORE_AUDIT_ARCHIVE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/core/audit_segment.h"
#include "server/core/status.h"
#include "server/core/vault.h"

enum { AUDIT_ARCHIVE_NAME = 48 };

/* As messages name it: "audit-archive/00000000000000000001.audit". */
void audit_archive_name(uint64_t first, char ret_name[static AUDIT_ARCHIVE_NAME]);

/* Where it is. CORE_NOT_FOUND: the vault has no archive. CORE_UNAVAILABLE: the path is too long. */
MUST_CHECK enum core_status audit_archive_path(const struct vault *vault, uint64_t first,
					       char ret_path[static PATH_MAX]);

struct audit_archive_file {
	uint8_t *bytes;
	struct audit_segment_reader reader;
};

/*
 * Reads the file of a segment, whose row has been checked, to its first event. CORE_NOT_FOUND: it is missing.
 * CORE_DAMAGED: it is another one, or does not begin as it should. CORE_UNAVAILABLE, CORE_NOMEM.
 */
MUST_CHECK enum core_status audit_archive_open(const struct vault *vault, const struct store_audit_segment *row,
					       struct audit_archive_file *ret_file);
void audit_archive_close(struct audit_archive_file *file);
/*
 * Whether the file of a segment, whose row has been checked, is there up to the last event that the row tells of; what
 * stands between is not verified. As audit_archive_open().
 */
MUST_CHECK enum core_status audit_archive_has(const struct vault *vault, const struct store_audit_segment *row);

/* A file of the archive that is named as a segment is: the number of its first event. */
typedef bool audit_archive_visit(void *arg, uint64_t first);
/* Until `each` returns false, in no order. A directory that is not there is empty. CORE_UNAVAILABLE. */
MUST_CHECK enum core_status audit_archive_list(const struct vault *vault, audit_archive_visit *each, void *arg);

#endif
