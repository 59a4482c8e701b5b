/*
 * Receipts: what the server signs of every write of a record, so that whoever wrote can prove it later. Writes that are
 * committed together are leaves of one Merkle tree (RFC 9162 §2.1: leaf = SHA-256(0x00 ‖ claim), node = SHA-256(0x01 ‖
 * left ‖ right)), whose root is signed once: an Ed25519 signature for each would cost a third of a write.
 *
 * claim: lp("coffer-receipt-v1") ‖ store id ‖ record id ‖ u64 version ‖ SHA-256 of the content ‖ u64 stream (0) ‖
 * u64 audit sequence ‖ u64 time in ms. The digest of a deletion is 32 zeros.
 * signed: lp("coffer-receipt-root-v1") ‖ store id ‖ SHA-256 of the public key ‖ u32 number of leaves ‖ root.
 */
#ifndef COFFER_CORE_RECEIPT_H
#define COFFER_CORE_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "crypto/identity.h"
#include "server/core/status.h"
#include "server/core/vault.h"

enum {
	RECEIPT_PATH_MAX = 24,	 /* levels: 2^24 leaves */
	RECEIPT_TEXT_MAX = 2048, /* terminator included */
};

struct receipt {
	uint8_t store_id[16], record_id[16];
	uint64_t version;
	uint8_t sha256[DIGEST_SIZE];
	uint64_t sequence;
	int64_t time_ms;
	uint8_t key_id[DIGEST_SIZE]; /* SHA-256 of the identity key's public half */
	uint32_t leaf, leaves;
	size_t path_count;
	uint8_t path[RECEIPT_PATH_MAX][DIGEST_SIZE]; /* from the leaf's sibling up */
	uint8_t signature[IDENTITY_SIGNATURE_SIZE];
};

/* ---- making them: a desk, whose tickets become receipts at COMMIT -------------------------------------------------
 */

struct receipt_desk;
struct receipt_batch;

struct receipt_ticket {
	struct receipt_batch *batch; /* NULL: none */
	struct receipt receipt;	     /* the claim, and the leaf's number */
};

struct receipt_desk *receipt_desk_new(const struct vault *vault);
void receipt_desk_free(struct receipt_desk *desk);

/* On the committer, inside apply(). The claim is the ticket's; one that it had before is given back. False: memory. */
MUST_CHECK bool receipt_ask(struct receipt_desk *desk, struct receipt_ticket *ticket);
/* On the committer, in settled(), for each job; calling it again does no harm. Committed: signs for all that asked. */
void receipt_settled(struct receipt_desk *desk, bool committed);
/* Any thread, after the commit: completes ticket->receipt. */
void receipt_collect(struct receipt_ticket *ticket);
/* Any thread: gives the ticket back. One without a batch is accepted. */
void receipt_release(struct receipt_ticket *ticket);

/* ---- as text, and checking it --------------------------------------------------------------------------------------
 */

/* The value of Coffer-Receipt: a dictionary of RFC 9651 whose members stand in this order. */
void receipt_print(const struct receipt *receipt, char ret_text[static RECEIPT_TEXT_MAX]);
/* Exactly what receipt_print() writes; false for all else. */
bool receipt_parse(const char *text, struct receipt *ret_receipt);
/* Whether this key signed it. */
bool receipt_is_signed(const struct receipt *receipt, const uint8_t public_key[static IDENTITY_PUBLIC_SIZE]);

#endif
