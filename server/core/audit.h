/*
 * The audit log (FORMATS §6): who did what, in a chain that whoever edits the database cannot recompute.
 * hash = SHA-256(previous hash ‖ event), the first previous hash being 32 zeros; mac = HMAC(audit key, hash).
 * An event is written in the transaction of what it tells of.
 */
#ifndef COFFER_CORE_AUDIT_H
#define COFFER_CORE_AUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "db/audit.h"
#include "db/store.h"
#include "server/core/status.h"
#include "server/core/vault.h"

enum audit_action {
	AUDIT_STORE_CREATED = 1,
	AUDIT_RECORD_CREATE = 2,
	AUDIT_RECORD_READ = 3,
	AUDIT_RECORD_REPLACE = 4,
	AUDIT_RECORD_DELETE = 5,
	AUDIT_RECORD_SHREDDED = 6,
	AUDIT_RECORD_LIST = 7,
	AUDIT_RECORD_VERSIONS = 8,
	AUDIT_RECORD_INTERRUPTED = 9, /* a read's stored bytes failed to verify on the way out, or the way was cut */
	AUDIT_UNSEAL = 10,
	AUDIT_SEAL = 11,
	AUDIT_KEY_PUT = 12, /* object: the account; version: the sequence of the change */
	AUDIT_KEY_READ = 13,
	AUDIT_KEY_REMOVE = 14,
	AUDIT_KEY_LIST = 15,
	AUDIT_KEY_HISTORY = 16,
	AUDIT_LOGIN = 17,
	AUDIT_LOGOUT = 18,
	AUDIT_INVITE_CREATE = 19,   /* object: the invite */
	AUDIT_MESSAGE_DEPOSIT = 20, /* object: the message, as of the next but the listing */
	AUDIT_MESSAGE_LIST = 21,
	AUDIT_MESSAGE_READ = 22,
	AUDIT_MESSAGE_ACKNOWLEDGE = 23,
	AUDIT_MESSAGE_EXPIRED = 24,
	AUDIT_MESSAGE_SHREDDED = 25,
	AUDIT_INVITE_LIST = 30,
	AUDIT_INVITE_REVOKE = 31,
	AUDIT_LOG_READ = 32, /* object: the record that was asked about */
	AUDIT_LOG_CHECKPOINT = 33,
	AUDIT_ACCOUNT_CREATE = 34, /* object: the account */
	AUDIT_ACCOUNT_CHANGE = 35,
	AUDIT_ACCOUNT_READ = 36,
	AUDIT_ACCOUNT_LIST = 37,
	AUDIT_TOKEN_CREATE = 38, /* object: the token */
	AUDIT_TOKEN_LIST = 39,
	AUDIT_TOKEN_REVOKE = 40,
	AUDIT_GRANT_PUT = 41, /* object: the record */
	AUDIT_GRANT_REVOKE = 42,
	AUDIT_GRANT_LIST = 43,
	AUDIT_RECORD_BREAK_GLASS = 44, /* a read that only the emergency allows; there is a reason (reason.h) */
	AUDIT_REFUSED = 45, /* requests without an account from `peer`; version: how many; revision: the Unix minute */
	AUDIT_SESSION_READ = 46,    /* somebody asked who he is here */
	AUDIT_IDENTITY_ROTATE = 47, /* the key that signs receipts and checkpoints */
	AUDIT_STATUS_READ = 60,	    /* refused: to an account that may not see how the service is */
};

/* The name in listings ("record.read"), or NULL for a number that is no action. */
const char *audit_action_name(unsigned action);

struct audit_event {
	int64_t time_ms;
	uint8_t account_id[16]; /* zeros: the server itself */
	uint8_t token_id[16];
	char peer[46]; /* the source address as text; empty for the server itself */
	enum audit_action action;
	uint8_t object_id[16]; /* zeros: none */
	uint64_t version;      /* 0: none */
	uint64_t revision;     /* 0: none */
	unsigned outcome;      /* the HTTP status answered; 0 for the server's own acts */
	uint8_t request_id[16];
	bool has_note;	  /* something is kept beside it, */
	uint8_t note[32]; /* and this is its SHA-256 */
};

/* The chain's head in memory. Only the committer's thread may use it, once the vault is open, but for audit_head(). */
MUST_CHECK enum core_status audit_chain_new(struct store_view *view, const struct vault *vault,
					    struct audit_chain **ret_chain);
/* Any thread: the last event that is durable, zeros when there is none. */
void audit_head(const struct vault *vault, uint64_t *ret_sequence, uint8_t ret_hash[static 32]);
/* Whether nothing has ever been appended. */
bool audit_chain_is_empty(const struct audit_chain *chain);
void audit_chain_free(struct audit_chain *chain);

/* Inside apply(): appends one event. The head moves for the transaction only. */
MUST_CHECK enum store_status audit_append(const struct vault *vault, struct store_txn *txn,
					  const struct audit_event *event);

/* Inside apply(), after audit_append(): the number of the event. */
uint64_t audit_appended(const struct vault *vault);

/* In settled(): keeps what the transaction appended, or forgets it. Calling it again does no harm. */
void audit_settled(const struct vault *vault, bool committed);

/* Encodes an event; returns its size, at most AUDIT_EVENT_MAX. */
enum { AUDIT_EVENT_MAX = 256 };
size_t audit_encode(uint64_t sequence, const struct audit_event *event, uint8_t ret_bytes[static AUDIT_EVENT_MAX]);
/* False when the bytes are not exactly one event. */
bool audit_decode(const uint8_t *bytes, size_t size, uint64_t *ret_sequence, struct audit_event *ret_event);

/* Whether a row is the event that follows the one with this hash, and was written by this store. */
enum audit_fit {
	AUDIT_FITS,
	AUDIT_NO_EVENT,	 /* its bytes are none */
	AUDIT_MISPLACED, /* it is another's */
	AUDIT_ALTERED,	 /* its hash does not follow */
	AUDIT_FOREIGN,	 /* its MAC is wrong */
};
MUST_CHECK enum audit_fit audit_fit(const struct vault *vault, const uint8_t previous[static 32],
				    const struct store_audit_event *row, struct audit_event *ret_event);

struct audit_watch {
	bool (*progress)(void *arg, uint64_t done); /* may be NULL: now and then; false ends the walk, CORE_BUSY */
	/* May be NULL: each event that verified. The view must not be used within. */
	void (*event)(void *arg, uint64_t sequence, const struct audit_event *event);
	void *arg;
};

/*
 * Walks the whole chain (audit_verify.c), first through the files of the archive and then through the database, and
 * writes a line to `report` for the first event that does not fit. Behind a segment that is lost or damaged it goes on
 * where the next begins, with a line for each. *ret_count: events that verified; *ret_good: whether all did. `watch`
 * may be NULL.
 */
MUST_CHECK enum core_status audit_verify(struct store_view *view, const struct vault *vault, FILE *report,
					 const struct audit_watch *watch, uint64_t *ret_count, bool *ret_good);

#endif
