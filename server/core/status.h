/* What core/ answers: a closed list, mapped to problems in one switch of api/. */
#ifndef COFFER_CORE_STATUS_H
#define COFFER_CORE_STATUS_H

#include "crypto/status.h"
#include "db/status.h"

enum core_status {
	CORE_OK = 0,
	CORE_NOT_FOUND,	   /* absent, or not this principal's: the same answer */
	CORE_GONE,	   /* deleted; only for those who could read it */
	CORE_DENIED,	   /* no such token, expired, revoked, or its account is disabled */
	CORE_FORBIDDEN,	   /* known, and it may not */
	CORE_PROOF,	   /* a signature is missing, or is not by the key that it should be by */
	CORE_INVITE,	   /* no invite, or none that is good for this name */
	CORE_MAILBOX_FULL, /* the mailbox holds as much as it may */
	CORE_SENDER_QUOTA, /* of this sender it does */
	CORE_STALE,	   /* If-Match does not name the current version */
	CORE_REPLAY,	   /* the Idempotency-Key was used by the same request: its answer is to be given again */
	CORE_KEY_REUSED,   /* the Idempotency-Key was used by another request */
	CORE_DAMAGED,	   /* what is stored does not verify; core/ has noted which check failed */
	CORE_SEALED,	   /* the private half of the KEK is not there */
	CORE_CONFLICT,	   /* what was asked for does not go with how things stand */
	CORE_BUSY,	   /* a queue is full */
	CORE_NO_SPACE,	   /* the disk is nearly full */
	CORE_UNKNOWN,	   /* it is not known whether the write is durable */
	CORE_UNAVAILABLE,  /* the store cannot be read or written */
	CORE_NOMEM,
	CORE_INTERNAL, /* the random generator, or something that cannot happen */
};

/* Exhaustive mappings from below. */
enum core_status core_from_store(enum store_status status);
enum core_status core_from_crypto(enum crypto_status status);

#endif
