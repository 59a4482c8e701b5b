#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/eme.h"
#include "crypto/oaep.h"
#include "tests/unit/support/testdata.h"

/* Checks one vector; "valid" must give its message, anything else CRYPTO_AUTH and a wiped buffer. */
static void check(const struct rsakey_private *key, enum oaep_hash hash, const cJSON *test)
{
	struct testdata_bytes ct = testdata_hex(test, "ct");
	struct testdata_bytes label = testdata_hex(test, "label");
	struct testdata_bytes message = testdata_hex(test, "msg");
	bool invalid = strcmp(testdata_text(test, "result"), "invalid") == 0;
	int id = cJSON_GetObjectItem(test, "tcId")->valueint;
	size_t room = oaep_max_message(rsakey_private_public(key), hash);
	uint8_t *out = malloc(room);
	size_t size = 0;

	memset(out, 0xa5, room);
	enum crypto_status status = oaep_decrypt(key, hash, label.b, label.size, ct.b, ct.size, out, &size);
	cr_assert_eq(status, invalid ? CRYPTO_AUTH : CRYPTO_OK, "tcId %d: %s", id, crypto_status_text(status));
	if (!invalid)
		cr_assert(size == message.size && memcmp(out, message.b, size) == 0, "tcId %d", id);
	for (size_t i = 0; invalid && i < room; i++)
		cr_assert_eq(out[i], 0, "tcId %d", id);
	free(ct.b);
	free(label.b);
	free(message.b);
	free(out);
}

/* Groups of other hashes are not coffer's. Returns the vectors checked. */
static int check_group(const cJSON *group)
{
	const char *sha = testdata_text(group, "sha");
	const char *pem = testdata_text(group, "privateKeyPem");
	bool accepted = cJSON_GetObjectItem(group, "keySize")->valueint >= RSAKEY_MIN_BITS;
	struct rsakey_private *key = NULL;
	const cJSON *test;
	int count = 0;

	if (strcmp(sha, testdata_text(group, "mgfSha")) != 0 ||
	    (strcmp(sha, "SHA-1") != 0 && strcmp(sha, "SHA-256") != 0))
		return 0;
	cr_assert_eq(rsakey_private_from_pem(pem, strlen(pem), NULL, &key), accepted ? CRYPTO_OK : CRYPTO_KEY);
	if (!accepted)
		return 0;
	cJSON_ArrayForEach(test, cJSON_GetObjectItem(group, "tests"))
	{
		check(key, strcmp(sha, "SHA-1") == 0 ? OAEP_SHA1 : OAEP_SHA256, test);
		count++;
	}
	rsakey_private_free(key);
	return count;
}

static void wycheproof(const char *file)
{
	char name[128];
	cJSON *group;
	int count = 0;

	snprintf(name, sizeof(name), "wycheproof/%s", file);
	char *path = testdata_path(COFFER_SOURCE_DIR, name);
	if (!path)
		cr_skip_test("no %s", file);
	cJSON *json = testdata_json(path);
	cr_assert_not_null(json);
	cJSON_ArrayForEach(group, cJSON_GetObjectItem(json, "testGroups")) count += check_group(group);
	cr_assert_gt(count, 0);
	printf("%s: %d of %d vectors are for SHA-1 or SHA-256 and an accepted key\n", file, count,
	       cJSON_GetObjectItem(json, "numberOfTests")->valueint);
	cJSON_Delete(json);
	free(path);
}

Test(oaep, wycheproof_2048_sha1)
{
	wycheproof("rsa_oaep_2048_sha1_mgf1sha1_test.json");
}

Test(oaep, wycheproof_2048_sha256)
{
	wycheproof("rsa_oaep_2048_sha256_mgf1sha256_test.json");
}

Test(oaep, wycheproof_3072_sha256)
{
	wycheproof("rsa_oaep_3072_sha256_mgf1sha256_test.json");
}

Test(oaep, wycheproof_4096_sha256)
{
	wycheproof("rsa_oaep_4096_sha256_mgf1sha256_test.json");
}

Test(oaep, wycheproof_misc)
{
	wycheproof("rsa_oaep_misc_test.json");
}

static struct rsakey_private *generate(void)
{
	struct rsakey_private *key = NULL;
	cr_assert_eq(rsakey_generate(2048, &key), CRYPTO_OK);
	return key;
}

Test(oaep, every_length_that_fits_comes_back)
{
	struct rsakey_private *key = generate();
	const struct rsakey_public *pub = rsakey_private_public(key);
	uint8_t message[256], ciphertext[256], out[256];

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i < 4 ? i : i * 11);
	for (int hash = OAEP_SHA1; hash <= OAEP_SHA256; hash++) {
		size_t max = oaep_max_message(pub, (enum oaep_hash)hash);
		cr_assert_eq(max, hash == OAEP_SHA1 ? 214 : 190);
		for (size_t size = 0; size <= max; size += size < 3 || size >= max - 2 ? 1 : 19) {
			size_t got = 999;
			cr_assert_eq(oaep_encrypt(pub, (enum oaep_hash)hash, "l", 1, message, size, ciphertext),
				     CRYPTO_OK);
			cr_assert_eq(oaep_decrypt(key, (enum oaep_hash)hash, "l", 1, ciphertext, 256, out, &got),
				     CRYPTO_OK);
			cr_assert(got == size && memcmp(out, message, size) == 0);
		}
		cr_assert_eq(oaep_encrypt(pub, (enum oaep_hash)hash, "l", 1, message, max + 1, ciphertext),
			     CRYPTO_FORMAT);
	}
	rsakey_private_free(key);
}

Test(oaep, another_label_hash_key_or_size_is_one_and_the_same_error)
{
	struct rsakey_private *key = generate();
	struct rsakey_private *other = generate();
	uint8_t ciphertext[257] = {0}, out[256];
	size_t got;

	cr_assert_eq(
		oaep_encrypt(rsakey_private_public(key), OAEP_SHA256, "label", 5, (const uint8_t *)"m", 1, ciphertext),
		CRYPTO_OK);
	cr_assert_eq(oaep_decrypt(key, OAEP_SHA256, "label", 5, ciphertext, 256, out, &got), CRYPTO_OK);
	cr_assert_eq(oaep_decrypt(key, OAEP_SHA256, "Label", 5, ciphertext, 256, out, &got), CRYPTO_AUTH);
	cr_assert_eq(oaep_decrypt(key, OAEP_SHA256, "", 0, ciphertext, 256, out, &got), CRYPTO_AUTH);
	cr_assert_eq(oaep_decrypt(key, OAEP_SHA1, "label", 5, ciphertext, 256, out, &got), CRYPTO_AUTH);
	cr_assert_eq(oaep_decrypt(other, OAEP_SHA256, "label", 5, ciphertext, 256, out, &got), CRYPTO_AUTH);
	cr_assert_eq(oaep_decrypt(key, OAEP_SHA256, "label", 5, ciphertext, 255, out, &got), CRYPTO_AUTH);
	cr_assert_eq(oaep_decrypt(key, OAEP_SHA256, "label", 5, ciphertext, 257, out, &got), CRYPTO_AUTH);
	cr_assert_eq(oaep_decrypt(key, OAEP_SHA256, "label", 5, ciphertext, 0, out, &got), CRYPTO_AUTH);
	memset(ciphertext, 0xff, 256); /* above the modulus */
	cr_assert_eq(oaep_decrypt(key, OAEP_SHA256, "label", 5, ciphertext, 256, out, &got), CRYPTO_AUTH);
	memset(ciphertext, 0, 256);
	cr_assert_eq(oaep_decrypt(key, OAEP_SHA256, "label", 5, ciphertext, 256, out, &got), CRYPTO_AUTH);
	rsakey_private_free(key);
	rsakey_private_free(other);
}

static const struct eme_oaep example = {.hash = OAEP_SHA256, .label = "label", .label_size = 5};

static void encode(uint8_t em[static 256])
{
	static const uint8_t seed[32] = {1, 2, 3};
	cr_assert_eq(eme_oaep_encode(&example, seed, (const uint8_t *)"message", 7, em, 256), CRYPTO_OK);
}

Test(eme, a_flipped_bit_anywhere_is_detected)
{
	uint8_t em[256], out[256];
	size_t got;

	encode(em);
	cr_assert_eq(eme_oaep_decode(&example, em, 256, out, &got), CRYPTO_OK);
	cr_assert(got == 7 && memcmp(out, "message", 7) == 0);
	for (size_t i = 0; i < 256; i++) {
		for (int bit = 0; bit < 8; bit++) {
			encode(em);
			em[i] ^= (uint8_t)(1 << bit);
			enum crypto_status status = eme_oaep_decode(&example, em, 256, out, &got);
			/* Even in the message: a changed DB changes the seed, and that all of DB. */
			cr_assert_eq(status, CRYPTO_AUTH, "byte %zu bit %d", i, bit);
		}
	}
}

/* Masks a hand-made DB the way the encoder does, by encoding and replacing what differs. */
static enum crypto_status decode_db(uint8_t first, const uint8_t db[static 223])
{
	uint8_t em[256], zero[256], out[256];
	size_t got, start;

	/* MGF1 is xor: the mask for this seed is the encoding of a known DB xored with that DB. */
	encode(em);
	memcpy(zero, em, sizeof(em));
	cr_assert(eme_oaep_unmask(&example, zero, 256, &start)); /* zero: 00, seed, DB in clear */
	uint8_t masked_db[223];
	for (size_t i = 0; i < 223; i++)
		masked_db[i] = (uint8_t)(em[33 + i] ^ zero[33 + i] ^ db[i]); /* masked DB */
	/* The seed's mask depends on the masked DB: find it by unmasking a zero seed over that DB. */
	uint8_t probe[256] = {0};
	memcpy(probe + 33, masked_db, 223);
	(void)eme_oaep_unmask(&example, probe, 256, &start);
	em[0] = first;
	for (size_t i = 0; i < 32; i++)
		em[1 + i] = (uint8_t)(zero[1 + i] ^ probe[1 + i]);
	memcpy(em + 33, masked_db, 223);
	return eme_oaep_decode(&example, em, 256, out, &got);
}

Test(eme, each_part_of_the_padding_counts_by_itself)
{
	uint8_t good[223], db[223], em[256];
	size_t start;

	encode(em);
	cr_assert(eme_oaep_unmask(&example, em, 256, &start));
	cr_assert_eq(start, 249);
	memcpy(good, em + 33, sizeof(good));
	cr_assert_eq(decode_db(0, good), CRYPTO_OK);
	cr_assert_eq(decode_db(1, good), CRYPTO_AUTH);
	cr_assert_eq(decode_db(0x80, good), CRYPTO_AUTH);
	for (size_t i = 0; i < 223 - 7; i++) { /* the label's hash, every padding byte, the 01 */
		for (int flip = 2; flip < 256; flip <<= 1) {
			memcpy(db, good, sizeof(db));
			db[i] ^= (uint8_t)flip;
			cr_assert_eq(decode_db(0, db), CRYPTO_AUTH, "byte %zu, flip %d", i, flip);
		}
	}
	memset(db, 0, sizeof(db)); /* no 01 at all */
	memcpy(db, good, 32);
	cr_assert_eq(decode_db(0, db), CRYPTO_AUTH);
	db[222] = 1; /* the empty message */
	cr_assert_eq(decode_db(0, db), CRYPTO_OK);
	db[32] = 1; /* the longest message; what follows is not looked at */
	db[40] = 0xff;
	cr_assert_eq(decode_db(0, db), CRYPTO_OK);
}
