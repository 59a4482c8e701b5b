#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/partner/authority.h"

/* Only its bytes matter here: what is hashed, and not what they say. */
static uint8_t der[100], fingerprint[DIGEST_SIZE];
static char pem[512];

static void setup(void)
{
	char base64[ENCODE_BASE64_SIZE(sizeof(der))];

	for (size_t i = 0; i < sizeof(der); i++)
		der[i] = (uint8_t)i;
	digest_sha256(der, sizeof(der), fingerprint);
	encode_base64(der, sizeof(der), base64);
	snprintf(pem, sizeof(pem), "-----BEGIN CERTIFICATE-----\n%.64s\n%.64s\n%.64s\n-----END CERTIFICATE-----\n",
		 base64, base64 + 64, base64 + 128);
}

TestSuite(partner_authority, .init = setup);

static void expect(const char *text, size_t size, const char *want)
{
	char *got = authority_pem(text, size, fingerprint);

	cr_expect_eq(got != NULL, want != NULL, "%s", text);
	if (got && want)
		cr_expect_str_eq(got, want);
	free(got);
}

Test(partner_authority, the_certificate_that_was_named_is_kept)
{
	expect(pem, strlen(pem), pem);
}

Test(partner_authority, another_is_not)
{
	fingerprint[31] ^= 1;
	expect(pem, strlen(pem), NULL);
}

Test(partner_authority, nothing_that_stands_beside_it_is_kept)
{
	static const char *const OTHER[] = {
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"-----BEGIN X509 CERTIFICATE-----\nAAAA\n-----END X509 CERTIFICATE-----\n",
		"-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n"};
	char text[2048];

	for (size_t i = 0; i < sizeof(OTHER) / sizeof(OTHER[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", pem, OTHER[i]);
		expect(text, strlen(text), pem);
		snprintf(text, sizeof(text), "%s%s", OTHER[i], pem);
		expect(text, strlen(text), i == 0 ? NULL : pem);
	}
}

Test(partner_authority, what_is_no_text_is_not_read)
{
	char text[1024];
	const size_t size = strlen(pem);

	memcpy(text, pem, size + 1);
	memcpy(text + size + 1, pem, size + 1);
	expect(text, 2 * size + 1, NULL);
	expect("", 0, NULL);
	for (size_t i = 0; i + 2 < size; i++) {
		snprintf(text, sizeof(text), "%.*s", (int)i, pem);
		expect(text, i, NULL);
	}
}

Test(partner_authority, one_too_long_is_refused)
{
	const size_t size = 20000;
	char *text = malloc(size + 1);

	cr_assert_not_null(text);
	memset(text, 'A', size);
	memcpy(text, "-----BEGIN CERTIFICATE-----\n", 28);
	memcpy(text + size - 25, "-----END CERTIFICATE-----", 25);
	text[size] = '\0';
	expect(text, size, NULL);
	free(text);
}
