#include <criterion/criterion.h>
#include <string.h>

#include "crypto/encode.h"

static const struct {
	const char *plain;
	const char *base64;
	const char *base64url;
} rfc4648[] = {
	{"", "", ""},
	{"f", "Zg==", "Zg"},
	{"fo", "Zm8=", "Zm8"},
	{"foo", "Zm9v", "Zm9v"},
	{"foob", "Zm9vYg==", "Zm9vYg"},
	{"fooba", "Zm9vYmE=", "Zm9vYmE"},
	{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	{"\xfb\xff\xfe", "+//+", "-__-"},
};

Test(encode, base64_is_that_of_rfc4648_both_ways)
{
	for (size_t i = 0; i < sizeof(rfc4648) / sizeof(rfc4648[0]); i++) {
		size_t size = strlen(rfc4648[i].plain);
		char text[ENCODE_BASE64_SIZE(6)];
		char bytes[6];
		size_t got = 99;

		encode_base64(rfc4648[i].plain, size, text);
		cr_assert_str_eq(text, rfc4648[i].base64);
		cr_assert_eq(strlen(text) + 1, ENCODE_BASE64_SIZE(size));
		cr_assert(decode_base64(text, strlen(text), bytes, sizeof(bytes), &got));
		cr_assert(got == size && memcmp(bytes, rfc4648[i].plain, size) == 0);

		encode_base64url(rfc4648[i].plain, size, text);
		cr_assert_str_eq(text, rfc4648[i].base64url);
		cr_assert(decode_base64url(text, strlen(text), bytes, sizeof(bytes), &got));
		cr_assert(got == size && memcmp(bytes, rfc4648[i].plain, size) == 0);
	}
}

Test(encode, base64_decoding_refuses_every_other_spelling)
{
	static const char *const padded[] = {
		"Zg",	  "Zg=",  "Zg===",    "Zh==",	  "Zm9=", "=",	   "====",	 "Z===", "Zm 9",
		"Zm9v\n", "Z=g=", "Zm8=Zm8=", "Zg==Zg==", "Zm_-", "Zm9\0", "\xc3\xa9==", "Zg=A"};
	static const char *const bare[] = {"Zg==", "Zm8=", "Z", "Zm9vY", "Zh", "Zm9", "+//+", "Zm9v ", "Zm.v"};
	uint8_t bytes[16];
	size_t got;

	for (size_t i = 0; i < sizeof(padded) / sizeof(padded[0]); i++)
		cr_expect_not(decode_base64(padded[i], strlen(padded[i]), bytes, sizeof(bytes), &got), "%s", padded[i]);
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
		cr_expect_not(decode_base64url(bare[i], strlen(bare[i]), bytes, sizeof(bytes), &got), "%s", bare[i]);
	cr_assert_not(decode_base64("Zg\0=", 4, bytes, sizeof(bytes), &got));
}

Test(encode, decoding_never_exceeds_the_room)
{
	uint8_t bytes[4] = {9, 9, 9, 9};
	size_t got;

	cr_assert_not(decode_base64("Zm9vYg==", 8, bytes, 3, &got));
	cr_assert_eq(bytes[3], 9);
	cr_assert(decode_base64("Zm9vYg==", 8, bytes, 4, &got));
	cr_assert_eq(got, 4);
	cr_assert_not(decode_base64("Zg==", 4, bytes, 0, &got));
	cr_assert(decode_base64("", 0, bytes, 0, &got));
}

Test(encode, every_size_comes_back)
{
	uint8_t in[257];
	uint8_t out[257];
	char text[2 * sizeof(in) + 1];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 167 + 3);
	for (size_t size = 0; size <= sizeof(in); size++) {
		size_t got = 0;
		encode_base64(in, size, text);
		cr_assert(decode_base64(text, strlen(text), out, size, &got) && got == size && !memcmp(in, out, size));
		encode_base64url(in, size, text);
		cr_assert(decode_base64url(text, strlen(text), out, size, &got) && got == size &&
			  !memcmp(in, out, size));
		encode_hex(in, size, text);
		cr_assert(decode_hex(text, strlen(text), out, size) && !memcmp(in, out, size));
	}
}

Test(encode, hex_takes_both_cases_and_nothing_else)
{
	uint8_t bytes[2];

	cr_assert(decode_hex("aBcD", 4, bytes, 2) && bytes[0] == 0xab && bytes[1] == 0xcd);
	cr_assert_not(decode_hex("abc", 3, bytes, 2));
	cr_assert_not(decode_hex("abcde", 5, bytes, 2));
	cr_assert_not(decode_hex("abcdef", 6, bytes, 2));
	cr_assert_not(decode_hex("ab g", 4, bytes, 2));
	cr_assert_not(decode_hex("0x12", 4, bytes, 2));
	cr_assert_not(decode_hex("@`Gg", 4, bytes, 2));
}

Test(encode, uuid_has_one_spelling)
{
	static const uint8_t id[16] = {0x01, 0x93, 0x5c, 0x2e, 0xab, 0xcd, 0x7f, 0x00,
				       0x80, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0xff};
	static const char text[] = "01935c2e-abcd-7f00-8011-2233445566ff";
	static const char *const wrong[] = {
		"",
		"01935c2e-abcd-7f00-8011-2233445566f",
		"01935c2e-abcd-7f00-8011-2233445566ff0",
		"01935C2E-abcd-7f00-8011-2233445566ff",
		"01935c2eaabcd-7f00-8011-2233445566ff",
		"01935c2-eabcd-7f00-8011-2233445566ff",
		"{1935c2e-abcd-7f00-8011-2233445566f}",
		"01935c2eabcd7f0080112233445566ff",
		"01935c2e-abcd-7f00-8011-2233445566fg",
	};
	char written[ENCODE_UUID_CHARS + 1];
	uint8_t read[16];

	encode_uuid(id, written);
	cr_assert_str_eq(written, text);
	cr_assert(decode_uuid(text, read));
	cr_assert_arr_eq(read, id, 16);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_not(decode_uuid(wrong[i], read), "%s", wrong[i]);
}
