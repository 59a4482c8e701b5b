/* The texts that certificates are made of, as files hold them. */
#ifndef COFFER_SERVICE_CERT_TEXTS_H
#define COFFER_SERVICE_CERT_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include "server/tls/context.h"

/* Bytes with a terminator behind them; none when `bytes` is NULL. A secret is in secret memory. */
struct cert_text {
	char *bytes;
	size_t size;
	bool secret;
};
/* `size` bytes to be filled in; false when memory runs out, or memory that can be locked. */
__attribute__((warn_unused_result)) bool cert_text_alloc(size_t size, bool secret, struct cert_text *ret_text);
__attribute__((warn_unused_result)) bool cert_text_copy(const char *text, bool secret, struct cert_text *ret_text);
bool cert_text_equal(const struct cert_text *a, const struct cert_text *b);
/* Wipes and frees; none is accepted, and left behind. */
void cert_text_done(struct cert_text *text);

struct cert_texts {
	struct cert_text_pair {
		struct cert_text chain, key, staple;
	} pairs[TLS_PAIRS_MAX];
	size_t pair_count;
	struct cert_text client_ca, client_crl;
};

/* What is served once the texts of `fresh` have come over those of `current`. Borrows from both. */
struct tls_material cert_texts_material(const struct cert_texts *current, const struct cert_texts *fresh);
/* Moves them over: each text of `fresh` replaces its like, what `fresh` has none of stays. */
void cert_texts_move(struct cert_texts *current, struct cert_texts *fresh);
void cert_texts_done(struct cert_texts *texts);

#endif
