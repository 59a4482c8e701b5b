#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/pss.h"
#include "tests/unit/support/testdata.h"

/* Those with coffer's parameters: SHA-256, MGF1 over SHA-256, salts of 32 bytes. */
static const char *const SETS[] = {
	"wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json",
	"wycheproof/rsa_pss_3072_sha256_mgf1_32_test.json",
	"wycheproof/rsa_pss_4096_sha256_mgf1_32_test.json",
};
/* Same hash and key sizes, another salt length: what is valid there is not here. */
static const char OTHER_SALT[] = "wycheproof/rsa_pss_2048_sha256_mgf1_0_test.json";

static struct rsakey_public *key_of(const cJSON *group)
{
	const cJSON *numbers = cJSON_GetObjectItem(group, "publicKey");
	struct testdata_bytes n = testdata_hex(numbers, "modulus"), e = testdata_hex(numbers, "publicExponent");
	struct rsakey_public *key = NULL;

	cr_assert_eq(rsakey_public_from_numbers(n.b, n.size, e.b, e.size, &key), CRYPTO_OK);
	free(n.b);
	free(e.b);
	return key;
}

/* Whether a verdict is what the set says, in coffer's terms. */
static void run_set(const char *file, bool any_is_good, size_t *ret_count)
{
	char *path = testdata_path(COFFER_SOURCE_DIR, file);
	cJSON *set = path ? testdata_json(path) : NULL;
	const cJSON *group, *test;

	free(path);
	cJSON_ArrayForEach(group, cJSON_GetObjectItem(set, "testGroups"))
	{
		struct rsakey_public *key = key_of(group);

		cJSON_ArrayForEach(test, cJSON_GetObjectItem(group, "tests"))
		{
			struct testdata_bytes message = testdata_hex(test, "msg"),
					      signature = testdata_hex(test, "sig");
			const bool good = strcmp(testdata_text(test, "result"), "valid") == 0;

			/* Of the others, what is wrong there may be right here. */
			if (any_is_good || good)
				cr_assert_eq(pss_verify(key, message.b, message.size, signature.b, signature.size),
					     any_is_good && good ? CRYPTO_OK : CRYPTO_AUTH, "%s, test %d", file,
					     cJSON_GetObjectItem(test, "tcId")->valueint);
			++*ret_count;
			free(message.b);
			free(signature.b);
		}
		rsakey_public_free(key);
	}
	cJSON_Delete(set);
}

Test(pss, wycheproof)
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof(SETS) / sizeof(SETS[0]); i++)
		run_set(SETS[i], true, &count);
	run_set(OTHER_SALT, false, &count);
	if (count == 0)
		cr_skip_test("the shared test data is not there");
	cr_log_info("%zu signatures of Wycheproof", count);
	cr_assert_gt(count, 300);
}

Test(pss, signatures_differ_and_verify_for_their_message_alone)
{
	static const char TEXT[] = "what is signed";
	struct rsakey_private *key = NULL, *other = NULL;
	uint8_t first[256], second[256], long_one[257] = {0};

	cr_assert_eq(rsakey_generate(2048, &key), CRYPTO_OK);
	cr_assert_eq(rsakey_generate(2048, &other), CRYPTO_OK);
	cr_assert_eq(pss_sign(key, TEXT, sizeof(TEXT), first), CRYPTO_OK);
	cr_assert_eq(pss_sign(key, TEXT, sizeof(TEXT), second), CRYPTO_OK);
	cr_assert_neq(memcmp(first, second, sizeof(first)), 0);
	cr_assert_eq(pss_verify(rsakey_private_public(key), TEXT, sizeof(TEXT), first, 256), CRYPTO_OK);
	cr_assert_eq(pss_verify(rsakey_private_public(key), TEXT, sizeof(TEXT), second, 256), CRYPTO_OK);
	cr_assert_eq(pss_verify(rsakey_private_public(other), TEXT, sizeof(TEXT), first, 256), CRYPTO_AUTH);
	cr_assert_eq(pss_verify(rsakey_private_public(key), TEXT, sizeof(TEXT) - 1, first, 256), CRYPTO_AUTH);
	/* One spelling: with a zero in front it is the same number, and no signature. */
	memcpy(long_one + 1, first, 256);
	cr_assert_eq(pss_verify(rsakey_private_public(key), TEXT, sizeof(TEXT), long_one, 257), CRYPTO_AUTH);
	memset(first, 0, sizeof(first));
	cr_assert_eq(pss_verify(rsakey_private_public(key), TEXT, sizeof(TEXT), first, 256), CRYPTO_AUTH);
	memset(first, 0xff, sizeof(first));
	cr_assert_eq(pss_verify(rsakey_private_public(key), TEXT, sizeof(TEXT), first, 256), CRYPTO_AUTH);
	rsakey_private_free(key);
	rsakey_private_free(other);
}
