#include "crypto/record.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/eax.h"
#include "crypto/oaep.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "crypto/wire.h"

static const char KEY_INFO[] = "coffer-record-v1";
static const char WRAP_LABEL[] = "coffer-dek-v1";
static const char CHUNK_HEADER[] = "coffer-chunk-v1";
static const char META_HEADER[] = "coffer-meta-v1";

enum {
	BOUND_MAX = 64, /* the longest of the strings above, its length, and the context */
	CHUNK_NONCE_SIZE = RECORD_CONTENT_NONCE_SIZE + 8,
};
_Static_assert(sizeof(KEY_INFO) + 2 + RECORD_CONTEXT_SIZE <= BOUND_MAX, "room for every bound string");
_Static_assert((int)RECORD_TAG_SIZE == (int)EAX_TAG_SIZE, "tags are EAX's");

/* Chunk numbers take seven bytes of the nonce. */
static const uint64_t CHUNK_NUMBER_MAX = (UINT64_C(1) << 56) - 1;

struct record_cipher {
	struct eax_key *content;
	struct eax_key *meta;
	struct eax_header content_header;
	struct eax_header meta_header;
	uint8_t commitment[RECORD_COMMITMENT_SIZE];
};

/* What HKDF makes of a DEK, in this order. */
struct derived {
	uint8_t content[32];
	uint8_t meta[32];
	uint8_t commitment[RECORD_COMMITMENT_SIZE];
};
_Static_assert(sizeof(struct derived) == 96, "no padding between the derived keys");

void record_context_put(struct wire_out *out, const struct record_context *context)
{
	wire_put_u8(out, context->suite);
	wire_put_bytes(out, context->store_id, sizeof(context->store_id));
	wire_put_bytes(out, context->record_id, sizeof(context->record_id));
	wire_put_u64(out, context->version);
}

/* purpose ‖ context. Returns the size. */
static size_t bind_plain(const char *purpose, const struct record_context *context, uint8_t ret_bytes[static BOUND_MAX])
{
	struct wire_out out;

	wire_out_init(&out, ret_bytes, BOUND_MAX);
	wire_put_bytes(&out, purpose, strlen(purpose));
	record_context_put(&out, context);
	return out.used;
}

/* lp(purpose) ‖ context, as an EAX header. */
static void bind_header(const struct eax_key *key, const char *purpose, const struct record_context *context,
			struct eax_header *ret_header)
{
	uint8_t bytes[BOUND_MAX];
	struct wire_out out;

	wire_out_init(&out, bytes, sizeof(bytes));
	wire_put_lp_text(&out, purpose);
	record_context_put(&out, context);
	eax_header_init(key, bytes, out.used, ret_header);
}

enum crypto_status dek_generate(struct dek *ret_dek)
{
	return random_key(ret_dek->b, sizeof(ret_dek->b));
}

enum crypto_status dek_wrap(const struct rsakey_public *kek, const struct record_context *context,
			    const struct dek *dek, uint8_t *ret_wrap)
{
	uint8_t label[BOUND_MAX];

	if (context->suite != RECORD_SUITE_1)
		return CRYPTO_FORMAT;
	size_t label_size = bind_plain(WRAP_LABEL, context, label);
	return oaep_encrypt(kek, OAEP_SHA256, label, label_size, dek->b, sizeof(dek->b), ret_wrap);
}

enum crypto_status dek_unwrap(const struct rsakey_private *kek, const struct record_context *context,
			      const uint8_t *wrap, size_t wrap_size, struct dek *ret_dek)
{
	uint8_t label[BOUND_MAX];
	uint8_t message[RSAKEY_MAX_SIZE];
	size_t size = 0;

	if (context->suite != RECORD_SUITE_1)
		return CRYPTO_FORMAT;
	size_t label_size = bind_plain(WRAP_LABEL, context, label);
	enum crypto_status status = oaep_decrypt(kek, OAEP_SHA256, label, label_size, wrap, wrap_size, message, &size);
	if (status == CRYPTO_OK && size != sizeof(ret_dek->b))
		status = CRYPTO_AUTH;
	if (status == CRYPTO_OK)
		memcpy(ret_dek->b, message, sizeof(ret_dek->b));
	secret_wipe(message, sizeof(message));
	return status;
}

static void derive(const struct dek *dek, const struct record_context *context, struct derived *ret_derived)
{
	uint8_t info[BOUND_MAX];
	size_t info_size = bind_plain(KEY_INFO, context, info);

	hkdf_sha256(dek->b, sizeof(dek->b), context->store_id, sizeof(context->store_id), info, info_size, ret_derived,
		    sizeof(*ret_derived));
}

static enum crypto_status cipher_make(const struct derived *derived, const struct record_context *context,
				      struct record_cipher **ret_cipher)
{
	struct record_cipher *cipher = calloc(1, sizeof(*cipher));
	if (!cipher)
		return CRYPTO_NOMEM;
	enum crypto_status status = eax_key_new(derived->content, sizeof(derived->content), &cipher->content);
	if (status == CRYPTO_OK)
		status = eax_key_new(derived->meta, sizeof(derived->meta), &cipher->meta);
	if (status != CRYPTO_OK) {
		record_cipher_free(cipher);
		return status;
	}
	bind_header(cipher->content, CHUNK_HEADER, context, &cipher->content_header);
	bind_header(cipher->meta, META_HEADER, context, &cipher->meta_header);
	memcpy(cipher->commitment, derived->commitment, sizeof(cipher->commitment));
	*ret_cipher = cipher;
	return CRYPTO_OK;
}

enum crypto_status record_cipher_new(const struct dek *dek, const struct record_context *context,
				     struct record_cipher **ret_cipher)
{
	struct derived derived;

	if (context->suite != RECORD_SUITE_1)
		return CRYPTO_FORMAT;
	derive(dek, context, &derived);
	enum crypto_status status = cipher_make(&derived, context, ret_cipher);
	secret_wipe(&derived, sizeof(derived));
	return status;
}

enum crypto_status record_cipher_open(const struct dek *dek, const struct record_context *context,
				      const uint8_t commitment[static RECORD_COMMITMENT_SIZE],
				      struct record_cipher **ret_cipher)
{
	struct derived derived;
	enum crypto_status status = CRYPTO_AUTH;

	if (context->suite != RECORD_SUITE_1)
		return CRYPTO_FORMAT;
	derive(dek, context, &derived);
	if (secret_equal(derived.commitment, commitment, RECORD_COMMITMENT_SIZE))
		status = cipher_make(&derived, context, ret_cipher);
	secret_wipe(&derived, sizeof(derived));
	return status;
}

void record_cipher_commitment(const struct record_cipher *cipher, uint8_t ret_commitment[static RECORD_COMMITMENT_SIZE])
{
	memcpy(ret_commitment, cipher->commitment, RECORD_COMMITMENT_SIZE);
}

void record_cipher_free(struct record_cipher *cipher)
{
	if (!cipher)
		return;
	eax_key_free(cipher->content);
	eax_key_free(cipher->meta);
	secret_wipe(cipher, sizeof(*cipher));
	free(cipher);
}

uint64_t record_chunk_count(uint64_t size)
{
	return size == 0 ? 1 : (size - 1) / RECORD_CHUNK_SIZE + 1;
}

size_t record_chunk_length(uint64_t size, uint64_t number)
{
	if (number + 1 < record_chunk_count(size))
		return RECORD_CHUNK_SIZE;
	return (size_t)(size - number * RECORD_CHUNK_SIZE);
}

/* Whether a chunk of that place may have that many bytes: one way only to cut content into chunks. */
static bool chunk_shape_ok(uint64_t number, bool last, size_t size)
{
	if (number > CHUNK_NUMBER_MAX || size > RECORD_CHUNK_SIZE)
		return false;
	if (!last)
		return size == RECORD_CHUNK_SIZE;
	return size > 0 || number == 0;
}

static void chunk_nonce(const uint8_t nonce[static RECORD_CONTENT_NONCE_SIZE], uint64_t number, bool last,
			uint8_t ret_nonce[static CHUNK_NONCE_SIZE])
{
	struct wire_out out;

	wire_out_init(&out, ret_nonce, CHUNK_NONCE_SIZE);
	wire_put_bytes(&out, nonce, RECORD_CONTENT_NONCE_SIZE);
	wire_put_u64(&out, number << 8 | (last ? 1 : 0)); /* seven bytes of number, one of flag */
}

enum crypto_status record_chunk_seal(const struct record_cipher *cipher,
				     const uint8_t nonce[static RECORD_CONTENT_NONCE_SIZE], uint64_t number, bool last,
				     const uint8_t *plaintext, size_t size, uint8_t *ret_sealed)
{
	uint8_t full_nonce[CHUNK_NONCE_SIZE];

	if (!chunk_shape_ok(number, last, size))
		return CRYPTO_FORMAT;
	chunk_nonce(nonce, number, last, full_nonce);
	eax_seal(cipher->content, &cipher->content_header, full_nonce, sizeof(full_nonce), plaintext, size, ret_sealed,
		 ret_sealed + RECORD_TAG_SIZE);
	return CRYPTO_OK;
}

enum crypto_status record_chunk_open(const struct record_cipher *cipher,
				     const uint8_t nonce[static RECORD_CONTENT_NONCE_SIZE], uint64_t number, bool last,
				     const uint8_t *sealed, size_t sealed_size, uint8_t *ret_plaintext)
{
	uint8_t full_nonce[CHUNK_NONCE_SIZE];

	if (sealed_size < RECORD_TAG_SIZE || !chunk_shape_ok(number, last, sealed_size - RECORD_TAG_SIZE))
		return CRYPTO_AUTH;
	chunk_nonce(nonce, number, last, full_nonce);
	return eax_open(cipher->content, &cipher->content_header, full_nonce, sizeof(full_nonce), sealed,
			sealed + RECORD_TAG_SIZE, sealed_size - RECORD_TAG_SIZE, ret_plaintext);
}

enum crypto_status record_meta_seal(const struct record_cipher *cipher,
				    const uint8_t nonce[static RECORD_META_NONCE_SIZE], const uint8_t *plaintext,
				    size_t size, uint8_t *ret_sealed)
{
	eax_seal(cipher->meta, &cipher->meta_header, nonce, RECORD_META_NONCE_SIZE, plaintext, size, ret_sealed,
		 ret_sealed + RECORD_TAG_SIZE);
	return CRYPTO_OK;
}

enum crypto_status record_meta_open(const struct record_cipher *cipher,
				    const uint8_t nonce[static RECORD_META_NONCE_SIZE], const uint8_t *sealed,
				    size_t sealed_size, uint8_t *ret_plaintext)
{
	if (sealed_size < RECORD_TAG_SIZE)
		return CRYPTO_AUTH;
	return eax_open(cipher->meta, &cipher->meta_header, nonce, RECORD_META_NONCE_SIZE, sealed,
			sealed + RECORD_TAG_SIZE, sealed_size - RECORD_TAG_SIZE, ret_plaintext);
}
