#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "server/api/key_text.h"
#include "server/json/json_doc.h"
#include "tests/unit/support/partners.h"

enum { TEXT_MAX = 8192 };

/* The members of a good key, for texts of all kinds. */
static char modulus[1024];
static struct rsakey_public *good;

static void setup(void)
{
	uint8_t n[RSAKEY_MAX_SIZE];

	good = (struct rsakey_public *)(uintptr_t)rsakey_private_public(partners_key(0));
	rsakey_public_modulus(good, n);
	encode_base64url(n, rsakey_public_size(good), modulus);
}

TestSuite(key_text, .init = setup);

static bool is_good(const struct rsakey_public *key)
{
	size_t a, b;
	const uint8_t *spki = rsakey_public_spki(key, &a), *want = rsakey_public_spki(good, &b);

	return a == b && memcmp(spki, want, a) == 0;
}

/* What a text gives, which must be the good key when it is one; *ret_wiped: nothing of the text is left. */
static enum pubkey_verdict read_text(const char *text, bool *ret_wiped)
{
	const size_t size = strlen(text);
	struct rsakey_public *key = NULL;
	char *copy = strdup(text);
	const enum pubkey_verdict verdict = key_text_read(copy, size, &key);
	size_t zeros = 0;

	while (zeros < size && copy[zeros] == '\0')
		zeros++;
	*ret_wiped = size > 0 && zeros == size;
	cr_expect_eq(copy[size], '\0');
	cr_expect_eq(key != NULL, verdict == PUBKEY_OK, "%s", text);
	cr_expect(!key || is_good(key), "%s", text);
	rsakey_public_free(key);
	free(copy);
	return verdict;
}

/* With %s for the good modulus. */
static void check(const char *format, enum pubkey_verdict want)
{
	char text[TEXT_MAX];
	bool wiped;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), format, modulus);
#pragma GCC diagnostic pop
	const enum pubkey_verdict verdict = read_text(text, &wiped);

	cr_expect_eq(verdict, want, "%s: %s; expected: %s", format, pubkey_verdict_text(verdict),
		     pubkey_verdict_text(want));
	cr_expect_eq(wiped, want == PUBKEY_PRIVATE, "%s", format);
}

Test(key_text, a_jwk_is_read_with_whatever_else_it_says_of_the_key)
{
	check("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}", PUBKEY_OK);
	check(" \r\n\t{ \"e\" : \"AQAB\" , \"n\" : \"%s\" , \"kty\" : \"RSA\" } \n", PUBKEY_OK);
	check("{\"kty\":\"RSA\",\"kid\":\"d\",\"alg\":\"RSA-OAEP\",\"use\":\"enc\",\"n\":\"%s\",\"e\":\"AQAB\"}",
	      PUBKEY_OK);
	check("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AAEAAQ\"}", PUBKEY_OK);
}

Test(key_text, each_private_member_makes_a_jwk_private_and_wipes_it)
{
	static const char *const MEMBERS[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
	static const char *const VALUES[] = {"\"AQAB\"", "\"\"", "null", "7", "[{\"r\":\"AQ\"}]"};
	char format[256];

	for (size_t i = 0; i < sizeof(MEMBERS) / sizeof(MEMBERS[0]); i++) {
		for (size_t j = 0; j < sizeof(VALUES) / sizeof(VALUES[0]); j++) {
			snprintf(format, sizeof(format), "{\"kty\":\"RSA\",\"n\":\"%%s\",\"e\":\"AQAB\",\"%s\":%s}",
				 MEMBERS[i], VALUES[j]);
			check(format, PUBKEY_PRIVATE);
		}
		snprintf(format, sizeof(format), "{\"%s\":\"AQAB\"}", MEMBERS[i]);
		check(format, PUBKEY_PRIVATE);
	}
	check("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\",\"d\":\"AQ\"}", PUBKEY_PRIVATE);
	check("{\"kty\":\"oct\",\"k\":\"AQ\"}", PUBKEY_PRIVATE);
	check("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\",\"\\u0064\":\"AQAB\"}", PUBKEY_PRIVATE);
}

Test(key_text, a_jwk_is_refused_for_what_is_wrong_with_it)
{
	check("{}", PUBKEY_MALFORMED);
	check("{\"kty\":\"RSA\"}", PUBKEY_MALFORMED);
	check("{\"n\":\"%s\",\"e\":\"AQAB\"}", PUBKEY_MALFORMED);
	check("{\"kty\":\"RSA\",\"n\":\"%s\"}", PUBKEY_MALFORMED);
	check("{\"kty\":\"RSA\",\"e\":\"AQAB\"}", PUBKEY_MALFORMED);
	check("{\"kty\":7,\"n\":\"%s\",\"e\":\"AQAB\"}", PUBKEY_MALFORMED);
	check("{\"kty\":\"rsa\",\"n\":\"%s\",\"e\":\"AQAB\"}", PUBKEY_NOT_RSA);
	check("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"AQ\"}", PUBKEY_NOT_RSA);
	check("{\"kty\":\"RSA\",\"n\":5,\"e\":\"AQAB\"}", PUBKEY_MALFORMED);
	check("{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}", PUBKEY_MALFORMED);
	check("{\"kty\":\"RSA\",\"n\":\"%s=\",\"e\":\"AQAB\"}", PUBKEY_MALFORMED);
	check("{\"kty\":\"RSA\",\"n\":\"not base64\",\"e\":\"AQAB\"}", PUBKEY_MALFORMED);
	check("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQ+B\"}", PUBKEY_MALFORMED);
	check("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":65537}", PUBKEY_MALFORMED);
	check("{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", PUBKEY_MODULUS_SHORT);
	check("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQ\"}", PUBKEY_EXPONENT_SMALL);
	check("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAC\"}", PUBKEY_EXPONENT_EVEN);
	check("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAAAAE\"}", PUBKEY_EXPONENT_LARGE);
	check("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"} {}", PUBKEY_MALFORMED);
	check("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\",\"e\":\"AQAB\"}", PUBKEY_MALFORMED);
	check("{", PUBKEY_MALFORMED);
	check("[]", PUBKEY_MALFORMED);
	check("", PUBKEY_MALFORMED);
}

Test(key_text, numbers_that_are_too_long_are_told_as_such)
{
	char text[TEXT_MAX], digits[3000];
	bool wiped;

	memset(digits, 'B', sizeof(digits));
	digits[2900] = '\0';
	snprintf(text, sizeof(text), "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}", digits);
	cr_assert_eq(read_text(text, &wiped), PUBKEY_MODULUS_LONG);
	digits[1368] = '\0'; /* 1026 bytes */
	snprintf(text, sizeof(text), "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}", digits);
	cr_assert_eq(read_text(text, &wiped), PUBKEY_MODULUS_LONG);
	snprintf(text, sizeof(text), "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", modulus, digits);
	cr_assert_eq(read_text(text, &wiped), PUBKEY_EXPONENT_LARGE);
}

Test(key_text, what_is_no_object_is_read_as_pem)
{
	char *pem = NULL, text[TEXT_MAX];
	size_t size;
	bool wiped;

	cr_assert_eq(pubkey_to_pem(good, &pem, &size), CRYPTO_OK);
	cr_assert_eq(read_text(pem, &wiped), PUBKEY_OK);
	snprintf(text, sizeof(text), "\n \t%s\n", pem);
	cr_assert_eq(read_text(text, &wiped), PUBKEY_OK);
	snprintf(text, sizeof(text), "%s%s", pem, pem);
	cr_assert_eq(read_text(text, &wiped), PUBKEY_MALFORMED, "which of them?");
	for (size_t cut = 0; cut < (size_t)(strstr(pem, "-----END") - pem); cut++) {
		snprintf(text, sizeof(text), "%.*s", (int)cut, pem);
		cr_expect_eq(read_text(text, &wiped), PUBKEY_MALFORMED, "cut at %zu", cut);
	}
	free(pem);
}

Test(key_text, a_private_key_in_pem_is_wiped)
{
	char *pem = NULL;
	size_t size;
	bool wiped = false;

	cr_assert_eq(rsakey_private_to_pem(partners_key(0), NULL, &pem, &size), CRYPTO_OK);
	cr_assert_eq(read_text(pem, &wiped), PUBKEY_PRIVATE);
	cr_assert(wiped);
	secret_free(pem, size + 1);
	cr_assert_eq(rsakey_private_to_pem(partners_key(0), "a passphrase", &pem, &size), CRYPTO_OK);
	cr_assert_eq(read_text(pem, &wiped), PUBKEY_PRIVATE);
	cr_assert(wiped);
	secret_free(pem, size + 1);
	cr_assert_eq(read_text("-----BEGIN EC PRIVATE KEY-----", &wiped), PUBKEY_PRIVATE);
	cr_assert_eq(read_text("key: -----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", &wiped), PUBKEY_PRIVATE);
}

Test(key_text, a_jwk_that_is_written_has_the_public_members_alone_and_reads_back)
{
	static const char *const MEMBERS[] = {"kty", "n", "e", NULL};
	struct json_doc *doc = NULL;
	size_t size, member_size;
	const char *text;
	char *jwk = key_text_jwk(good, &size);
	bool wiped;

	cr_assert_eq(size, strlen(jwk));
	cr_assert_eq(json_doc_parse(jwk, size, &doc), JSON_DOC_OK);
	cr_assert_eq(json_doc_only(json_doc_root(doc), MEMBERS), JSON_DOC_OK);
	cr_assert_eq(json_doc_string(json_doc_member(json_doc_root(doc), "n"), 1, 1024, &text, &member_size),
		     JSON_DOC_OK);
	cr_assert_str_eq(text, modulus);
	cr_assert_eq(json_doc_string(json_doc_member(json_doc_root(doc), "e"), 1, 8, &text, &member_size), JSON_DOC_OK);
	cr_assert_str_eq(text, "AQAB");
	json_doc_free(doc);
	cr_assert_eq(read_text(jwk, &wiped), PUBKEY_OK);
	free(jwk);
}
