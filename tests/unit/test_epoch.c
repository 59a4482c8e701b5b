#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/epoch.h"
#include "tests/unit/support/testdata.h"

static const struct record_context CONTEXT = {.suite = RECORD_SUITE_1, .store_id = {1}, .record_id = {2}, .version = 3};
static const struct epoch_name NAME = {.kek_id = {4}, .epoch_id = {5}};

static void copy_hex(const cJSON *json, const char *name, void *ret_bytes, size_t size)
{
	const char *text = testdata_text(json, name);

	cr_assert(decode_hex(text, strlen(text), ret_bytes, size), "%s", name);
}

/* A fresh key and what it made of a fresh DEK. */
static struct epoch_key *wrapped(struct dek *ret_dek, uint8_t ret_wrap[static EPOCH_WRAP_SIZE])
{
	struct epoch_key *key = NULL;

	cr_assert_eq(epoch_key_generate(&key), CRYPTO_OK);
	cr_assert_eq(dek_generate(ret_dek), CRYPTO_OK);
	cr_assert_eq(epoch_dek_wrap(key, &NAME, &CONTEXT, ret_dek, ret_wrap), CRYPTO_OK);
	return key;
}

Test(epoch, vectors_open)
{
	cJSON *json = testdata_json(COFFER_SOURCE_DIR "/tests/vectors/keys-suite1.json");
	const char *pem = testdata_text(json, "kek_pem");
	struct testdata_bytes key_wrap = testdata_hex(json, "epoch_key_wrap");
	struct record_context context = {.suite = RECORD_SUITE_1};
	struct epoch_name name;
	struct rsakey_private *kek = NULL;
	struct epoch_key *key = NULL;
	uint8_t wrap[EPOCH_WRAP_SIZE];
	struct dek dek, expected;

	copy_hex(json, "store_id", context.store_id, 16);
	copy_hex(json, "record_id", context.record_id, 16);
	context.version = strtoull(testdata_text(json, "version"), NULL, 16);
	copy_hex(json, "kek_id", name.kek_id, 32);
	copy_hex(json, "epoch_id", name.epoch_id, 16);
	copy_hex(json, "epoch_wrap", wrap, sizeof(wrap));
	copy_hex(json, "dek", expected.b, sizeof(expected.b));
	cr_assert_eq(rsakey_private_from_pem(pem, strlen(pem), NULL, &kek), CRYPTO_OK);
	cr_assert_eq(epoch_key_unwrap(kek, context.store_id, name.epoch_id, key_wrap.b, key_wrap.size, &key),
		     CRYPTO_OK);
	cr_assert_eq(epoch_dek_unwrap(key, &name, &context, wrap, &dek), CRYPTO_OK);
	cr_assert_arr_eq(dek.b, expected.b, sizeof(dek.b));
	epoch_key_free(key);
	rsakey_private_free(kek);
	free(key_wrap.b);
	cJSON_Delete(json);
}

Test(epoch, a_key_goes_through_the_kek_and_back)
{
	struct rsakey_private *kek = NULL;
	struct epoch_key *again = NULL;
	uint8_t dek_wrap[EPOCH_WRAP_SIZE], key_wrap[256];
	const uint8_t *store_id = CONTEXT.store_id;
	struct dek dek, opened;
	struct epoch_key *key = wrapped(&dek, dek_wrap);

	cr_assert_eq(rsakey_generate(2048, &kek), CRYPTO_OK);
	cr_assert_eq(epoch_key_wrap(rsakey_private_public(kek), store_id, NAME.epoch_id, key, key_wrap), CRYPTO_OK);
	cr_assert_eq(epoch_key_unwrap(kek, store_id, NAME.epoch_id, key_wrap, sizeof(key_wrap), &again), CRYPTO_OK);
	cr_assert_eq(epoch_dek_unwrap(again, &NAME, &CONTEXT, dek_wrap, &opened), CRYPTO_OK);
	cr_assert_arr_eq(opened.b, dek.b, sizeof(dek.b));
	epoch_key_free(again);
	again = NULL;
	cr_assert_eq(epoch_key_unwrap(kek, NAME.kek_id, NAME.epoch_id, key_wrap, sizeof(key_wrap), &again), CRYPTO_AUTH,
		     "another store");
	cr_assert_eq(epoch_key_unwrap(kek, store_id, store_id, key_wrap, sizeof(key_wrap), &again), CRYPTO_AUTH,
		     "another epoch");
	key_wrap[100] ^= 1;
	cr_assert_eq(epoch_key_unwrap(kek, store_id, NAME.epoch_id, key_wrap, sizeof(key_wrap), &again), CRYPTO_AUTH);
	cr_assert_null(again);
	epoch_key_free(key);
	rsakey_private_free(kek);
}

Test(epoch, every_flipped_byte_of_a_wrap_is_detected_and_nothing_leaves)
{
	uint8_t wrap[EPOCH_WRAP_SIZE];
	struct dek dek, opened;
	struct epoch_key *key = wrapped(&dek, wrap);

	memset(&opened, 0xa5, sizeof(opened));
	for (size_t i = 0; i < sizeof(wrap); i++) {
		wrap[i] ^= 0x10;
		cr_assert_eq(epoch_dek_unwrap(key, &NAME, &CONTEXT, wrap, &opened), CRYPTO_AUTH, "byte %zu", i);
		wrap[i] ^= 0x10;
	}
	for (size_t i = 0; i < sizeof(opened.b); i++)
		cr_assert_eq(opened.b[i], 0xa5);
	cr_assert_eq(epoch_dek_unwrap(key, &NAME, &CONTEXT, wrap, &opened), CRYPTO_OK);
	epoch_key_free(key);
}

Test(epoch, a_wrap_is_bound_to_kek_epoch_store_record_and_version)
{
	uint8_t wrap[EPOCH_WRAP_SIZE];
	struct dek dek, opened;
	struct epoch_key *key = wrapped(&dek, wrap);
	struct epoch_name names[2] = {NAME, NAME};
	struct record_context contexts[4] = {CONTEXT, CONTEXT, CONTEXT, CONTEXT};

	names[0].kek_id[31] ^= 1;
	names[1].epoch_id[15] ^= 1;
	contexts[0].store_id[15] ^= 1;
	contexts[1].record_id[15] ^= 1;
	contexts[2].version++;
	contexts[3].suite = 2;
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(epoch_dek_unwrap(key, &names[i], &CONTEXT, wrap, &opened), CRYPTO_AUTH);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(epoch_dek_unwrap(key, &NAME, &contexts[i], wrap, &opened),
			     i < 3 ? CRYPTO_AUTH : CRYPTO_FORMAT);
	epoch_key_free(key);
}

Test(epoch, two_wraps_of_one_dek_differ)
{
	uint8_t first[EPOCH_WRAP_SIZE], second[EPOCH_WRAP_SIZE];
	struct dek dek;
	struct epoch_key *key = wrapped(&dek, first);

	cr_assert_eq(epoch_dek_wrap(key, &NAME, &CONTEXT, &dek, second), CRYPTO_OK);
	cr_assert_neq(memcmp(first, second, sizeof(first)), 0);
	epoch_key_free(key);
}
