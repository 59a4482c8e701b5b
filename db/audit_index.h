/*
 * The rows of the audit log's index: runs of events, and of each run sorted entries in pages. What the entries mean is
 * the caller's; they are 16 bytes, and compared as bytes.
 */
#ifndef COFFER_DB_AUDIT_INDEX_H
#define COFFER_DB_AUDIT_INDEX_H

#include "db/store.h"

/* All columns are meant to be covered by `mac`, in the order below. */
struct store_audit_run {
	uint64_t first, last; /* the events that it tells of; it is known by them */
	uint64_t entries;
	uint8_t mac[32];
};

/* The entries of a run from `low` to before `high`. All columns are meant to be covered by `mac`, in the order below.
 */
struct store_audit_page {
	uint64_t first, last; /* the run's */
	uint8_t low[16], high[16];
	struct store_bytes entries;
	uint8_t mac[32];
};

/* The first run that ends with event `sequence` or behind it; the last of all. STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_audit_run_from(struct store_view *view, uint64_t sequence,
						  struct store_audit_run *ret_run);
MUST_CHECK enum store_status store_audit_run_last(struct store_view *view, struct store_audit_run *ret_run);
MUST_CHECK enum store_status store_audit_run_insert(struct store_txn *txn, const struct store_audit_run *row);
/* Those that end from `first` to `last`. */
MUST_CHECK enum store_status store_audit_run_remove(struct store_txn *txn, uint64_t first, uint64_t last);

/* Pages are lent for the call; the view must not be used within. */
typedef bool store_audit_page_visit(void *arg, const struct store_audit_page *row);
/* The last page of a run that begins with `entry` or before it, when there is one. */
MUST_CHECK enum store_status store_audit_page_at(struct store_view *view, const struct store_audit_run *run,
						 const uint8_t entry[static 16], store_audit_page_visit *each,
						 void *arg);
/* All pages of a run, in order. */
MUST_CHECK enum store_status store_audit_page_list(struct store_view *view, const struct store_audit_run *run,
						   store_audit_page_visit *each, void *arg);
/* Inserts, or replaces. */
MUST_CHECK enum store_status store_audit_page_put(struct store_txn *txn, const struct store_audit_page *row);
/* Pages of runs that end from `first` to `last` and tell of at most `events` events, at most `limit`. */
MUST_CHECK enum store_status store_audit_page_remove(struct store_txn *txn, uint64_t first, uint64_t last,
						     uint64_t events, size_t limit, uint64_t *ret_count);

#endif
