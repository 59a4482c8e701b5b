/*
 * Reading on in the audit log, from wherever its events stand: files of the archive, then the database. Each event is
 * verified, and that it follows the one before it. A view that reads is for nothing else meanwhile.
 */
#ifndef COFFER_CORE_AUDIT_READ_H
#define COFFER_CORE_AUDIT_READ_H

#include "server/core/audit_archive.h"

typedef bool audit_visit(void *arg, uint64_t sequence, const struct audit_event *event, const uint8_t hash[static 32]);

/*
 * From behind *after, which moves to the last event that was looked at: to `each`, until that returns false or `limit`
 * are done. CORE_DAMAGED: one does not fit, or is not where it should be.
 */
MUST_CHECK enum core_status audit_read(struct store_view *view, const struct vault *vault, uint64_t *after,
				       size_t limit, audit_visit *each, void *arg);

/* The same for whoever reads here and there, and ever further on: the file that was read last is kept. */
struct audit_read_state {
	struct store_view *view;
	const struct vault *vault;
	struct audit_archive_file file;	    /* bytes NULL: none is kept */
	struct store_audit_segment segment; /* of the file */
	unsigned files;			    /* that were read until now */
};

void audit_read_begin(struct store_view *view, const struct vault *vault, struct audit_read_state *ret_state);
/* `*after` is nowhere below the last event that was looked at. */
MUST_CHECK enum core_status audit_read_on(struct audit_read_state *state, uint64_t *after, size_t limit,
					  audit_visit *each, void *arg);
void audit_read_end(struct audit_read_state *state);

#endif
