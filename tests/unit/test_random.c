#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"

Test(random, uuid7_holds_time_version_and_variant)
{
	uint8_t id[16];

	/* 100 ids never overflow a counter that starts in its lower half. */
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

Test(random, uuid7_increases_within_a_millisecond_and_while_the_clock_goes_back_a_little)
{
	static const int64_t STEPS[] = {0, 0, 1, -1, -9000, 0, 5};
	uint8_t before[16], after[16];
	int64_t now = 1700000000000;

	cr_assert_eq(random_uuid7(now, before), CRYPTO_OK);
	for (size_t i = 0; i < 20000; i++) {
		cr_assert_eq(random_uuid7(now + STEPS[i % 7], after), CRYPTO_OK);
		cr_assert_lt(memcmp(before, after, 16), 0, "id %zu", i);
		cr_assert_eq(after[6] >> 4, 7);
		cr_assert_eq(after[8] >> 6, 2);
		memcpy(before, after, 16);
	}
}

Test(random, uuid7_follows_a_clock_that_is_set_back)
{
	uint8_t id[16];

	cr_assert_eq(random_uuid7(INT64_C(0x0193ab45cd67), id), CRYPTO_OK);
	cr_assert_eq(random_uuid7(INT64_C(0x0193ab450000), id), CRYPTO_OK);
	cr_assert_arr_eq(id, ((uint8_t[]){0x01, 0x93, 0xab, 0x45, 0x00, 0x00}), 6);
}

enum { THREADS = 4, IDS = 20000 };

static void *make_ids(void *arg)
{
	uint8_t(*ids)[16] = arg;

	for (size_t i = 0; i < IDS; i++)
		if (random_uuid7(1700000000000 + (int64_t)i / 5000, ids[i]) != CRYPTO_OK)
			return NULL;
	return arg;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

/* Of the first 60 bits alone: the random ones would tell most ids apart whatever the counter did. */
static bool same_tick(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, 8) == 0;
}

Test(random, uuid7_of_several_threads_increase_in_each_and_differ_in_all)
{
	uint8_t(*ids)[16] = malloc(sizeof(*ids) * THREADS * IDS);
	pthread_t threads[THREADS];
	void *made;

	for (size_t t = 0; t < THREADS; t++)
		cr_assert_eq(pthread_create(&threads[t], NULL, make_ids, ids[t * IDS]), 0);
	for (size_t t = 0; t < THREADS; t++) {
		cr_assert_eq(pthread_join(threads[t], &made), 0);
		cr_assert_not_null(made);
	}
	for (size_t i = 1; i < THREADS * IDS; i++)
		if (i % IDS)
			cr_assert_lt(memcmp(ids[i - 1], ids[i], 16), 0, "id %zu", i);
	qsort(ids, THREADS * IDS, sizeof(*ids), by_bytes);
	for (size_t i = 1; i < THREADS * IDS; i++)
		cr_assert_not(same_tick(ids[i - 1], ids[i]), "id %zu", i);
	free(ids);
}

/* Ids of one millisecond: every one of the 62 random bits is seen both ways. */
Test(random, uuid7_keeps_62_random_bits)
{
	uint8_t ones[16] = {0}, zeros[16] = {0}, id[16];

	for (int i = 0; i < 500; i++) {
		cr_assert_eq(random_uuid7(1700000000000, id), CRYPTO_OK);
		for (int byte = 8; byte < 16; byte++) {
			ones[byte] |= id[byte];
			zeros[byte] |= (uint8_t)~id[byte];
		}
	}
	for (int byte = 8; byte < 16; byte++)
		cr_assert_eq(ones[byte] & zeros[byte], byte == 8 ? 0x3f : 0xff);
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
