/*
 * The store: durable rows of opaque bytes. It knows ids, versions and states; it knows no key, no plaintext and no
 * HTTP.
 *
 * One committer thread owns the only writing connection. Others hand it jobs; it runs the apply() of all that wait in
 * one transaction, commits once, and then calls every done(). Reading goes through views, one a thread.
 */
#ifndef COFFER_DB_STORE_H
#define COFFER_DB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/status.h"

struct store;
struct store_view;
struct store_txn;
struct store_stage;

/* A transaction of the committer's that has ended. */
struct store_commit {
	size_t jobs;
	uint64_t microseconds; /* from its beginning until it was durable */
	bool good;	       /* false: it was rolled back, or it is not known; its jobs run again alone, or fail */
};

struct store_options {
	const char *path;	  /* the database file; made when missing, mode 0600 */
	size_t queue_depth;	  /* jobs that may wait */
	unsigned commit_delay_us; /* how long a commit waits for more jobs, when the one before had several; 0: never */
	size_t stage_bytes;	  /* sealed chunks that may wait, and so the most that one transaction holds of them */
	uint64_t watermark_bytes; /* below this much free space store_space() is STORE_SPACE_LOW */
	uint64_t reserve_bytes;	  /* below this much, STORE_SPACE_NONE */
	/* Called on the committer after the done() of every job of a batch: time to wake those who were answered. May
	 * be NULL. */
	void (*flush)(void *arg);
	/* A line for the operator about what the store found or did by itself (damage, reopening). May be NULL. */
	void (*notice)(void *arg, const char *line);
	/* On the committer after each transaction, before its jobs are answered. May be NULL. */
	void (*committed)(void *committed_arg, const struct store_commit *commit);
	void *committed_arg;
	void *arg; /* for the other two */
};

enum store_space {
	STORE_SPACE_OK,
	STORE_SPACE_LOW,  /* refuse writes, answer reads */
	STORE_SPACE_NONE, /* refuse both: not even an audit row is sure to fit */
};

/*
 * Opens or creates, takes the lock that keeps other processes out, migrates, dooms the blobs that an earlier process
 * staged and never linked, starts the committer and the maintenance thread (checkpoints, sweeping, quick_check).
 * STORE_LOCKED, STORE_CORRUPT, STORE_NEWER, STORE_IO, STORE_NO_SPACE, STORE_NOMEM.
 */
MUST_CHECK enum store_status store_open(const struct store_options *options, struct store **ret_store);

/* Finishes what is queued, checkpoints, closes. Views and stages must be gone. NULL is accepted. */
void store_close(struct store *store);

/* From a figure at most a second old. */
enum store_space store_space(const struct store *store);

/* False once the background integrity check has found damage, or when the database could not be reopened. */
bool store_healthy(const struct store *store);

/*
 * Whether the committer has moved since this was asked last: it does every STORE_PULSE_MS while it has nothing to do,
 * and with every chunk and job while it has. False also while one statement or COMMIT takes long. For one thread.
 */
enum { STORE_PULSE_MS = 250 };
bool store_moved(struct store *store);

/* ---- jobs ------------------------------------------------------------------------------------------------------ */

/*
 * apply: on the committer, inside the batch's transaction. Checks first, then writes. No side effect outside the
 *   transaction but on the job's own memory; it may run twice (after a failure the batch is rolled back and each job
 *   runs again, alone). Anything but STORE_OK means: undo what this job did.
 * done: on the committer, once, when it is known: STORE_OK is durable; STORE_UNKNOWN; or what apply failed with.
 * settled: on the committer, when a transaction ended, before any done(): for memory that follows the database, such
 *   as the head of a chain. committed false: forget what this job's apply() did. May be NULL.
 */
struct store_job {
	enum store_status (*apply)(struct store_job *job, struct store_txn *txn);
	void (*settled)(struct store_job *job, bool committed);
	void (*done)(struct store_job *job, enum store_status outcome);
	struct store_job *next; /* the store's, until done() */
};

/* Queues a job, which the caller keeps alive until done(). STORE_BUSY, STORE_STOPPED: done() will not be called. */
MUST_CHECK enum store_status store_submit(struct store *store, struct store_job *job);

/* Queues a job past the bound and waits for it: for start-up, tools and maintenance, never on a loop. */
MUST_CHECK enum store_status store_run(struct store *store, struct store_job *job);

/* ---- staging: content longer than a chunk, written before its version exists ------------------------------------ */

enum store_stage_result {
	STORE_STAGE_OK,
	STORE_STAGE_FULL,   /* not taken; wake() will be called, once, when there is room */
	STORE_STAGE_FAILED, /* not taken, and none will be: an earlier chunk could not be written */
};

/* Starts a blob. wake: on the committer, after FULL; it may only signal. */
MUST_CHECK enum store_status store_stage_new(struct store *store, void (*wake)(void *arg), void *arg,
					     struct store_stage **ret_stage);
/* Copies and queues chunk `number`, counted from 0 without gaps. */
MUST_CHECK enum store_stage_result store_stage_put(struct store_stage *stage, uint64_t number, const uint8_t *sealed,
						   size_t size);
/* The blob's id, to be linked by store_blob_link() in a job submitted after the last put. */
uint64_t store_stage_id(const struct store_stage *stage);
/* Why STORE_STAGE_FAILED. */
enum store_status store_stage_failure(const struct store_stage *stage);
/* Frees the handle. Unless the blob has been linked it is doomed: the sweeper removes it. NULL is accepted. */
void store_stage_free(struct store_stage *stage);

/* ---- rows ------------------------------------------------------------------------------------------------------- */

/* Bytes that somebody else owns. */
struct store_bytes {
	const uint8_t *data;
	size_t size;
};

enum store_version_state {
	STORE_VERSION_CURRENT = 1,
	STORE_VERSION_SUPERSEDED = 2,
	STORE_VERSION_TOMBSTONE = 3, /* the record is deleted; keys are gone, remnants may linger in the file */
	STORE_VERSION_SHREDDED = 4,  /* a tombstone after the TRUNCATE checkpoint */
};

/* What wraps a version's DEK. It is rewritten by itself, and has a MAC of its own. */
struct store_wrap {
	uint8_t kek_id[32];
	uint64_t revision;	  /* counts the times this was written, from 1 */
	struct store_bytes rsa;	  /* by the KEK; empty when there is no DEK, as in a tombstone: all else is 0 then */
	uint8_t mac[32];	  /* of record id, version, and the above */
	struct store_bytes epoch; /* by an epoch key: not covered by `mac`, a cache, which may be empty */
};

/*
 * A version of a record. The latest decides: one of a record's rows is CURRENT, or a tombstone, and it is the one with
 * the highest number. All columns but `wrap` and `inline_chunk` are meant to be covered by `mac`, in the order below.
 * Lists leave those two empty.
 */
struct store_version {
	uint8_t record_id[16];
	uint64_t version;
	uint64_t revision; /* counts the times this row was written, from 1 */
	uint8_t state;	   /* enum store_version_state, as found: the reader of a row checks it */
	uint8_t suite;
	uint8_t owner[16];
	uint64_t size;
	int64_t created_ms; /* Unix time */
	int64_t changed_ms; /* when `state` last changed */
	uint8_t content_nonce[8];
	uint8_t meta_nonce[16];
	uint8_t commitment[32];
	uint64_t blob_id; /* 0: the content is inline */
	struct store_bytes meta;
	uint8_t mac[32];
	struct store_wrap wrap; /* of its DEK */
	struct store_bytes inline_chunk;
};

struct store_epoch {
	uint8_t epoch_id[16];
	uint8_t kek_id[32];
	uint64_t revision;
	int64_t created_ms;
	uint64_t reserved; /* wraps that may have been made under it */
	struct store_bytes wrap;
	uint8_t mac[32];
};

struct store_kek {
	uint8_t kek_id[32];
	uint64_t revision;
	uint8_t state; /* 1: current, 2: retired */
	int64_t created_ms;
	struct store_bytes spki;
	uint8_t mac[32];
};

struct store_account {
	uint8_t account_id[16];
	uint64_t revision;
	uint8_t state; /* 1: active, 2: disabled */
	uint32_t scopes;
	int64_t created_ms;
	struct store_bytes name; /* UTF-8 */
	uint8_t mac[32];
};

struct store_token {
	uint8_t token_id[16];
	uint64_t revision;
	uint8_t state; /* 1: active, 2: revoked */
	uint8_t hash[32];
	uint8_t account_id[16];
	uint32_t scopes;
	int64_t created_ms;
	int64_t expires_ms; /* 0: never */
	struct store_bytes description;
	int64_t idle_ms; /* a session: it ends when it has not been used for so long; 0: it does not */
	int64_t used_ms; /* its last use that was written down */
	uint8_t mac[32];
};

enum store_key_change {
	STORE_KEY_ADDED = 1,
	STORE_KEY_REPLACED = 2,
	STORE_KEY_REMOVED = 3, /* without spki and signatures */
};

/*
 * A change of the key that a name stands for; the one with the highest sequence counts, and none is ever written again.
 * All columns are meant to be covered by `mac`, in the order below. What `authority` and `hash` mean is the caller's.
 */
struct store_directory_key {
	struct store_bytes name; /* ASCII */
	uint64_t sequence;	 /* from 1, without gaps */
	uint8_t account_id[16];
	uint8_t change; /* enum store_key_change, as found */
	uint8_t authority;
	int64_t created_ms;
	struct store_bytes spki;
	struct store_bytes signature;
	struct store_bytes old_signature;
	struct store_bytes origin;
	uint8_t previous[32];
	uint8_t hash[32];
	uint8_t mac[32];
};

enum store_invite_state { STORE_INVITE_OPEN = 1, STORE_INVITE_USED = 2, STORE_INVITE_REVOKED = 3 };

struct store_invite {
	uint8_t invite_id[16];
	uint64_t revision;
	uint8_t state; /* enum store_invite_state, as found */
	uint8_t hash[32];
	struct store_bytes name;
	uint32_t scopes; /* of the account that it makes */
	int64_t created_ms;
	int64_t expires_ms;
	uint8_t made_by[16]; /* accounts; used_by is zeros until then */
	uint8_t used_by[16];
	uint8_t mac[32];
};

/* What an account that does not own a record may do with it. */
struct store_grant {
	uint8_t record_id[16];
	uint8_t account_id[16];
	uint64_t revision;
	uint8_t state; /* 1: active, 2: withdrawn */
	uint8_t rights;
	int64_t created_ms, changed_ms;
	uint8_t mac[32];
};

enum store_message_state {
	STORE_MESSAGE_KEPT = 1,
	STORE_MESSAGE_ACKNOWLEDGED = 2, /* its bytes are gone; remnants may linger in the file */
	STORE_MESSAGE_EXPIRED = 3,	/* the same */
};

/* A message in a mailbox. All columns but `body` are meant to be covered by `mac`, in the order below. */
struct store_message {
	uint8_t message_id[16]; /* in the order of commits */
	uint8_t mailbox[16];	/* accounts */
	uint8_t sender[16];
	struct store_bytes sender_name;
	uint64_t revision;
	uint8_t state; /* enum store_message_state, as found */
	uint8_t kind;  /* the caller's */
	int64_t received_ms, expires_ms;
	int64_t changed_ms; /* when `state` last changed */
	uint64_t size;	    /* of `body` while it is kept */
	uint8_t digest[32]; /* of that */
	uint8_t recipient_key[32];
	struct store_bytes sender_key, signature, session; /* each may be empty */
	uint8_t mac[32];
	struct store_bytes body; /* only where it says so; else empty */
};

/* How much lies in a mailbox: of one sender, or (sender zeros) in all. */
struct store_mailbox_count {
	uint64_t messages, bytes;
};

struct store_idempotency {
	uint8_t key_mac[32];
	uint8_t body_mac[32];
	uint8_t record_id[16]; /* or a message's */
	uint64_t version;      /* 0: of a message */
	int64_t created_ms;
};

/* ---- views: reading --------------------------------------------------------------------------------------------- */

/* A reading connection for one thread; free it on that thread before store_close(). */
MUST_CHECK enum store_status store_view_new(struct store *store, struct store_view **ret_view);
void store_view_free(struct store_view *view);

/*
 * Between these, all reads see one state of the database. Keep it short: no network in between. Without them each
 * read stands alone. A view that belongs to a transaction (store_txn_view) needs neither.
 */
MUST_CHECK enum store_status store_view_begin(struct store_view *view);
void store_view_end(struct store_view *view);

/*
 * Lets the view's snapshots outlive store_view_end(): the next store_view_begin() finds the same one, and so the pages
 * that are cached for it, unless this store has committed something meanwhile, other than to the audit log, or `ms`
 * have passed (0: it does not linger). For a view that reads records and who may read them, and always between those
 * two calls; one that reads the log would miss its last events.
 */
void store_view_linger(struct store_view *view, unsigned ms);
/*
 * Ends a snapshot that outlived its store_view_end() and is due. The milliseconds until the next call, or -1 when
 * there is none left: one that is kept for longer keeps the write-ahead log from being emptied.
 */
int store_view_rest(struct store_view *view);

/*
 * The rows that these return are copies on the heap, in one piece with the bytes they point to; free() gives one back.
 * STORE_NOT_FOUND, STORE_CORRUPT (also for a column whose length is not what its struct says), STORE_IO, STORE_NOMEM.
 */
MUST_CHECK enum store_status store_version_latest(struct store_view *view, const uint8_t record_id[static 16],
						  struct store_version **ret_version);
MUST_CHECK enum store_status store_version_get(struct store_view *view, const uint8_t record_id[static 16],
					       uint64_t version, struct store_version **ret_version);
MUST_CHECK enum store_status store_epoch_get(struct store_view *view, const uint8_t epoch_id[static 16],
					     struct store_epoch **ret_epoch);
/* The one of this KEK that was made last. */
MUST_CHECK enum store_status store_epoch_latest(struct store_view *view, const uint8_t kek_id[static 32],
						struct store_epoch **ret_epoch);
MUST_CHECK enum store_status store_kek_get(struct store_view *view, const uint8_t kek_id[static 32],
					   struct store_kek **ret_kek);
MUST_CHECK enum store_status store_kek_current(struct store_view *view, struct store_kek **ret_kek);
MUST_CHECK enum store_status store_account_get(struct store_view *view, const uint8_t account_id[static 16],
					       struct store_account **ret_account);
MUST_CHECK enum store_status store_account_by_name(struct store_view *view, const char *name,
						   struct store_account **ret_account);
MUST_CHECK enum store_status store_token_by_hash(struct store_view *view, const uint8_t hash[static 32],
						 struct store_token **ret_token);
MUST_CHECK enum store_status store_token_get(struct store_view *view, const uint8_t token_id[static 16],
					     struct store_token **ret_token);
/* Any active session of an account. */
MUST_CHECK enum store_status store_token_session(struct store_view *view, const uint8_t account_id[static 16],
						 struct store_token **ret_token);
/* The last change of a name's key. */
MUST_CHECK enum store_status store_directory_latest(struct store_view *view, const char *name,
						    struct store_directory_key **ret_key);
MUST_CHECK enum store_status store_invite_get(struct store_view *view, const uint8_t invite_id[static 16],
					      struct store_invite **ret_invite);
MUST_CHECK enum store_status store_invite_by_hash(struct store_view *view, const uint8_t hash[static 32],
						  struct store_invite **ret_invite);
MUST_CHECK enum store_status store_idempotency_get(struct store_view *view, const uint8_t key_mac[static 32],
						   struct store_idempotency *ret_row);

/* A chunk of a blob, copied to ret_bytes; STORE_CORRUPT when it is longer than `cap`. */
MUST_CHECK enum store_status store_chunk_get(struct store_view *view, uint64_t blob_id, uint64_t number,
					     uint8_t *ret_bytes, size_t cap, size_t *ret_size);

/* Small named values: the store id, the schema's birthday. At most `cap` bytes, else STORE_CORRUPT. */
MUST_CHECK enum store_status store_setting_get(struct store_view *view, const char *name, void *ret_bytes, size_t cap,
					       size_t *ret_size);

/*
 * Walks call `each` for rows in order until it returns false or the rows end; the row is borrowed, for the call only,
 * and the view must not be used within it. `after` NULL or 0: from the start. inline_chunk is left empty.
 */
typedef bool store_version_visit(void *arg, const struct store_version *row);

/* CURRENT versions of an owner's records, by record id, `after` excluded. */
MUST_CHECK enum store_status store_record_list(struct store_view *view, const uint8_t owner[static 16],
					       const uint8_t *after, size_t limit, store_version_visit *each,
					       void *arg);
/* Versions of one record, oldest first, `after` excluded. */
MUST_CHECK enum store_status store_version_list(struct store_view *view, const uint8_t record_id[static 16],
						uint64_t after, size_t limit, store_version_visit *each, void *arg);
/* Records in state TOMBSTONE, deleted not after `until_ms`: those that await the TRUNCATE checkpoint. */
MUST_CHECK enum store_status store_tombstone_list(struct store_view *view, int64_t until_ms, size_t limit,
						  store_version_visit *each, void *arg);
/* Accounts and tokens by id, `after` excluded. */
typedef bool store_account_visit(void *arg, const struct store_account *row);
typedef bool store_token_visit(void *arg, const struct store_token *row);
MUST_CHECK enum store_status store_account_list(struct store_view *view, const uint8_t *after, size_t limit,
						store_account_visit *each, void *arg);
MUST_CHECK enum store_status store_token_list(struct store_view *view, const uint8_t *after, size_t limit,
					      store_token_visit *each, void *arg);
/* Tokens of one account. */
MUST_CHECK enum store_status store_token_of_account(struct store_view *view, const uint8_t account_id[static 16],
						    const uint8_t *after, size_t limit, store_token_visit *each,
						    void *arg);
/* Names that have a key, by name, `after` ("" from the start) excluded: the last change of each. */
typedef bool store_directory_visit(void *arg, const struct store_directory_key *row);
MUST_CHECK enum store_status store_directory_list(struct store_view *view, const char *after, size_t limit,
						  store_directory_visit *each, void *arg);
/* Changes of one name's key, oldest first, `after` excluded. */
MUST_CHECK enum store_status store_directory_history(struct store_view *view, const char *name, uint64_t after,
						     size_t limit, store_directory_visit *each, void *arg);
/* Every change of every name's key, by name and then oldest first. */
MUST_CHECK enum store_status store_directory_walk(struct store_view *view, store_directory_visit *each, void *arg);
/* Invites by id, `after` (NULL: from the start) excluded. */
typedef bool store_invite_visit(void *arg, const struct store_invite *row);
MUST_CHECK enum store_status store_invite_list(struct store_view *view, const uint8_t *after, size_t limit,
					       store_invite_visit *each, void *arg);
/* With its body, in any state. */
MUST_CHECK enum store_status store_message_get(struct store_view *view, const uint8_t message_id[static 16],
					       struct store_message **ret_message);
typedef bool store_message_visit(void *arg, const struct store_message *row);
/* Kept messages of a mailbox that have not expired by `now_ms`, by id, `after` (NULL: from the start) excluded. */
MUST_CHECK enum store_status store_message_list(struct store_view *view, const uint8_t mailbox[static 16],
						const uint8_t *after, int64_t now_ms, size_t limit,
						store_message_visit *each, void *arg);
/* Kept messages that have expired by `now_ms`; messages that were removed by then. */
MUST_CHECK enum store_status store_message_due(struct store_view *view, int64_t now_ms, size_t limit,
					       store_message_visit *each, void *arg);
MUST_CHECK enum store_status store_message_removed(struct store_view *view, int64_t until_ms, size_t limit,
						   store_message_visit *each, void *arg);
/* All messages with their bodies, by id, `after` (NULL: from the start) excluded. */
MUST_CHECK enum store_status store_message_walk(struct store_view *view, const uint8_t *after, size_t limit,
						store_message_visit *each, void *arg);
MUST_CHECK enum store_status store_grant_get(struct store_view *view, const uint8_t record_id[static 16],
					     const uint8_t account_id[static 16], struct store_grant *ret_grant);
typedef bool store_grant_visit(void *arg, const struct store_grant *row);
/* Of one record, by account, `after` (NULL: from the start) excluded; all there are. */
MUST_CHECK enum store_status store_grant_list(struct store_view *view, const uint8_t record_id[static 16],
					      const uint8_t *after, size_t limit, store_grant_visit *each, void *arg);
MUST_CHECK enum store_status store_grant_walk(struct store_view *view, store_grant_visit *each, void *arg);
/* Zeros when nothing was ever counted. */
MUST_CHECK enum store_status store_mailbox_count(struct store_view *view, const uint8_t mailbox[static 16],
						 const uint8_t sender[static 16],
						 struct store_mailbox_count *ret_count);
/* All KEKs by id. */
typedef bool store_kek_visit(void *arg, const struct store_kek *row);
typedef bool store_epoch_visit(void *arg, const struct store_epoch *row);
MUST_CHECK enum store_status store_epoch_list(struct store_view *view, store_epoch_visit *each, void *arg);
MUST_CHECK enum store_status store_kek_list(struct store_view *view, store_kek_visit *each, void *arg);
/* Version rows in all, for progress. */
MUST_CHECK enum store_status store_version_count(struct store_view *view, uint64_t *ret_count);

/* ---- for `coffer check` (db/walk.c) -------------------------------------------------------------------------------
 */

/* Ids of at most `limit` records, deleted ones too, in order after `after` (NULL: from the start). */
MUST_CHECK enum store_status store_record_walk(struct store_view *view, const uint8_t *after, size_t limit,
					       uint8_t (*ret_ids)[16], size_t *ret_count);
/* The highest record id. STORE_NOT_FOUND: there is no record. */
MUST_CHECK enum store_status store_record_last(struct store_view *view, uint8_t ret_id[static 16]);
/* The number of a record's latest version. STORE_NOT_FOUND: no row of it is there. */
MUST_CHECK enum store_status store_record_version(struct store_view *view, const uint8_t record_id[static 16],
						  uint64_t *ret_version);
/* The number of the last change of an account's key. STORE_NOT_FOUND: no row of it is there. */
MUST_CHECK enum store_status store_directory_sequence(struct store_view *view, const uint8_t account_id[static 16],
						      uint64_t *ret_sequence);
/* A message's enum store_message_state, as found. STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_message_state(struct store_view *view, const uint8_t message_id[static 16],
						 uint8_t *ret_state);
/* At most `limit` rows in order of key_mac, after `after` (NULL: from the start). */
MUST_CHECK enum store_status store_idempotency_walk(struct store_view *view, const uint8_t *after, size_t limit,
						    struct store_idempotency *ret_rows, size_t *ret_count);
/* *ret_linked: some version owns it, as far as its own row tells. STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_blob_get(struct store_view *view, uint64_t blob_id, bool *ret_linked,
					    uint64_t *ret_chunks);

enum store_orphan {
	STORE_ORPHAN_WRAP_KEK, /* record id, version: its wrap is under a KEK that is not there */
	STORE_ORPHAN_VERSION,  /* zeros, row number: what should be its record's id cannot be one */
	STORE_ORPHAN_OWNER,    /* record id, version: its owner is no account */
	STORE_ORPHAN_TOKEN,    /* token id, 0: its account is not there */
	STORE_ORPHAN_KEY,      /* account id, sequence: a key in the directory of an account that is not there */
	STORE_ORPHAN_GRANT,    /* record id, 0: a grant to an account that is not there */
	STORE_ORPHAN_ANSWER,   /* record id, version: an idempotency row names a record that is not there */
	STORE_ORPHAN_BLOB,     /* zeros, blob id: linked, yet no version names it */
	STORE_ORPHAN_CHUNK,    /* zeros, blob id: there are chunks of it, but no blob */
	STORE_ORPHAN_KINDS,
};
/* Rows that lack what they belong to. Scans tables whole. The view must not be used within the call. */
typedef void store_orphan_visit(void *arg, enum store_orphan kind, const uint8_t id[static 16], uint64_t number);
MUST_CHECK enum store_status store_orphan_list(struct store_view *view, enum store_orphan kind,
					       store_orphan_visit *each, void *arg);

/*
 * SQLite's own check of pages and indexes (not of constraints, on a view); minutes on a large file. `each` gets a line
 * for each finding, which holds names of tables and numbers of pages and rows, never contents.
 */
MUST_CHECK enum store_status store_integrity(struct store_view *view, void (*each)(void *arg, const char *line),
					     void *arg);

/* From any thread: what the view is reading ends with STORE_BUSY. Does nothing when it reads nothing. */
void store_view_interrupt(struct store_view *view);

/* ---- transactions: writing, only inside apply() ------------------------------------------------------------------ */

/* The transaction's own view: it sees what the transaction wrote. Borrowed. */
struct store_view *store_txn_view(struct store_txn *txn);

/* Inserts: STORE_CONFLICT when the key is taken. */
MUST_CHECK enum store_status store_version_insert(struct store_txn *txn, const struct store_version *row);
/* Replaces the epoch wrap of a version, if it is still wrapped for the same KEK. STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_version_set_epoch_wrap(struct store_txn *txn, const struct store_version *row,
							  struct store_bytes epoch_wrap);
MUST_CHECK enum store_status store_epoch_insert(struct store_txn *txn, const struct store_epoch *row);
/* Writes revision, reserved and mac. STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_epoch_update(struct store_txn *txn, const struct store_epoch *row);
MUST_CHECK enum store_status store_kek_insert(struct store_txn *txn, const struct store_kek *row);
MUST_CHECK enum store_status store_account_insert(struct store_txn *txn, const struct store_account *row);
MUST_CHECK enum store_status store_token_insert(struct store_txn *txn, const struct store_token *row);
MUST_CHECK enum store_status store_directory_insert(struct store_txn *txn, const struct store_directory_key *row);
MUST_CHECK enum store_status store_invite_insert(struct store_txn *txn, const struct store_invite *row);
/* Inserts, or replaces all but the key and created_ms. */
MUST_CHECK enum store_status store_grant_put(struct store_txn *txn, const struct store_grant *row);
/* Also counts it. */
MUST_CHECK enum store_status store_message_insert(struct store_txn *txn, const struct store_message *row);
MUST_CHECK enum store_status store_idempotency_insert(struct store_txn *txn, const struct store_idempotency *row);
MUST_CHECK enum store_status store_setting_put(struct store_txn *txn, const char *name, const void *bytes, size_t size);

/* Writes state, revision, changed_ms and mac of the row with this id and version. STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_version_update(struct store_txn *txn, const struct store_version *row);
/* Writes revision, state, scopes and mac. STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_account_update(struct store_txn *txn, const struct store_account *row);
/* Writes every column but the key. STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_token_update(struct store_txn *txn, const struct store_token *row);

/* Writes revision, state, used_by and mac. STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_invite_update(struct store_txn *txn, const struct store_invite *row);
/* Removes sessions whose expiry lies before `before_ms`, at most `limit`; *ret_count: how many. */
MUST_CHECK enum store_status store_token_expire(struct store_txn *txn, int64_t before_ms, size_t limit,
						uint64_t *ret_count);

/* Writes revision, state, changed_ms and mac of a kept message, and drops its bytes and its counts. STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_message_remove(struct store_txn *txn, const struct store_message *row);
/* Drops the row of a message that was removed. STORE_NOT_FOUND. */
MUST_CHECK enum store_status store_message_delete(struct store_txn *txn, const uint8_t message_id[static 16]);

/* Makes a staged blob of exactly `chunks` chunks part of the store. STORE_NOT_FOUND when that is not what was staged.
 */
MUST_CHECK enum store_status store_blob_link(struct store_txn *txn, uint64_t blob_id, uint64_t chunks);

/* Removes every meta, wrap and inline chunk of a record's versions, dooms their blobs, and removes the version rows. */
MUST_CHECK enum store_status store_record_erase(struct store_txn *txn, const uint8_t record_id[static 16]);

/* Removes idempotency rows made before `before_ms`, at most `limit`; *ret_count: how many. */
MUST_CHECK enum store_status store_idempotency_expire(struct store_txn *txn, int64_t before_ms, size_t limit,
						      uint64_t *ret_count);

/* ---- care -------------------------------------------------------------------------------------------------------- */

/*
 * A TRUNCATE checkpoint on the committer, waited for: afterwards no page image older than this call is in the WAL.
 * STORE_BUSY when a reader did not let go in time.
 */
MUST_CHECK enum store_status store_checkpoint_truncate(struct store *store);

/*
 * Reads a database without writing to it: no lock, no threads, only views. For `coffer check` and `audit verify`. In a
 * directory that may be written SQLite still makes or keeps the -shm file beside it, which holds no data.
 */
MUST_CHECK enum store_status store_open_readonly(const char *path, struct store **ret_store);

#endif
