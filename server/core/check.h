/*
 * A check of the whole store, for `coffer check`: every row MAC, every wrap, every tag, and that the rows fit together.
 * Reads only, beside a server that writes: what looks wrong is looked at again in one snapshot before it counts.
 */
#ifndef COFFER_CORE_CHECK_H
#define COFFER_CORE_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "server/core/status.h"
#include "server/core/vault.h"

/* What can be wrong: X(NAME, what is said of it). */
#define CHECK_FAILURES(X)                                                  \
	X(ROW_UNREADABLE, "row cannot be read")                            \
	X(ROW_MAC, "row MAC does not verify")                              \
	X(ROW_ID, "does not name a record")                                \
	X(MISSING_VERSION, "missing version")                              \
	X(STATE, "its state does not fit its place among the versions")    \
	X(REMNANT, "was left behind when the record was deleted")          \
	X(NO_OWNER, "its owner is no account")                             \
	X(WRAP_MISSING, "missing wrap")                                    \
	X(WRAP_MAC, "wrap MAC does not verify")                            \
	X(WRAP_KEK, "wrap under a KEK that is not there")                  \
	X(UNWRAP, "unwrap fails")                                          \
	X(EPOCH, "its epoch is not there, or does not verify")             \
	X(EPOCH_WRAP, "epoch wrap does not verify")                        \
	X(COMMITMENT, "commitment does not fit the key")                   \
	X(META_TAG, "metadata tag does not verify")                        \
	X(META, "metadata is malformed")                                   \
	X(SIZE, "size is not the one in the metadata")                     \
	X(DIGEST, "digest is not the one in the metadata")                 \
	X(BLOB_MISSING, "missing blob row")                                \
	X(BLOB_UNLINKED, "its chunks are marked for removal")              \
	X(CHUNK_MISSING, "missing")                                        \
	X(CHUNK_UNREADABLE, "cannot be read")                              \
	X(CHUNK_LENGTH, "length is wrong")                                 \
	X(CHUNK_TAG, "tag does not verify")                                \
	X(CHUNK_SURPLUS, "surplus")                                        \
	X(CHUNK_ORPHAN, "chunks without a version")                        \
	X(ANSWER, "does not vouch for this record")                        \
	X(ANSWER_ORPHAN, "names a record that is not there")               \
	X(TOKEN_ORPHAN, "its account is not there")                        \
	X(NO_ACCOUNT, "its account is not there")                          \
	X(KEY_CHAIN, "does not follow the change before it")               \
	X(MESSAGE_BYTES, "its bytes are not those of its row")             \
	X(RESTORED, "the audit log tells of its removal, and it is there") \
	X(HISTORY, "the audit log tells of it, and it is not there")       \
	X(DATABASE, "database")

#define CHECK_FAILURE_ENUM(name, text) CHECK_##name,
enum check_failure { CHECK_FAILURES(CHECK_FAILURE_ENUM) CHECK_FAILURE_COUNT };
#undef CHECK_FAILURE_ENUM

/* "row MAC does not verify" and so on; of a chunk what follows its number. */
const char *check_failure_text(enum check_failure failure);

/* What it is wrong with. */
enum check_subject {
	CHECK_RECORD,	     /* id, versions, chunks */
	CHECK_VERSION_ROW,   /* version: the row's number in its table */
	CHECK_ANSWER_OF,     /* the idempotency row that names record id, version */
	CHECK_KEK_ROW,	     /* id: the first 16 bytes of the KEK's id */
	CHECK_EPOCH_ROW,     /* id */
	CHECK_IDENTITY,	     /* id: the first 16 bytes of the public key */
	CHECK_ACCOUNT,	     /* id */
	CHECK_TOKEN,	     /* id */
	CHECK_DIRECTORY_KEY, /* id: its account; version: its sequence */
	CHECK_INVITE,	     /* id */
	CHECK_MESSAGE,	     /* id */
	CHECK_GRANT,	     /* id: the record */
	CHECK_BLOB,	     /* version: the blob's number */
	CHECK_FILE,	     /* detail */
};

struct check_fault {
	enum check_subject subject;
	enum check_failure failure;
	uint8_t id[16];		    /* zeros: not known */
	uint64_t version;	    /* 0: of none in particular */
	uint64_t version_last;	    /* of a run of versions, else as `version` */
	uint64_t chunk, chunk_last; /* where the failure is of chunks */
	const char *detail;	    /* CHECK_FILE: what SQLite said, or which table; else NULL */
};

enum check_stage { CHECK_STAGE_TABLES, CHECK_STAGE_RECORDS, CHECK_STAGE_AUDIT };

struct check_totals {
	uint64_t records, versions; /* looked at; versions of deleted records are their tombstones */
	uint64_t bytes;		    /* of plaintext that verified */
	uint64_t faults;
};

struct check_options {
	const struct vault *vault;
	unsigned threads; /* 0: one a core */
	/* All may be NULL but `fault`; fault() and progress() are called one at a time. */
	bool (*stop)(void *arg);				   /* on any thread, often: whether to end early */
	void (*fault)(void *arg, const struct check_fault *fault); /* on any thread; borrowed */
	/* On the calling thread, some times a second. `expected`: versions at the start, 0 before it is known; of the
	 * audit log the events that have been looked at. */
	void (*progress)(void *arg, enum check_stage stage, const struct check_totals *totals, uint64_t expected);
	void *arg;
};

/*
 * Returns when all has been looked at, stop() said so (*ret_whole is then false), or the check cannot go on:
 * CORE_NOMEM, CORE_BUSY (the database is locked), CORE_UNAVAILABLE. *ret_totals is set in any case.
 */
MUST_CHECK enum core_status check_run(const struct check_options *options, struct check_totals *ret_totals,
				      bool *ret_whole);

/*
 * The audit log, on the calling thread: its chain, of which the first event that does not fit is a line on `report`;
 * and that no version it tells of was taken out of the store, which no row that is left can tell. Adds to
 * totals->faults. Answers as check_run() does.
 */
MUST_CHECK enum core_status check_audit(const struct check_options *options, FILE *report, struct check_totals *totals,
					bool *ret_whole);

#endif
