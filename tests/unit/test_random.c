#include <criterion/criterion.h>
#include <string.h>

#include "crypto/random.h"

Test(random, uuid7_holds_time_version_and_variant)
{
	uint8_t id[16];

	for (int i = 0; i < 100; i++) {
		cr_assert_eq(random_uuid7(INT64_C(0x0193ab45cd67), id), CRYPTO_OK);
		cr_assert_arr_eq(id, ((uint8_t[]){0x01, 0x93, 0xab, 0x45, 0xcd, 0x67}), 6);
		cr_assert_eq(id[6] >> 4, 7);
		cr_assert_eq(id[8] >> 6, 2);
	}
}

Test(random, uuid7_sorts_by_time)
{
	uint8_t before[16], after[16];

	for (int64_t ms = 1; ms < INT64_C(1) << 47; ms *= 2) {
		cr_assert_eq(random_uuid7(ms - 1, before), CRYPTO_OK);
		cr_assert_eq(random_uuid7(ms, after), CRYPTO_OK);
		cr_assert_lt(memcmp(before, after, 16), 0);
	}
}

Test(random, uuid4_holds_version_and_variant)
{
	uint8_t one[16], two[16];

	cr_assert_eq(random_uuid4(one), CRYPTO_OK);
	cr_assert_eq(random_uuid4(two), CRYPTO_OK);
	cr_assert(one[6] >> 4 == 4 && one[8] >> 6 == 2);
	cr_assert(memcmp(one, two, 16) != 0);
}

/* In 2000 ids every bit that is not version or variant is seen both ways, or the generator is broken. */
Test(random, every_other_bit_varies)
{
	uint8_t ones[16] = {0}, zeros[16] = {0}, id[16];

	for (int i = 0; i < 2000; i++) {
		cr_assert_eq(random_uuid4(id), CRYPTO_OK);
		for (int byte = 0; byte < 16; byte++) {
			ones[byte] |= id[byte];
			zeros[byte] |= (uint8_t)~id[byte];
		}
	}
	for (int byte = 0; byte < 16; byte++) {
		uint8_t both = ones[byte] & zeros[byte];
		cr_assert_eq(both, byte == 6 ? 0x0f : byte == 8 ? 0x3f : 0xff);
	}
}

Test(random, keys_and_nonces_differ_and_stay_in_bounds)
{
	uint8_t a[34] = {0}, b[34] = {0};

	cr_assert_eq(random_key(a, 32), CRYPTO_OK);
	cr_assert_eq(random_nonce(b, 32), CRYPTO_OK);
	cr_assert(memcmp(a, b, 32) != 0);
	cr_assert(a[32] == 0 && a[33] == 0 && b[32] == 0 && b[33] == 0);
	cr_assert_eq(random_key(a, 0), CRYPTO_OK);
	cr_assert_eq(random_nonce(NULL, 0), CRYPTO_OK);
}
