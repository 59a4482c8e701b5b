/*
 * The rows of the audit log: events, what is kept beside them, and the segments of it that were moved to files. As in
 * db/store.h, what returns a row gives a copy on the heap, and walks lend theirs for the call.
 */
#ifndef COFFER_DB_AUDIT_H
#define COFFER_DB_AUDIT_H

#include "db/store.h"

struct store_audit_event {
	uint64_t sequence;
	struct store_bytes event;
	uint8_t hash[32];
	uint8_t mac[32];
};

/* Events `first` to `last` stand in a file. All columns are meant to be covered by `mac`, in the order below. */
struct store_audit_segment {
	uint64_t first, last;
	uint8_t previous[32]; /* the hash of the event before `first` */
	uint8_t hash[32];     /* that of `last` */
	int64_t created_ms;
	uint8_t mac[32];
};

MUST_CHECK enum store_status store_audit_last(struct store_view *view, struct store_audit_event **ret_event);
/* In order, `after` excluded. */
typedef bool store_audit_visit(void *arg, const struct store_audit_event *row);
MUST_CHECK enum store_status store_audit_list(struct store_view *view, uint64_t after, size_t limit,
					      store_audit_visit *each, void *arg);
MUST_CHECK enum store_status store_audit_insert(struct store_txn *txn, const struct store_audit_event *row);
/* Removes events up to `until`, from the first, at most `limit`; *ret_count: how many. */
MUST_CHECK enum store_status store_audit_remove(struct store_txn *txn, uint64_t until, size_t limit,
						uint64_t *ret_count);

/* What is kept beside an event; *ret_note is malloc()ed, STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_audit_note_get(struct store_view *view, uint64_t sequence, uint8_t **ret_note,
						  size_t *ret_size);
MUST_CHECK enum store_status store_audit_note_insert(struct store_txn *txn, uint64_t sequence, struct store_bytes note);

/* The first segment that ends with event `sequence` or behind it; the last of all. STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_audit_segment_from(struct store_view *view, uint64_t sequence,
						      struct store_audit_segment *ret_segment);
MUST_CHECK enum store_status store_audit_segment_last(struct store_view *view, struct store_audit_segment *ret_segment);
MUST_CHECK enum store_status store_audit_segment_insert(struct store_txn *txn, const struct store_audit_segment *row);

#endif
