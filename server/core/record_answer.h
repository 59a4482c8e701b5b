/* What an idempotency row vouches for: the request that was answered, and the whole of its answer. */
#ifndef COFFER_CORE_RECORD_ANSWER_H
#define COFFER_CORE_RECORD_ANSWER_H

#include "server/core/record.h"

/* The request as a whole (media type, labels, SHA-256), so that a key used again with anything else is noticed. */
void record_answer_digest(const struct record_info *info, uint8_t ret_digest[static DIGEST_SIZE]);

/*
 * The row's body_mac, over the request and the whole of its answer: were the answer left out, whoever edits the
 * database could make a repeated request be answered with another record.
 */
void record_answer_mac(const struct vault *vault, const struct store_idempotency *row,
		       const uint8_t request[static DIGEST_SIZE], uint8_t ret_mac[static DIGEST_SIZE]);

#endif
