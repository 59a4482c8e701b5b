/*
 * Records: writing, reading, deleting. The steps are those of a request (prepare on a loop, apply on the committer);
 * nothing here knows HTTP. One writer or reader serves one request.
 */
#ifndef COFFER_CORE_RECORD_H
#define COFFER_CORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/record.h"
#include "server/core/account.h"
#include "server/core/status.h"
#include "server/core/vault.h"

enum {
	RECORD_MEDIA_TYPE_MAX = 255, /* characters */
	RECORD_LABELS_MAX = 4096,    /* bytes of the Coffer-Labels value */
};

/* What is known of a version to those who may read it. */
struct record_info {
	uint8_t record_id[16];
	uint64_t version;
	uint64_t size;
	int64_t created_ms; /* of the record */
	int64_t updated_ms; /* of this version */
	uint8_t sha256[32];
	char media_type[RECORD_MEDIA_TYPE_MAX + 1];
	char labels[RECORD_LABELS_MAX + 1];
};

/* ---- looking up (server/core/record_lookup.c) ---------------------------------------------------------------------
 */

/* What somebody wants to do with a record. Its owner may do all; grants (grants.h) give others the first two. */
enum record_right { RECORD_READ = 1, RECORD_WRITE = 2, RECORD_OWN = 4 };

/*
 * The one place that decides who may do what with a record: its latest row, MAC checked. CORE_NOT_FOUND for what is
 * absent and what is not allowed alike, CORE_GONE for a tombstone, CORE_DAMAGED. *ret_row is set for CORE_OK and
 * CORE_GONE; free() it.
 */
MUST_CHECK enum core_status record_lookup(const struct vault *vault, struct store_view *view,
					  const struct principal *principal, enum record_right right,
					  const uint8_t record_id[static 16], struct store_version **ret_row);

/* Whether a write with If-Match `if_version` may go on: the same refusals as apply() gives, before the body is read. */
MUST_CHECK enum core_status record_check_current(const struct vault *vault, struct store_view *view,
						 const struct principal *principal, const uint8_t record_id[static 16],
						 uint64_t if_version, uint64_t *ret_current);

/* When the record was made: the time in its UUID version 7. */
int64_t record_created_ms(const uint8_t record_id[static 16]);

/* ---- writing (server/core/record_write.c) --------------------------------------------------------------------------
 */

struct record_writer;
struct inflight;

struct record_write_options {
	struct inflight *inflight;	   /* borrowed: Idempotency-Keys being worked on */
	const struct principal *principal; /* copied */
	const char *media_type;		   /* copied; at most RECORD_MEDIA_TYPE_MAX */
	const char *labels;		   /* copied; "" for none */
	const uint8_t *record_id;	   /* NULL: a new record; else the one to replace */
	uint64_t if_version;		   /* when replacing: the version that must be current */
	const char *idempotency_key;	   /* NULL for none; only for a new record */
	const char *route;		   /* the operation, into the idempotency MAC */
	void (*wake)(void *arg); /* any thread: there is room again after record_writer_put() returned false */
	void *arg;
};

/* CORE_BUSY when the Idempotency-Key is in flight. CORE_NO_SPACE below the watermark. */
MUST_CHECK enum core_status record_writer_new(const struct vault *vault, const struct record_write_options *options,
					      struct record_writer **ret_writer);
/* Takes content. *ret_used < size: the staging queue is full; put the rest after wake(). */
MUST_CHECK enum core_status record_writer_put(struct record_writer *writer, const uint8_t *bytes, size_t size,
					      size_t *ret_used);
/*
 * After the last byte, on the loop: seals what is left and the metadata, wraps the DEK. *ret_full: the staging queue is
 * full, call again after wake().
 */
MUST_CHECK enum core_status record_writer_finish(struct record_writer *writer, bool *ret_full);
/*
 * On the committer. CORE_OK, CORE_REPLAY (record_writer_info() is then the first answer's), CORE_KEY_REUSED,
 * CORE_NOT_FOUND, CORE_GONE, CORE_STALE: refusals, in *ret_result; the return value is the store's.
 */
MUST_CHECK enum store_status record_writer_apply(struct record_writer *writer, struct store_txn *txn,
						 enum core_status *ret_result);
/* Valid after apply() gave CORE_OK or CORE_REPLAY; for CORE_STALE, `version` is the current one. */
const struct record_info *record_writer_info(const struct record_writer *writer);
/* Not on the committer's thread. What was staged and not applied is removed. NULL is accepted. */
void record_writer_free(struct record_writer *writer);

/* ---- reading (server/core/record_read.c) ----------------------------------------------------------------------------
 */

struct record_reader;

/*
 * Looks up and authorises; copies what is needed out of the store. version 0: the current one. Both rows' MACs are
 * checked. CORE_NOT_FOUND, CORE_GONE, CORE_DAMAGED.
 */
MUST_CHECK enum core_status record_reader_new(const struct vault *vault, struct store_view *view,
					      const struct principal *principal, const uint8_t record_id[static 16],
					      uint64_t version, struct record_reader **ret_reader);
/* The clear half of the info (ids, version, size, times) is valid at once, the rest after record_reader_unlock(). */
const struct record_info *record_reader_info(const struct record_reader *reader);
/* Whether record_reader_unlock() will do without an RSA private operation. */
bool record_reader_is_quick(const struct record_reader *reader);
/*
 * Unwraps the DEK, then commitment, metadata and first chunk are checked. Any thread, once. CORE_SEALED, CORE_DAMAGED.
 */
MUST_CHECK enum core_status record_reader_unlock(struct record_reader *reader);
/* On the committer, after unlocking: writes the epoch wrap that the version lacked, if one was made. */
MUST_CHECK enum store_status record_reader_backfill(struct record_reader *reader, struct store_txn *txn);
/* Content from `offset` on: between 1 and `cap` bytes; 0 when it does not verify or cannot be read. `view` is this
 * thread's. */
size_t record_reader_get(struct record_reader *reader, struct store_view *view, uint64_t offset, uint8_t *buffer,
			 size_t cap);
/* Whether record_reader_get() has failed; and, for the log, a fixed phrase of which check did (never payload). */
bool record_reader_failed(const struct record_reader *reader);
const char *record_reader_fault(const struct record_reader *reader);
void record_reader_free(struct record_reader *reader);

/* ---- deleting (server/core/record_delete.c) ---------------------------------------------------------------------- */

struct record_delete {
	const struct vault *vault;
	struct principal principal;
	uint8_t record_id[16];
	uint64_t if_version; /* 0: whatever is current */
	uint64_t tombstone;  /* out: the tombstone's version number; for CORE_STALE the current version */
};
/* On the committer: as record_writer_apply(). Removes keys and rows, leaves an authenticated tombstone. */
MUST_CHECK enum store_status record_delete_apply(struct record_delete *request, struct store_txn *txn,
						 enum core_status *ret_result);

/*
 * Care, on a thread of its own (not a loop, not the committer): after a TRUNCATE checkpoint, marks the tombstones that
 * are older than it as shredded, with an audit event each. *ret_count: how many.
 */
MUST_CHECK enum core_status record_shred_pending(const struct vault *vault, struct store_view *view,
						 uint64_t *ret_count);

/* ---- listing (server/core/record_list.c) ---------------------------------------------------------------------------
 */

struct record_entry {
	uint8_t record_id[16];
	uint64_t version;
	uint64_t size;
	int64_t created_ms, updated_ms;
};

/* At most `limit` of the principal's records after `after` (NULL: from the start) into ret_entries; row MACs checked.
 */
MUST_CHECK enum core_status record_list(const struct vault *vault, struct store_view *view,
					const struct principal *principal, const uint8_t *after, size_t limit,
					struct record_entry *ret_entries, size_t *ret_count);
/* Versions of one record, oldest first, after version `after`. CORE_NOT_FOUND, CORE_GONE as in reading. */
MUST_CHECK enum core_status record_versions(const struct vault *vault, struct store_view *view,
					    const struct principal *principal, const uint8_t record_id[static 16],
					    uint64_t after, size_t limit, struct record_entry *ret_entries,
					    size_t *ret_count);

#endif
