#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/identity.h"
#include "crypto/secret.h"
#include "tests/unit/support/testdata.h"

/* RFC 8410 §10.3's first key. */
static const char rfc8410_pem[] = "-----BEGIN PRIVATE KEY-----\n"
				  "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
				  "-----END PRIVATE KEY-----\n";
static const char rfc8410_public[] = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

/* RFC 8032 §7.1 TEST 2, as PKCS#8. */
static const char rfc8032_pem[] = "-----BEGIN PRIVATE KEY-----\n"
				  "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
				  "-----END PRIVATE KEY-----\n";
static const char rfc8032_public[] = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
static const char rfc8032_signature[] = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
					"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

static void assert_public(const struct identity *identity, const char *hex)
{
	uint8_t key[IDENTITY_PUBLIC_SIZE];
	struct testdata_bytes expected = testdata_unhex(hex);

	identity_public(identity, key);
	cr_assert_eq(expected.size, sizeof(key));
	cr_assert_arr_eq(key, expected.b, sizeof(key));
	free(expected.b);
}

Test(identity, pem_is_that_of_rfc8410_both_ways)
{
	struct identity *identity = NULL;
	char *pem = NULL;
	size_t size = 0;

	cr_assert_eq(identity_from_pem(rfc8410_pem, strlen(rfc8410_pem), &identity), CRYPTO_OK);
	assert_public(identity, rfc8410_public);
	cr_assert_eq(identity_to_pem(identity, &pem, &size), CRYPTO_OK);
	cr_assert_eq(size, strlen(pem));
	cr_assert_str_eq(pem, rfc8410_pem);
	secret_free(pem, size + 1);
	identity_free(identity);
}

Test(identity, signs_as_rfc8032_says)
{
	struct identity *identity = NULL;
	uint8_t signature[IDENTITY_SIGNATURE_SIZE];
	struct testdata_bytes expected = testdata_unhex(rfc8032_signature);

	cr_assert_eq(identity_from_pem(rfc8032_pem, strlen(rfc8032_pem), &identity), CRYPTO_OK);
	assert_public(identity, rfc8032_public);
	identity_sign(identity, "\x72", 1, signature);
	cr_assert_arr_eq(signature, expected.b, sizeof(signature));
	free(expected.b);
	identity_free(identity);
}

Test(identity, a_changed_signature_message_or_key_does_not_verify)
{
	struct identity *identity = NULL;
	uint8_t key[IDENTITY_PUBLIC_SIZE];
	uint8_t signature[IDENTITY_SIGNATURE_SIZE];
	uint8_t message[] = "checkpoint";

	cr_assert_eq(identity_generate(&identity), CRYPTO_OK);
	identity_public(identity, key);
	identity_sign(identity, message, sizeof(message), signature);
	cr_assert_eq(identity_verify(key, message, sizeof(message), signature), CRYPTO_OK);
	for (size_t i = 0; i < sizeof(signature); i++) {
		signature[i] ^= 4;
		cr_assert_eq(identity_verify(key, message, sizeof(message), signature), CRYPTO_AUTH);
		signature[i] ^= 4;
	}
	for (size_t i = 0; i < sizeof(message); i++) {
		message[i] ^= 4;
		cr_assert_eq(identity_verify(key, message, sizeof(message), signature), CRYPTO_AUTH);
		message[i] ^= 4;
	}
	key[0] ^= 1;
	cr_assert_eq(identity_verify(key, message, sizeof(message), signature), CRYPTO_AUTH);
	identity_free(identity);
}

Test(identity, generated_ones_differ_and_survive_pem)
{
	struct identity *one = NULL, *two = NULL, *again = NULL;
	uint8_t a[IDENTITY_PUBLIC_SIZE], b[IDENTITY_PUBLIC_SIZE];
	char *pem = NULL;
	size_t size;

	cr_assert_eq(identity_generate(&one), CRYPTO_OK);
	cr_assert_eq(identity_generate(&two), CRYPTO_OK);
	identity_public(one, a);
	identity_public(two, b);
	cr_assert(memcmp(a, b, sizeof(a)) != 0);
	cr_assert_eq(identity_to_pem(one, &pem, &size), CRYPTO_OK);
	cr_assert_eq(identity_from_pem(pem, size, &again), CRYPTO_OK);
	identity_public(again, b);
	cr_assert_arr_eq(a, b, sizeof(a));
	secret_free(pem, size + 1);
	identity_free(one);
	identity_free(two);
	identity_free(again);
	identity_free(NULL);
}

Test(identity, refuses_what_is_no_ed25519_key)
{
	static const char garbage[] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
	struct identity *identity = NULL;

	cr_assert_eq(identity_from_pem("", 0, &identity), CRYPTO_FORMAT);
	cr_assert_eq(identity_from_pem("hello", 5, &identity), CRYPTO_FORMAT);
	cr_assert_eq(identity_from_pem(garbage, strlen(garbage), &identity), CRYPTO_FORMAT);
	cr_assert_null(identity);
}
