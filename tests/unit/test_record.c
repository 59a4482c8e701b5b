#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/encode.h"
#include "crypto/oaep.h"
#include "crypto/record.h"
#include "crypto/secret.h"
#include "tests/unit/support/testdata.h"

/* A DEK and what it is bound to, from the vectors or made up. */
struct fixture {
	struct dek dek;
	struct record_context context;
	struct record_cipher *cipher;
};

static struct fixture fixture_new(void)
{
	struct fixture f = {.context = {.suite = RECORD_SUITE_1, .store_id = {1}, .record_id = {2}, .version = 3}};

	cr_assert_eq(dek_generate(&f.dek), CRYPTO_OK);
	cr_assert_eq(record_cipher_new(&f.dek, &f.context, &f.cipher), CRYPTO_OK);
	return f;
}

static cJSON *vectors(void)
{
	cJSON *json = testdata_json(COFFER_SOURCE_DIR "/tests/vectors/record-suite1.json");
	cr_assert_not_null(json);
	return json;
}

static void copy_hex(const cJSON *json, const char *name, void *ret_bytes, size_t size)
{
	const char *text = testdata_text(json, name);
	cr_assert(decode_hex(text, strlen(text), ret_bytes, size), "%s", name);
}

static struct fixture fixture_of(const cJSON *json)
{
	struct fixture f = {.context = {.suite = RECORD_SUITE_1}};

	copy_hex(json, "dek", f.dek.b, sizeof(f.dek.b));
	copy_hex(json, "store_id", f.context.store_id, 16);
	copy_hex(json, "record_id", f.context.record_id, 16);
	f.context.version = strtoull(testdata_text(json, "version"), NULL, 16);
	cr_assert_eq(record_cipher_new(&f.dek, &f.context, &f.cipher), CRYPTO_OK);
	return f;
}

static void content_fill(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(7 * i + (i >> 8));
}

Test(record, vectors_commitment_and_keys)
{
	cJSON *json = vectors();
	struct fixture f = fixture_of(json);
	struct record_cipher *again = NULL;
	uint8_t okm[96], expected[96], commitment[32];
	uint8_t info[16 + RECORD_CONTEXT_SIZE] = "coffer-record-v1";

	copy_hex(json, "context", info + 16, RECORD_CONTEXT_SIZE);
	copy_hex(json, "content_key", expected, 32);
	copy_hex(json, "meta_key", expected + 32, 32);
	copy_hex(json, "commitment", expected + 64, 32);
	hkdf_sha256(f.dek.b, 32, f.context.store_id, 16, info, sizeof(info), okm, sizeof(okm));
	cr_assert_arr_eq(okm, expected, sizeof(okm));
	record_cipher_commitment(f.cipher, commitment);
	cr_assert_arr_eq(commitment, expected + 64, 32);
	cr_assert_eq(record_cipher_open(&f.dek, &f.context, commitment, &again), CRYPTO_OK);
	record_cipher_free(again);
	record_cipher_free(f.cipher);
	cJSON_Delete(json);
}

static void check_chunk(const struct record_cipher *cipher, const uint8_t *nonce, const cJSON *chunk,
			const uint8_t *content, size_t size)
{
	uint64_t number = (uint64_t)cJSON_GetObjectItem(chunk, "number")->valueint;
	size_t length = (size_t)cJSON_GetObjectItem(chunk, "length")->valueint;
	bool last = cJSON_IsTrue(cJSON_GetObjectItem(chunk, "last"));
	const uint8_t *plaintext = content + number * RECORD_CHUNK_SIZE;
	uint8_t *sealed = malloc(length + RECORD_TAG_SIZE);
	uint8_t *opened = malloc(length + 1);
	uint8_t digest[DIGEST_SIZE], expected[DIGEST_SIZE];

	cr_assert_eq(record_chunk_length(size, number), length);
	cr_assert_eq(record_chunk_count(size) == number + 1, last);
	cr_assert_eq(record_chunk_seal(cipher, nonce, number, last, plaintext, length, sealed), CRYPTO_OK);
	digest_sha256(sealed, length + RECORD_TAG_SIZE, digest);
	copy_hex(chunk, "sealed_sha256", expected, sizeof(expected));
	cr_assert_arr_eq(digest, expected, sizeof(digest));
	copy_hex(chunk, "tag", expected, RECORD_TAG_SIZE);
	cr_assert_arr_eq(sealed, expected, RECORD_TAG_SIZE);
	cr_assert_eq(record_chunk_open(cipher, nonce, number, last, sealed, length + RECORD_TAG_SIZE, opened),
		     CRYPTO_OK);
	cr_assert(memcmp(opened, plaintext, length) == 0);
	free(sealed);
	free(opened);
}

Test(record, vectors_content)
{
	cJSON *json = vectors();
	struct fixture f = fixture_of(json);
	uint8_t nonce[RECORD_CONTENT_NONCE_SIZE];
	cJSON *content, *chunk;
	int count = 0;

	copy_hex(json, "content_nonce", nonce, sizeof(nonce));
	cJSON_ArrayForEach(content, cJSON_GetObjectItem(json, "contents"))
	{
		size_t size = (size_t)cJSON_GetObjectItem(content, "size")->valueint;
		uint8_t *bytes = malloc(size + 1);
		content_fill(bytes, size);
		cr_assert_eq((uint64_t)cJSON_GetArraySize(cJSON_GetObjectItem(content, "chunks")),
			     record_chunk_count(size));
		cJSON_ArrayForEach(chunk, cJSON_GetObjectItem(content, "chunks"))
		{
			check_chunk(f.cipher, nonce, chunk, bytes, size);
			count++;
		}
		free(bytes);
	}
	cr_assert_geq(count, 14);
	record_cipher_free(f.cipher);
	cJSON_Delete(json);
}

Test(record, vectors_metadata)
{
	cJSON *json = vectors();
	struct fixture f = fixture_of(json);
	uint8_t nonce[RECORD_META_NONCE_SIZE], sealed[256], opened[256];
	cJSON *meta;

	copy_hex(json, "meta_nonce", nonce, sizeof(nonce));
	cJSON_ArrayForEach(meta, cJSON_GetObjectItem(json, "metas"))
	{
		struct testdata_bytes plaintext = testdata_hex(meta, "plaintext");
		struct testdata_bytes expected = testdata_hex(meta, "sealed");
		cr_assert_eq(record_meta_seal(f.cipher, nonce, plaintext.b, plaintext.size, sealed), CRYPTO_OK);
		cr_assert_eq(expected.size, plaintext.size + RECORD_TAG_SIZE);
		cr_assert_arr_eq(sealed, expected.b, expected.size);
		cr_assert_eq(record_meta_open(f.cipher, nonce, sealed, expected.size, opened), CRYPTO_OK);
		cr_assert(memcmp(opened, plaintext.b, plaintext.size) == 0);
		free(plaintext.b);
		free(expected.b);
	}
	record_cipher_free(f.cipher);
	cJSON_Delete(json);
}

Test(record, vectors_wrap_opens)
{
	cJSON *json = vectors();
	struct fixture f = fixture_of(json);
	struct rsakey_private *kek = NULL;
	struct testdata_bytes wrap = testdata_hex(json, "wrap");
	const char *pem = testdata_text(json, "kek_pem");
	uint8_t id[32], expected[32];
	struct dek dek;

	cr_assert_eq(rsakey_private_from_pem(pem, strlen(pem), NULL, &kek), CRYPTO_OK);
	rsakey_public_id(rsakey_private_public(kek), id);
	copy_hex(json, "kek_id", expected, 32);
	cr_assert_arr_eq(id, expected, 32);
	cr_assert_eq(dek_unwrap(kek, &f.context, wrap.b, wrap.size, &dek), CRYPTO_OK);
	cr_assert_arr_eq(dek.b, f.dek.b, 32);
	rsakey_private_free(kek);
	record_cipher_free(f.cipher);
	free(wrap.b);
	cJSON_Delete(json);
}

Test(record, every_flipped_byte_of_a_chunk_is_detected_and_nothing_leaves)
{
	struct fixture f = fixture_new();
	uint8_t nonce[RECORD_CONTENT_NONCE_SIZE] = {1}, plain[700], sealed[716], out[700];

	content_fill(plain, sizeof(plain));
	cr_assert_eq(record_chunk_seal(f.cipher, nonce, 5, true, plain, sizeof(plain), sealed), CRYPTO_OK);
	memset(out, 0xa5, sizeof(out));
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 0x40;
		cr_assert_eq(record_chunk_open(f.cipher, nonce, 5, true, sealed, sizeof(sealed), out), CRYPTO_AUTH);
		sealed[i] ^= 0x40;
	}
	for (size_t i = 0; i < sizeof(nonce); i++) {
		nonce[i] ^= 1;
		cr_assert_eq(record_chunk_open(f.cipher, nonce, 5, true, sealed, sizeof(sealed), out), CRYPTO_AUTH);
		nonce[i] ^= 1;
	}
	cr_assert_eq(record_chunk_open(f.cipher, nonce, 4, true, sealed, sizeof(sealed), out), CRYPTO_AUTH);
	cr_assert_eq(record_chunk_open(f.cipher, nonce, 5, false, sealed, sizeof(sealed), out), CRYPTO_AUTH);
	for (size_t size = 0; size < sizeof(sealed); size++)
		cr_assert_eq(record_chunk_open(f.cipher, nonce, 5, true, sealed, size, out), CRYPTO_AUTH);
	for (size_t i = 0; i < sizeof(out); i++)
		cr_assert_eq(out[i], 0xa5);
	cr_assert_eq(record_chunk_open(f.cipher, nonce, 5, true, sealed, sizeof(sealed), out), CRYPTO_OK);
	cr_assert_arr_eq(out, plain, sizeof(plain));
	record_cipher_free(f.cipher);
}

Test(record, every_flipped_byte_of_metadata_is_detected)
{
	struct fixture f = fixture_new();
	uint8_t nonce[RECORD_META_NONCE_SIZE] = {1}, sealed[116], out[100], plain[100];

	content_fill(plain, sizeof(plain));
	cr_assert_eq(record_meta_seal(f.cipher, nonce, plain, sizeof(plain), sealed), CRYPTO_OK);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 2;
		cr_assert_eq(record_meta_open(f.cipher, nonce, sealed, sizeof(sealed), out), CRYPTO_AUTH);
		sealed[i] ^= 2;
	}
	for (size_t i = 0; i < sizeof(nonce); i++) {
		nonce[i] ^= 2;
		cr_assert_eq(record_meta_open(f.cipher, nonce, sealed, sizeof(sealed), out), CRYPTO_AUTH);
		nonce[i] ^= 2;
	}
	for (size_t size = 0; size < sizeof(sealed); size++)
		cr_assert_eq(record_meta_open(f.cipher, nonce, sealed, size, out), CRYPTO_AUTH);
	record_cipher_free(f.cipher);
}

Test(record, every_flipped_byte_of_a_wrap_is_detected)
{
	struct fixture f = fixture_new();
	struct rsakey_private *kek = NULL;
	uint8_t wrap[256];
	struct dek dek;

	cr_assert_eq(rsakey_generate(2048, &kek), CRYPTO_OK);
	cr_assert_eq(dek_wrap(rsakey_private_public(kek), &f.context, &f.dek, wrap), CRYPTO_OK);
	for (size_t i = 0; i < sizeof(wrap); i++) {
		memset(&dek, 0xa5, sizeof(dek));
		wrap[i] ^= 1;
		cr_assert_eq(dek_unwrap(kek, &f.context, wrap, sizeof(wrap), &dek), CRYPTO_AUTH);
		wrap[i] ^= 1;
		cr_assert_eq(dek.b[0], 0xa5);
	}
	cr_assert_eq(dek_unwrap(kek, &f.context, wrap, sizeof(wrap) - 1, &dek), CRYPTO_AUTH);
	cr_assert_eq(dek_unwrap(kek, &f.context, wrap, sizeof(wrap), &dek), CRYPTO_OK);
	cr_assert_arr_eq(dek.b, f.dek.b, 32);
	rsakey_private_free(kek);
	record_cipher_free(f.cipher);
}

/* The same key and label, but not 32 bytes: nobody's DEK. */
Test(record, a_wrap_of_another_length_is_refused)
{
	struct fixture f = fixture_new();
	struct rsakey_private *kek = NULL;
	uint8_t label[13 + RECORD_CONTEXT_SIZE] = "coffer-dek-v1";
	uint8_t wrap[256], bytes[64] = {0};
	struct dek dek;

	label[13] = RECORD_SUITE_1;
	memcpy(label + 14, f.context.store_id, 16);
	memcpy(label + 30, f.context.record_id, 16);
	label[sizeof(label) - 1] = 3;
	cr_assert_eq(rsakey_generate(2048, &kek), CRYPTO_OK);
	for (size_t size = 31; size <= 33; size++) {
		cr_assert_eq(
			oaep_encrypt(rsakey_private_public(kek), OAEP_SHA256, label, sizeof(label), bytes, size, wrap),
			CRYPTO_OK);
		cr_assert_eq(dek_unwrap(kek, &f.context, wrap, sizeof(wrap), &dek),
			     size == 32 ? CRYPTO_OK : CRYPTO_AUTH);
	}
	rsakey_private_free(kek);
	record_cipher_free(f.cipher);
}

/* A field of the context, changed. */
static struct record_context moved(const struct record_context *context, int field)
{
	struct record_context other = *context;

	if (field == 0)
		other.store_id[15] ^= 1;
	else if (field == 1)
		other.record_id[0] ^= 1;
	else
		other.version++;
	return other;
}

Test(record, nothing_opens_in_another_store_record_or_version)
{
	struct fixture f = fixture_new();
	struct rsakey_private *kek = NULL;
	struct record_cipher *cipher = NULL;
	uint8_t wrap[256], commitment[32], nonce[16] = {0}, sealed[24], out[8];
	struct dek dek;

	cr_assert_eq(rsakey_generate(2048, &kek), CRYPTO_OK);
	cr_assert_eq(dek_wrap(rsakey_private_public(kek), &f.context, &f.dek, wrap), CRYPTO_OK);
	record_cipher_commitment(f.cipher, commitment);
	for (int field = 0; field < 3; field++) {
		struct record_context other = moved(&f.context, field);
		cr_assert_eq(dek_unwrap(kek, &other, wrap, sizeof(wrap), &dek), CRYPTO_AUTH);
		cr_assert_eq(record_cipher_open(&f.dek, &other, commitment, &cipher), CRYPTO_AUTH);
		cr_assert_eq(record_cipher_new(&f.dek, &other, &cipher), CRYPTO_OK);
		cr_assert_eq(record_chunk_seal(f.cipher, nonce, 0, true, commitment, 8, sealed), CRYPTO_OK);
		cr_assert_eq(record_chunk_open(cipher, nonce, 0, true, sealed, sizeof(sealed), out), CRYPTO_AUTH);
		cr_assert_eq(record_meta_seal(f.cipher, nonce, commitment, 8, sealed), CRYPTO_OK);
		cr_assert_eq(record_meta_open(cipher, nonce, sealed, sizeof(sealed), out), CRYPTO_AUTH);
		record_cipher_free(cipher);
	}
	rsakey_private_free(kek);
	record_cipher_free(f.cipher);
}

Test(record, another_dek_breaks_the_commitment)
{
	struct fixture f = fixture_new();
	struct record_cipher *cipher = NULL;
	uint8_t commitment[32];

	record_cipher_commitment(f.cipher, commitment);
	for (size_t i = 0; i < 32; i++) {
		commitment[i] ^= 1;
		cr_assert_eq(record_cipher_open(&f.dek, &f.context, commitment, &cipher), CRYPTO_AUTH);
		commitment[i] ^= 1;
		f.dek.b[i] ^= 1;
		cr_assert_eq(record_cipher_open(&f.dek, &f.context, commitment, &cipher), CRYPTO_AUTH);
		f.dek.b[i] ^= 1;
	}
	cr_assert_null(cipher);
	record_cipher_free(f.cipher);
	record_cipher_free(NULL);
}

Test(record, another_suite_is_a_format_error)
{
	struct fixture f = fixture_new();
	struct record_cipher *cipher = NULL;
	uint8_t commitment[32] = {0};

	f.context.suite = 2;
	cr_assert_eq(record_cipher_new(&f.dek, &f.context, &cipher), CRYPTO_FORMAT);
	cr_assert_eq(record_cipher_open(&f.dek, &f.context, commitment, &cipher), CRYPTO_FORMAT);
	record_cipher_free(f.cipher);
}

Test(record, content_is_cut_in_one_way_only)
{
	static const struct {
		uint64_t number;
		bool last;
		size_t size;
		bool good;
	} shapes[] = {
		{0, true, 0, true},
		{0, true, 1, true},
		{0, true, 65536, true},
		{0, true, 65537, false},
		{0, false, 65536, true},
		{0, false, 65535, false},
		{0, false, 0, false},
		{0, false, 65537, false},
		{1, true, 0, false},
		{1, true, 1, true},
		{1, false, 65536, true},
		{1, false, 1, false},
		{(UINT64_C(1) << 56) - 1, true, 1, true},
		{UINT64_C(1) << 56, true, 1, false},
	};
	struct fixture f = fixture_new();
	uint8_t nonce[RECORD_CONTENT_NONCE_SIZE] = {0};
	uint8_t *plain = calloc(1, 70000), *sealed = calloc(1, 70000);

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		cr_assert_eq(record_chunk_seal(f.cipher, nonce, shapes[i].number, shapes[i].last, plain, shapes[i].size,
					       sealed),
			     shapes[i].good ? CRYPTO_OK : CRYPTO_FORMAT, "shape %zu", i);
		cr_assert_eq(record_chunk_open(f.cipher, nonce, shapes[i].number, shapes[i].last, sealed,
					       shapes[i].size + RECORD_TAG_SIZE, plain),
			     shapes[i].good ? CRYPTO_OK : CRYPTO_AUTH, "shape %zu", i);
	}
	record_cipher_free(f.cipher);
	free(plain);
	free(sealed);
}

Test(record, chunk_counts_at_the_edges)
{
	cr_assert_eq(record_chunk_count(0), 1);
	cr_assert_eq(record_chunk_length(0, 0), 0);
	cr_assert_eq(record_chunk_count(65536), 1);
	cr_assert_eq(record_chunk_length(65536, 0), 65536);
	cr_assert_eq(record_chunk_count(65537), 2);
	cr_assert_eq(record_chunk_length(65537, 0), 65536);
	cr_assert_eq(record_chunk_length(65537, 1), 1);
	cr_assert_eq(record_chunk_count(UINT64_MAX), UINT64_C(1) << 48);
	cr_assert_eq(record_chunk_length(UINT64_MAX, (UINT64_C(1) << 48) - 1), 65535);
}
