#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "server/core/receipt.h"

enum { MANY = 70 };

static struct vault vault;
static struct receipt_desk *desk;
static uint8_t key[IDENTITY_PUBLIC_SIZE];
static struct receipt_ticket tickets[MANY];

static void setup(void)
{
	memset(vault.store_id, 7, sizeof(vault.store_id));
	cr_assert_eq(identity_generate(&vault.identity), CRYPTO_OK);
	identity_public(vault.identity, key);
	desk = receipt_desk_new(&vault);
	cr_assert_not_null(desk);
}

static void teardown(void)
{
	for (size_t i = 0; i < MANY; i++)
		receipt_release(&tickets[i]);
	receipt_desk_free(desk);
	identity_free(vault.identity);
}

TestSuite(receipt, .init = setup, .fini = teardown, .timeout = 60);

static void ask(size_t i)
{
	struct receipt *claim = &tickets[i].receipt;

	memset(claim->record_id, (int)i, sizeof(claim->record_id));
	memset(claim->sha256, (int)i + 1, sizeof(claim->sha256));
	claim->version = i + 1;
	claim->sequence = 1000 + i;
	claim->time_ms = 1795500000000 + (int64_t)i;
	cr_assert(receipt_ask(desk, &tickets[i]));
}

Test(receipt, every_leaf_of_trees_of_every_size_verifies)
{
	for (size_t count = 1; count <= MANY; count++) {
		for (size_t i = 0; i < count; i++)
			ask(i);
		for (size_t i = 0; i < count; i++)
			receipt_settled(desk, true);
		for (size_t i = 0; i < count; i++) {
			struct receipt back;
			char text[RECEIPT_TEXT_MAX], again[RECEIPT_TEXT_MAX];

			receipt_collect(&tickets[i]);
			cr_assert_eq(tickets[i].receipt.leaf, i);
			cr_assert_eq(tickets[i].receipt.leaves, count);
			receipt_print(&tickets[i].receipt, text);
			cr_assert(receipt_parse(text, &back), "%s", text);
			cr_assert(receipt_is_signed(&back, key), "%zu of %zu", i, count);
			receipt_print(&back, again);
			cr_assert_str_eq(again, text);
		}
	}
}

/* What any part of it was changed to, it is not what was signed. */
static void refuse(const struct receipt *good, size_t offset, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		struct receipt bad = *good;

		((uint8_t *)&bad)[offset + i] ^= 1;
		cr_assert_not(receipt_is_signed(&bad, key), "offset %zu", offset + i);
	}
}

#define REFUSE(good, member) refuse(good, offsetof(struct receipt, member), sizeof((good)->member))

Test(receipt, nothing_of_it_can_be_changed)
{
	struct receipt good, bad;
	uint8_t other[IDENTITY_PUBLIC_SIZE];

	for (size_t i = 0; i < 5; i++)
		ask(i);
	receipt_settled(desk, true);
	receipt_collect(&tickets[3]);
	good = tickets[3].receipt;
	cr_assert(receipt_is_signed(&good, key));
	cr_assert_eq(good.path_count, 3);
	REFUSE(&good, store_id);
	REFUSE(&good, record_id);
	REFUSE(&good, version);
	REFUSE(&good, sha256);
	REFUSE(&good, sequence);
	REFUSE(&good, time_ms);
	REFUSE(&good, key_id);
	REFUSE(&good, leaf);
	REFUSE(&good, leaves);
	REFUSE(&good, signature);
	refuse(&good, offsetof(struct receipt, path), 3 * DIGEST_SIZE);
	for (size_t count = 0; count < RECEIPT_PATH_MAX; count++) {
		bad = good;
		bad.path_count = count;
		cr_assert_eq(receipt_is_signed(&bad, key), count == 3);
	}
	memcpy(other, key, sizeof(other));
	other[0] ^= 1;
	cr_assert_not(receipt_is_signed(&good, other));
	bad = good;
	bad.leaves = 0;
	cr_assert_not(receipt_is_signed(&bad, key));
	bad.leaf = bad.leaves = UINT32_MAX;
	cr_assert_not(receipt_is_signed(&bad, key));
}

Test(receipt, what_was_rolled_back_is_asked_for_again)
{
	ask(0);
	ask(1);
	receipt_settled(desk, false);
	ask(1);
	receipt_settled(desk, true);
	receipt_settled(desk, true);
	receipt_collect(&tickets[1]);
	cr_assert_eq(tickets[1].receipt.leaves, 1);
	cr_assert(receipt_is_signed(&tickets[1].receipt, key));
}

Test(receipt, is_read_in_the_one_way_in_which_it_is_written)
{
	struct receipt back;
	char text[RECEIPT_TEXT_MAX], bad[RECEIPT_TEXT_MAX + 8];
	size_t length;

	for (size_t i = 0; i < 3; i++)
		ask(i);
	receipt_settled(desk, true);
	receipt_collect(&tickets[0]);
	receipt_print(&tickets[0].receipt, text);
	length = strlen(text);
	for (size_t i = 0; i < length; i++) {
		memcpy(bad, text, i);
		bad[i] = '\0';
		cr_assert_not(receipt_parse(bad, &back), "cut at %zu", i);
		strcpy(bad, text);
		bad[i] = (char)(bad[i] ^ 1);
		cr_assert(!receipt_parse(bad, &back) || !receipt_is_signed(&back, key), "at %zu: %s", i, bad);
	}
	snprintf(bad, sizeof(bad), "%s ", text);
	cr_assert_not(receipt_parse(bad, &back));
	memset(bad, 'x', sizeof(bad) - 1);
	bad[sizeof(bad) - 1] = '\0';
	cr_assert_not(receipt_parse(bad, &back));
}
