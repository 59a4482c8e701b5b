#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/encode.h"
#include "tests/unit/support/testdata.h"

static void assert_hex(const uint8_t *bytes, size_t size, const char *expected)
{
	char text[2 * 128 + 1];

	encode_hex(bytes, size, text);
	cr_assert_str_eq(text, expected);
}

Test(digest, sha256_of_fips_examples)
{
	uint8_t digest[DIGEST_SIZE];

	digest_sha256("abc", 3, digest);
	assert_hex(digest, sizeof(digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	digest_sha256(NULL, 0, digest);
	assert_hex(digest, sizeof(digest), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

Test(digest, pieces_make_the_same_digest_and_finish_starts_anew)
{
	uint8_t bytes[300];
	uint8_t whole[DIGEST_SIZE];
	uint8_t pieces[DIGEST_SIZE];
	struct digest *digest;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	digest_sha256(bytes, sizeof(bytes), whole);
	cr_assert_eq(digest_new(&digest), CRYPTO_OK);
	for (int round = 0; round < 2; round++) {
		for (size_t at = 0, n = 0; at < sizeof(bytes); at += n) {
			n = (at % 37) + 1 < sizeof(bytes) - at ? (at % 37) + 1 : sizeof(bytes) - at;
			digest_update(digest, bytes + at, n);
		}
		digest_update(digest, NULL, 0);
		digest_finish(digest, pieces);
		cr_assert_arr_eq(pieces, whole, DIGEST_SIZE);
	}
	digest_free(digest);
	digest_free(NULL);
}

/* RFC 5869, appendix A. */
static const struct {
	const char *ikm, *salt, *info, *okm;
} hkdf[] = {
	{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
	 "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
	{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
	 "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

Test(digest, hkdf_of_rfc5869)
{
	for (size_t i = 0; i < sizeof(hkdf) / sizeof(hkdf[0]); i++) {
		struct testdata_bytes ikm = testdata_unhex(hkdf[i].ikm);
		struct testdata_bytes salt = testdata_unhex(hkdf[i].salt);
		struct testdata_bytes info = testdata_unhex(hkdf[i].info);
		uint8_t okm[42];

		hkdf_sha256(ikm.b, ikm.size, salt.b, salt.size, info.b, info.size, okm, sizeof(okm));
		assert_hex(okm, sizeof(okm), hkdf[i].okm);
		free(ikm.b);
		free(salt.b);
		free(info.b);
	}
}

Test(digest, purposes_and_stores_have_keys_of_their_own)
{
	struct store_key root = {{1, 2, 3}};
	uint8_t store[16] = {4};
	struct mac_key row, token, other;
	uint8_t expected[32];

	mac_key_derive(&root, store, "coffer-row-mac-v1", &row);
	hkdf_sha256(root.b, 32, store, 16, "coffer-row-mac-v1", 17, expected, 32);
	cr_assert_arr_eq(row.b, expected, 32);
	mac_key_derive(&root, store, "coffer-token-v1", &token);
	store[15] = 1;
	mac_key_derive(&root, store, "coffer-row-mac-v1", &other);
	cr_assert(memcmp(row.b, token.b, 32) != 0 && memcmp(row.b, other.b, 32) != 0);
}

Test(digest, mac_refuses_any_changed_bit)
{
	struct mac_key key = {{7}};
	uint8_t mac[DIGEST_SIZE];
	uint8_t message[] = "a row of a table";

	mac_compute(&key, message, sizeof(message), mac);
	cr_assert_eq(mac_verify(&key, message, sizeof(message), mac), CRYPTO_OK);
	for (size_t i = 0; i < sizeof(mac); i++) {
		mac[i] ^= 0x10;
		cr_assert_eq(mac_verify(&key, message, sizeof(message), mac), CRYPTO_AUTH);
		mac[i] ^= 0x10;
	}
	for (size_t i = 0; i < sizeof(message); i++) {
		message[i] ^= 1;
		cr_assert_eq(mac_verify(&key, message, sizeof(message), mac), CRYPTO_AUTH);
		message[i] ^= 1;
	}
	cr_assert_eq(mac_verify(&key, message, sizeof(message) - 1, mac), CRYPTO_AUTH);
	key.b[31] ^= 1;
	cr_assert_eq(mac_verify(&key, message, sizeof(message), mac), CRYPTO_AUTH);
}

/* RFC 4231's keys are not 32 bytes long, so this vector was computed with Python's hmac. */
Test(digest, mac_is_hmac_sha256)
{
	struct mac_key key;
	uint8_t mac[DIGEST_SIZE];

	for (size_t i = 0; i < sizeof(key.b); i++)
		key.b[i] = (uint8_t)i;
	mac_compute(&key, "coffer", 6, mac);
	assert_hex(mac, sizeof(mac), "f705eae0a0e783943a165fdc3b05d0ed3be95fb038959bf4d9b301230f47b5d5");
	mac_compute(&key, NULL, 0, mac);
	assert_hex(mac, sizeof(mac), "d38b42096d80f45f826b44a9d5607de72496a415d3f4a1a8c88e3bb9da8dc1cb");
}
