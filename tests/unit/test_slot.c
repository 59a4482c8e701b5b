#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/slot.h"
#include "tests/unit/support/testdata.h"

static const uint8_t STORE_ID[16] = {1, 2, 3};
static const char PASSPHRASE[] = "a passphrase of the tests";
static const uint8_t CREDENTIAL[32] = {9, 8, 7};

static struct unlock_key sealed(enum slot_kind kind, uint8_t ret_slot[static SLOT_SIZE])
{
	struct unlock_key key;

	cr_assert_eq(unlock_key_generate(&key), CRYPTO_OK);
	if (kind == SLOT_PASSPHRASE)
		cr_assert_eq(slot_seal(kind, STORE_ID, PASSPHRASE, sizeof(PASSPHRASE) - 1, SLOT_ITERATIONS_MIN, &key,
				       ret_slot),
			     CRYPTO_OK);
	else
		cr_assert_eq(slot_seal(kind, STORE_ID, CREDENTIAL, sizeof(CREDENTIAL), 0, &key, ret_slot), CRYPTO_OK);
	return key;
}

Test(slot, vectors_open)
{
	cJSON *json = testdata_json(COFFER_SOURCE_DIR "/tests/vectors/keys-suite1.json");
	struct testdata_bytes store = testdata_hex(json, "store_id"), unlock = testdata_hex(json, "unlock_key");
	struct unlock_key key;

	for (int kind = SLOT_PASSPHRASE; kind <= SLOT_CREDENTIAL; kind++) {
		const bool words = kind == SLOT_PASSPHRASE;
		struct testdata_bytes secret = testdata_hex(json, words ? "passphrase" : "credential");
		struct testdata_bytes slot = testdata_hex(json, words ? "passphrase_slot" : "credential_slot");

		cr_assert_eq(slot.size, SLOT_SIZE);
		cr_assert_eq(slot_open((enum slot_kind)kind, store.b, secret.b, secret.size, slot.b, slot.size, &key),
			     CRYPTO_OK);
		cr_assert_arr_eq(key.b, unlock.b, sizeof(key.b));
		free(secret.b);
		free(slot.b);
	}
	free(store.b);
	free(unlock.b);
	cJSON_Delete(json);
}

Test(slot, only_its_own_secret_kind_and_store_open_it)
{
	static const uint8_t OTHER_STORE[16] = {3};
	uint8_t slot[SLOT_SIZE];
	struct unlock_key opened, key = sealed(SLOT_PASSPHRASE, slot);
	const size_t size = sizeof(PASSPHRASE) - 1;

	cr_assert_eq(slot_open(SLOT_PASSPHRASE, STORE_ID, PASSPHRASE, size, slot, SLOT_SIZE, &opened), CRYPTO_OK);
	cr_assert_arr_eq(opened.b, key.b, sizeof(key.b));
	cr_assert_eq(slot_open(SLOT_PASSPHRASE, STORE_ID, PASSPHRASE, size - 1, slot, SLOT_SIZE, &opened),
		     CRYPTO_LOCKED);
	cr_assert_eq(slot_open(SLOT_PASSPHRASE, OTHER_STORE, PASSPHRASE, size, slot, SLOT_SIZE, &opened),
		     CRYPTO_LOCKED);
	cr_assert_eq(slot_open(SLOT_CREDENTIAL, STORE_ID, CREDENTIAL, sizeof(CREDENTIAL), slot, SLOT_SIZE, &opened),
		     CRYPTO_LOCKED);
	(void)sealed(SLOT_CREDENTIAL, slot);
	cr_assert_eq(slot_open(SLOT_CREDENTIAL, STORE_ID, CREDENTIAL, sizeof(CREDENTIAL), slot, SLOT_SIZE, &opened),
		     CRYPTO_OK);
	cr_assert_eq(slot_open(SLOT_CREDENTIAL, STORE_ID, PASSPHRASE, size, slot, SLOT_SIZE, &opened), CRYPTO_LOCKED);
}

Test(slot, every_flipped_byte_is_detected)
{
	uint8_t slot[SLOT_SIZE];
	struct unlock_key opened;

	(void)sealed(SLOT_CREDENTIAL, slot);
	for (size_t i = 0; i < sizeof(slot); i++) {
		slot[i] ^= 1;
		cr_assert_neq(
			slot_open(SLOT_CREDENTIAL, STORE_ID, CREDENTIAL, sizeof(CREDENTIAL), slot, SLOT_SIZE, &opened),
			CRYPTO_OK, "byte %zu", i);
		slot[i] ^= 1;
	}
	for (size_t size = 0; size < SLOT_SIZE; size++)
		cr_assert_eq(slot_open(SLOT_CREDENTIAL, STORE_ID, CREDENTIAL, sizeof(CREDENTIAL), slot, size, &opened),
			     CRYPTO_FORMAT);
}

/* A file that asks for four thousand million iterations must not be able to hold the service up. */
Test(slot, a_count_out_of_range_is_refused_before_any_work, .timeout = 5)
{
	uint8_t slot[SLOT_SIZE];
	struct unlock_key opened;

	(void)sealed(SLOT_PASSPHRASE, slot);
	memset(slot + 9, 0xff, 4);
	cr_assert_eq(slot_open(SLOT_PASSPHRASE, STORE_ID, PASSPHRASE, sizeof(PASSPHRASE) - 1, slot, SLOT_SIZE, &opened),
		     CRYPTO_LOCKED);
}

Test(slot, weak_parameters_are_refused)
{
	uint8_t slot[SLOT_SIZE];
	struct unlock_key key = {{1}};

	cr_assert_eq(slot_seal(SLOT_PASSPHRASE, STORE_ID, "", 0, SLOT_ITERATIONS_MIN, &key, slot), CRYPTO_FORMAT);
	cr_assert_eq(slot_seal(SLOT_PASSPHRASE, STORE_ID, "word", 4, SLOT_ITERATIONS_MIN - 1, &key, slot),
		     CRYPTO_FORMAT);
	cr_assert_eq(slot_seal(SLOT_CREDENTIAL, STORE_ID, CREDENTIAL, SLOT_CREDENTIAL_MIN - 1, 0, &key, slot),
		     CRYPTO_FORMAT);
}
