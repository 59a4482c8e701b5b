/*
 * Mailboxes: sealed messages between accounts, as opaque bytes (FORMATS §4). Reading never consumes; the owner
 * acknowledges, or the message expires: then its bytes go, and its row after a checkpoint has taken the remnants out of
 * the log.
 */
#ifndef COFFER_CORE_MAILBOX_H
#define COFFER_CORE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "crypto/rsakey.h"
#include "db/store.h"
#include "server/core/account.h"
#include "server/core/directory.h"
#include "server/core/inflight.h"
#include "server/core/status.h"
#include "server/core/vault.h"

/* Stored: never renumbered. */
enum mailbox_kind {
	MAILBOX_SEALED = 1,
	MAILBOX_SESSION = 2, /* continues an earlier message, which it names */
};

struct mailbox_limits {
	uint64_t messages, bytes;		/* in a mailbox */
	uint64_t sender_messages, sender_bytes; /* of one sender in it */
};

/* What is known of a message beside its bytes. */
struct mailbox_entry {
	uint8_t id[16];
	char from[DIRECTORY_NAME_MAX + 1];
	enum mailbox_kind kind;
	int64_t received_ms, expires_ms;
	uint64_t size;
	uint8_t digest[DIGEST_SIZE];	    /* SHA-256 of the bytes */
	uint8_t recipient_key[DIGEST_SIZE]; /* fingerprints, at the time of the deposit */
	bool has_sender_key;
	uint8_t sender_key[DIGEST_SIZE];
	bool has_session;
	uint8_t session[DIGEST_SIZE]; /* SHA-256 of the sealed message that began it */
	size_t signature_size;	      /* 0: not signed */
	uint8_t signature[RSAKEY_MAX_SIZE];
};

/* Of a row that verified; false for one that coffer would not have written. */
MUST_CHECK bool mailbox_entry_of(const struct store_message *row, struct mailbox_entry *ret_entry);

/* ---- deposits -----------------------------------------------------------------------------------------------------
 */

/* The caller fills in the first part, and owns what it points to. */
struct mailbox_deposit {
	const struct vault *vault;
	const struct principal *sender;
	const struct mailbox_limits *limits;
	const uint8_t *bytes;
	size_t size;
	const char *idempotency_key; /* NULL: none */
	struct inflight *inflight;
	int64_t ttl_ms;
	struct mailbox_entry entry; /* kind, session and signature; the rest comes from below */

	/* mailbox_deposit_prepare() fills in the rest. */
	char to[DIRECTORY_NAME_MAX + 1];
	uint8_t mailbox[16];
	struct rsakey_public *recipient;
	size_t modulus_size; /* of the recipient's key */
	struct inflight_entry inflight_entry;
	uint8_t request[DIGEST_SIZE];
};

/* What keeps a message out; MAILBOX_GOOD: nothing does. */
enum mailbox_verdict { MAILBOX_GOOD, MAILBOX_TOO_SHORT, MAILBOX_BAD_SIGNATURE, MAILBOX_NO_SENDER_KEY };

/* On a loop, with the owner's name. CORE_NOT_FOUND: the name has no key. */
MUST_CHECK enum core_status mailbox_find(const struct vault *vault, struct store_view *view, const char *name,
					 struct mailbox_deposit *deposit);
/*
 * On a loop, once the bytes are there: looks at the length, the signature (a public RSA operation), and enters the
 * Idempotency-Key. CORE_BUSY: a request with that key is being worked on.
 */
MUST_CHECK enum core_status mailbox_deposit_prepare(struct mailbox_deposit *deposit, struct store_view *view,
						    enum mailbox_verdict *ret_verdict);
/* Inside apply(). CORE_REPLAY, CORE_KEY_REUSED; CORE_GONE: a replay of what has been removed; CORE_MAILBOX_FULL,
 * CORE_SENDER_QUOTA. */
MUST_CHECK enum store_status mailbox_deposit_apply(struct mailbox_deposit *deposit, struct store_txn *txn,
						   enum core_status *ret_result);
void mailbox_deposit_done(struct mailbox_deposit *deposit);

/*
 * What a request with the same Idempotency-Key must say to be the same: SHA-256 of lp("message") ‖ lp(mailbox) ‖
 * u8 kind ‖ lp(session) ‖ digest of the bytes. session: empty or 32 bytes.
 */
void mailbox_request(const uint8_t mailbox[static 16], enum mailbox_kind kind, struct store_bytes session,
		     const uint8_t digest[static DIGEST_SIZE], uint8_t ret_request[static DIGEST_SIZE]);

/* ---- the owner ----------------------------------------------------------------------------------------------------
 */

/* CORE_NOT_FOUND unless the name is the principal's own; ret_name: as it is written. */
MUST_CHECK enum core_status mailbox_own(const struct vault *vault, struct store_view *view, const char *name,
					const struct principal *principal,
					char ret_name[static DIRECTORY_NAME_MAX + 1]);
/* At most `limit`, oldest first, after `after` (NULL: from the start). CORE_DAMAGED. */
MUST_CHECK enum core_status mailbox_list(const struct vault *vault, struct store_view *view,
					 const struct principal *owner, const uint8_t *after, size_t limit,
					 struct mailbox_entry *ret_entries, size_t *ret_count);
/* *ret_bytes: on the heap. CORE_NOT_FOUND: not there, or another's. CORE_DAMAGED: row or bytes do not verify. */
MUST_CHECK enum core_status mailbox_read(const struct vault *vault, struct store_view *view,
					 const struct principal *owner, const uint8_t id[static 16],
					 struct mailbox_entry *ret_entry, uint8_t **ret_bytes);
/* Inside apply(). CORE_NOT_FOUND. */
MUST_CHECK enum store_status mailbox_acknowledge_apply(const struct vault *vault, struct store_txn *txn,
						       const struct principal *owner, const uint8_t id[static 16],
						       enum core_status *ret_result);

/* ---- care ---------------------------------------------------------------------------------------------------------
 */

/* Removes some messages that have expired; each is an audit event. *ret_count: how many. Waits for the store. */
MUST_CHECK enum core_status mailbox_expire(const struct vault *vault, struct store_view *view, uint64_t *ret_count);
/* After a TRUNCATE checkpoint, drops some rows of removed messages; each is an audit event. */
MUST_CHECK enum core_status mailbox_shred(const struct vault *vault, struct store_view *view, uint64_t *ret_count);

#endif
