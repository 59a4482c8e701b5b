/*
 * The index of the audit log: which events are about an object, or by an account. It is made in the background, of
 * whole blocks of events, so that writing an event costs nothing more; who searches looks through what comes behind it.
 *
 * A run tells of consecutive events: of one block, or of AUDIT_INDEX_MERGED blocks whose runs were merged. Its entries,
 * sorted, stand in pages: tag ‖ u64 sequence, where tag = the first 8 bytes of SHA-256(u8 kind ‖ id), kind 1 for an
 * object and 2 for an account. A tag may be that of several ids: what is found is looked at.
 *
 * Each page has a MAC over the bounds between which it has all entries, so that no entry is missed unnoticed because
 * somebody took it out; each run's row has one over what it tells of. `coffer check` compares all of it with the
 * events.
 */
#ifndef COFFER_CORE_AUDIT_INDEX_H
#define COFFER_CORE_AUDIT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/audit_index.h"
#include "server/core/audit.h"

enum {
	AUDIT_INDEX_BLOCK = 4096, /* events of a run that is not merged */
	AUDIT_INDEX_MERGED = 64,  /* blocks of one that is */
	AUDIT_INDEX_WIDE = AUDIT_INDEX_BLOCK * AUDIT_INDEX_MERGED,
	AUDIT_INDEX_PAGE = 480, /* entries of a page, at most */
};

enum audit_index_kind { AUDIT_INDEX_OBJECT = 1, AUDIT_INDEX_ACCOUNT = 2 };

struct audit_entry {
	uint8_t b[16];
};

void audit_index_entry(enum audit_index_kind kind, const uint8_t id[static 16], uint64_t sequence,
		       struct audit_entry *ret_entry);
uint64_t audit_index_sequence(const uint8_t entry[static 16]);
/* The entries of an event; returns how many there are, at most 2. */
size_t audit_index_entries(uint64_t sequence, const struct audit_event *event,
			   struct audit_entry ret_entries[static 2]);

/* Whether the row of a run is one that coffer wrote; whether a page is, and belongs to it. */
bool audit_index_run_good(const struct vault *vault, const struct store_audit_run *run);
bool audit_index_page_good(const struct vault *vault, const struct store_audit_run *run,
			   const struct store_audit_page *page);

/*
 * All entries of a run, in order. CORE_DAMAGED: the pages are not what was written, or not all of them. `each` is lent
 * a page; the view must not be used within.
 */
MUST_CHECK enum core_status audit_index_walk(struct store_view *view, const struct vault *vault,
					     const struct store_audit_run *run,
					     void (*each)(void *arg, const struct audit_entry *entries, size_t count),
					     void *arg);

#endif
