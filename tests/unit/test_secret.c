#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "crypto/secret.h"

enum { MANY = 3000 };

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

Test(secret, is_zeroed_when_given_out_again)
{
	uint8_t *first = secret_alloc(100);
	cr_assert(first && is_zero(first, 100));
	memset(first, 0xff, 100);
	secret_free(first, 100);
	uint8_t *second = secret_alloc(100);
	cr_assert_eq(second, first);
	cr_assert(is_zero(second, 100));
	secret_free(second, 100);
	secret_free(NULL, 5);
}

Test(secret, is_wiped_when_freed)
{
	uint8_t *before = secret_alloc(32);
	uint8_t *secret = secret_alloc(64);
	memset(secret, 0xff, 64);
	secret_free(secret, 64);
	/* The pages stay mapped; the list's own links are in the first sixteen bytes. */
	cr_assert(is_zero(secret + 16, 48));
	secret_free(before, 32);
}

Test(secret, lies_in_locked_undumped_pages)
{
	char line[512];
	unsigned long from, to;
	bool inside = false;
	bool locked = false;
	uint8_t *secret = secret_alloc(32);
	FILE *file = fopen("/proc/self/smaps", "r");

	cr_assert(secret && file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = (uintptr_t)secret >= from && (uintptr_t)secret < to;
		if (inside && strncmp(line, "VmFlags:", 8) == 0)
			locked = strstr(line, " lo") && strstr(line, " dd");
	}
	fclose(file);
#ifndef __SANITIZE_ADDRESS__ /* AddressSanitizer turns mlock() into nothing */
	cr_assert(locked);
#else
	(void)locked;
#endif
	secret_free(secret, 32);
}

Test(secret, pieces_never_overlap_and_are_used_again)
{
	static uint8_t *pieces[MANY];
	static size_t sizes[MANY];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < MANY; i++) {
			sizes[i] = (i * 37 + (size_t)round) % 150;
			pieces[i] = secret_alloc(sizes[i]);
			cr_assert(pieces[i] && (uintptr_t)pieces[i] % 16 == 0 && is_zero(pieces[i], sizes[i]));
			memset(pieces[i], (int)(i % 255) + 1, sizes[i]);
		}
		for (size_t step = 0; step < MANY; step++) {
			size_t i = step * 7 % MANY;
			for (size_t at = 0; at < sizes[i]; at++)
				cr_assert_eq(pieces[i][at], (uint8_t)(i % 255 + 1));
			secret_free(pieces[i], sizes[i]);
		}
	}
}

Test(secret, large_ones_work_and_absurd_ones_are_refused)
{
	uint8_t *large = secret_alloc(40000);

	cr_assert(large && is_zero(large, 40000));
	secret_free(large, 40000);
	cr_assert_null(secret_alloc(SIZE_MAX));
	cr_assert_null(secret_alloc(SIZE_MAX - 100));
	cr_assert_null(secret_alloc(SIZE_MAX / 2));
}

Test(secret, the_lock_limit_makes_null_not_unlocked_memory)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("AddressSanitizer turns mlock() into nothing");
#else
	const struct rlimit none = {0, 0};

	cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	void *secret = secret_alloc(1 << 20);
	if (secret) {
		printf("SKIPPED: this process may lock memory without limit (CAP_IPC_LOCK)\n");
		secret_free(secret, 1 << 20);
		cr_skip_test("CAP_IPC_LOCK");
	}
#endif
}

static void *churn(void *argument)
{
	uint8_t mark = *(const uint8_t *)argument;

	for (int i = 0; i < 5000; i++) {
		size_t size = (size_t)(i * 13 % 90 + 1);
		uint8_t *piece = secret_alloc(size);
		if (!piece || !is_zero(piece, size))
			return argument;
		memset(piece, mark, size);
		for (size_t at = 0; at < size; at++)
			if (piece[at] != mark)
				return argument;
		secret_free(piece, size);
	}
	return NULL;
}

Test(secret, threads_share_it)
{
	static uint8_t marks[4] = {1, 2, 3, 4};
	pthread_t threads[4];
	void *failure;

	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, churn, &marks[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &failure);
		cr_assert_null(failure);
	}
}

Test(secret, equal_sees_every_byte)
{
	uint8_t a[33] = {0};
	uint8_t b[33] = {0};

	cr_assert(secret_equal(a, b, sizeof(a)));
	cr_assert(secret_equal(a, b, 0));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] = 0x80;
		cr_assert_not(secret_equal(a, b, sizeof(a)));
		b[i] = 0;
	}
}

Test(secret, wipe_zeroes)
{
	uint8_t bytes[5] = {1, 2, 3, 4, 5};

	secret_wipe(bytes, 4);
	cr_assert(is_zero(bytes, 4) && bytes[4] == 5);
	secret_wipe(NULL, 0);
}
