/*
 * Suite 1: how one version of a record is encrypted at rest (FORMATS §2). Bytes in, bytes out.
 *
 * A version has one random DEK. HKDF makes of it a content key, a metadata key and a commitment. Content is sealed in
 * chunks of RECORD_CHUNK_SIZE, each bound to store, record, version, its number, and whether it is the last.
 */
#ifndef COFFER_CRYPTO_RECORD_H
#define COFFER_CRYPTO_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/rsakey.h"
#include "crypto/status.h"

enum {
	RECORD_SUITE_1 = 1,
	RECORD_CHUNK_SIZE = 65536, /* plaintext bytes of every chunk but the last */
	RECORD_TAG_SIZE = 16,	   /* what sealing adds, in front of the ciphertext */
	RECORD_SEALED_MAX = RECORD_CHUNK_SIZE + RECORD_TAG_SIZE,
	RECORD_CONTENT_NONCE_SIZE = 8,
	RECORD_META_NONCE_SIZE = 16,
	RECORD_COMMITMENT_SIZE = 32,
	RECORD_CONTEXT_SIZE = 1 + 16 + 16 + 8, /* u8 suite ‖ store id ‖ record id ‖ u64 version */
};

/* What a version is bound to. */
struct record_context {
	uint8_t suite; /* RECORD_SUITE_1; anything else is CRYPTO_FORMAT */
	uint8_t store_id[16];
	uint8_t record_id[16];
	uint64_t version; /* from 1 */
};

struct wire_out;

/* Appends the context as FORMATS §2 writes it: RECORD_CONTEXT_SIZE bytes. */
void record_context_put(struct wire_out *out, const struct record_context *context);

/* The data encryption key of one version. Wipe with secret_wipe() when done. */
struct dek {
	uint8_t b[32];
};

MUST_CHECK enum crypto_status dek_generate(struct dek *ret_dek);

/* RSAES-OAEP, SHA-256, label "coffer-dek-v1" ‖ context. ret_wrap: rsakey_public_size(kek) bytes. */
MUST_CHECK enum crypto_status dek_wrap(const struct rsakey_public *kek, const struct record_context *context,
				       const struct dek *dek, uint8_t *ret_wrap);

/* One RSA private operation. CRYPTO_AUTH: not this key, not this version, or damaged. */
MUST_CHECK enum crypto_status dek_unwrap(const struct rsakey_private *kek, const struct record_context *context,
					 const uint8_t *wrap, size_t wrap_size, struct dek *ret_dek);

/* The keys derived from one DEK for one version, ready for use. May be used by several threads at once. */
struct record_cipher;

/* Derives the keys. The commitment can then be asked for and stored. */
MUST_CHECK enum crypto_status record_cipher_new(const struct dek *dek, const struct record_context *context,
						struct record_cipher **ret_cipher);

/* As record_cipher_new(), but compares the commitment first: CRYPTO_AUTH when the DEK is not the committed one. */
MUST_CHECK enum crypto_status record_cipher_open(const struct dek *dek, const struct record_context *context,
						 const uint8_t commitment[static RECORD_COMMITMENT_SIZE],
						 struct record_cipher **ret_cipher);

void record_cipher_commitment(const struct record_cipher *cipher,
			      uint8_t ret_commitment[static RECORD_COMMITMENT_SIZE]);

/* Wipes; NULL is accepted. */
void record_cipher_free(struct record_cipher *cipher);

/* Chunks that content of `size` bytes has: at least one. */
uint64_t record_chunk_count(uint64_t size);

/* Plaintext bytes of chunk `number` (from 0) of content of `size` bytes; number < record_chunk_count(size). */
size_t record_chunk_length(uint64_t size, uint64_t number);

/*
 * Seals one chunk. size: RECORD_CHUNK_SIZE, or less for the last (0 only for empty content), else CRYPTO_FORMAT.
 * ret_sealed: size + RECORD_TAG_SIZE bytes, tag first, not overlapping the plaintext.
 */
MUST_CHECK enum crypto_status record_chunk_seal(const struct record_cipher *cipher,
						const uint8_t nonce[static RECORD_CONTENT_NONCE_SIZE], uint64_t number,
						bool last, const uint8_t *plaintext, size_t size, uint8_t *ret_sealed);

/*
 * Opens one chunk; sealed_size includes the tag. ret_plaintext: sealed_size - RECORD_TAG_SIZE bytes, written only
 * after the tag is checked. CRYPTO_AUTH for any mismatch, of the size too.
 */
MUST_CHECK enum crypto_status record_chunk_open(const struct record_cipher *cipher,
						const uint8_t nonce[static RECORD_CONTENT_NONCE_SIZE], uint64_t number,
						bool last, const uint8_t *sealed, size_t sealed_size,
						uint8_t *ret_plaintext);

/* Metadata: size + RECORD_TAG_SIZE bytes out, tag first. */
MUST_CHECK enum crypto_status record_meta_seal(const struct record_cipher *cipher,
					       const uint8_t nonce[static RECORD_META_NONCE_SIZE],
					       const uint8_t *plaintext, size_t size, uint8_t *ret_sealed);
MUST_CHECK enum crypto_status record_meta_open(const struct record_cipher *cipher,
					       const uint8_t nonce[static RECORD_META_NONCE_SIZE],
					       const uint8_t *sealed, size_t sealed_size, uint8_t *ret_plaintext);

#endif
