#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/oaep.h"
#include "server/core/clock.h"
#include "server/core/login.h"
#include "tests/unit/support/partners.h"

enum { LONG_MS = 3600 * 1000 };

static const struct directory_entry BOB = {.name = "bob", .sequence = 3, .account_id = {7}};

static void offer_to(struct login *login, const struct directory_entry *entry, unsigned key,
		     struct login_offer *ret_offer)
{
	cr_assert_eq(
		login_challenge(login, PARTNERS_ORIGIN, entry, rsakey_private_public(partners_key(key)), ret_offer),
		CORE_OK);
}

/* What a client answers who dialled `origin` as `account`; false when the challenge does not open. */
static bool open_as(const struct login_offer *offer, unsigned key, const char *origin, const char *account,
		    uint8_t ret_answer[static DIGEST_SIZE])
{
	char label[LOGIN_LABEL_MAX], id[ENCODE_UUID_CHARS + 1];
	uint8_t bytes[RSAKEY_MAX_SIZE];
	size_t size = 0;
	int label_size;

	encode_uuid(offer->id, id);
	label_size = snprintf(label, sizeof(label), "coffer-login-v1\n%s\n%s\n%s", origin, account, id);
	if (oaep_decrypt(partners_key(key), OAEP_SHA256, label, (size_t)label_size, offer->challenge, offer->size,
			 bytes, &size) != CRYPTO_OK)
		return false;
	cr_assert_eq(size, 32);
	digest_sha256(bytes, size, ret_answer);
	return true;
}

Test(login, the_label_is_origin_account_and_id)
{
	const uint8_t id[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
				0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
	static const char WANT[] = "coffer-login-v1\nhttps://a.example\nbob\n01234567-89ab-cdef-0123-456789abcdef";
	char label[LOGIN_LABEL_MAX], origin[DIRECTORY_ORIGIN_MAX + 1], name[DIRECTORY_NAME_MAX + 1];
	size_t size;

	login_label("https://a.example", "bob", id, label, &size);
	cr_assert_eq(size, strlen(WANT));
	cr_assert_eq(memcmp(label, WANT, size), 0);
	memset(origin, 'o', DIRECTORY_ORIGIN_MAX);
	origin[DIRECTORY_ORIGIN_MAX] = '\0';
	memset(name, 'n', DIRECTORY_NAME_MAX);
	name[DIRECTORY_NAME_MAX] = '\0';
	login_label(origin, name, id, label, &size);
	cr_assert_lt(size, LOGIN_LABEL_MAX, "the longest fits");
	cr_assert_eq(size, 16 + DIRECTORY_ORIGIN_MAX + 1 + DIRECTORY_NAME_MAX + 1 + ENCODE_UUID_CHARS);
}

Test(login, whoever_opens_the_challenge_is_let_in_once)
{
	struct login *login = login_new(LONG_MS);
	struct login_offer offer;
	struct directory_entry who = {.sequence = 0};
	uint8_t answer[DIGEST_SIZE];

	offer_to(login, &BOB, 0, &offer);
	cr_assert_eq(offer.size, 256);
	cr_assert(open_as(&offer, 0, PARTNERS_ORIGIN, "bob", answer));
	cr_assert_eq(login_answer(login, offer.id, answer, &who), CORE_OK);
	cr_assert_eq(memcmp(&who, &BOB, sizeof(who)), 0);
	cr_assert_eq(login_answer(login, offer.id, answer, &who), CORE_NOT_FOUND);
	login_free(login);
}

Test(login, a_challenge_opens_for_its_origin_its_account_and_its_key_alone)
{
	struct login *login = login_new(LONG_MS);
	struct login_offer offer, other;
	uint8_t answer[DIGEST_SIZE];

	offer_to(login, &BOB, 0, &offer);
	offer_to(login, &BOB, 0, &other);
	cr_assert_not(open_as(&offer, 1, PARTNERS_ORIGIN, "bob", answer));
	cr_assert_not(open_as(&offer, 0, "https://localhost:8444", "bob", answer));
	cr_assert_not(open_as(&offer, 0, PARTNERS_ORIGIN, "eve", answer));
	memcpy(other.challenge, offer.challenge, offer.size);
	cr_assert_not(open_as(&other, 0, PARTNERS_ORIGIN, "bob", answer), "with another's id");
	cr_assert(open_as(&offer, 0, PARTNERS_ORIGIN, "bob", answer));
	login_free(login);
}

Test(login, a_wrong_answer_costs_the_one_try)
{
	struct login *login = login_new(LONG_MS);
	struct login_offer offer;
	struct directory_entry who;
	uint8_t answer[DIGEST_SIZE];

	for (size_t byte = 0; byte < DIGEST_SIZE; byte += DIGEST_SIZE - 1) {
		offer_to(login, &BOB, 0, &offer);
		cr_assert(open_as(&offer, 0, PARTNERS_ORIGIN, "bob", answer));
		answer[byte] ^= 1;
		cr_assert_eq(login_answer(login, offer.id, answer, &who), CORE_DENIED);
		answer[byte] ^= 1;
		cr_assert_eq(login_answer(login, offer.id, answer, &who), CORE_NOT_FOUND);
	}
	login_free(login);
}

Test(login, another_id_finds_nothing_and_costs_nothing)
{
	static const uint8_t nobody[16];
	struct login *login = login_new(LONG_MS);
	struct login_offer offer;
	struct directory_entry who;
	uint8_t answer[DIGEST_SIZE], id[16];

	cr_assert_eq(login_answer(login, nobody, answer, &who), CORE_NOT_FOUND, "before there is any");
	offer_to(login, &BOB, 0, &offer);
	cr_assert(open_as(&offer, 0, PARTNERS_ORIGIN, "bob", answer));
	memcpy(id, offer.id, sizeof(id));
	for (size_t bit = 0; bit < 128; bit++) {
		id[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_expect_eq(login_answer(login, id, answer, &who), CORE_NOT_FOUND, "bit %zu", bit);
		id[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert_eq(login_answer(login, offer.id, answer, &who), CORE_OK);
	login_free(login);
}

Test(login, too_late_is_as_if_it_had_never_been)
{
	struct login *login = login_new(1);
	struct login_offer offer;
	struct directory_entry who;
	uint8_t answer[DIGEST_SIZE];

	offer_to(login, &BOB, 0, &offer);
	cr_assert(open_as(&offer, 0, PARTNERS_ORIGIN, "bob", answer));
	for (const int64_t asked = clock_monotonic_ms(); clock_monotonic_ms() <= asked + 1;)
		;
	cr_assert_eq(login_answer(login, offer.id, answer, &who), CORE_NOT_FOUND);
	login_free(login);
}

Test(login, the_oldest_makes_way_when_there_is_no_more_room, .timeout = 120)
{
	struct login *login = login_new(LONG_MS);
	struct login_offer first, second, other;
	struct directory_entry who;
	uint8_t first_answer[DIGEST_SIZE], second_answer[DIGEST_SIZE];

	offer_to(login, &BOB, 0, &first);
	offer_to(login, &BOB, 0, &second);
	cr_assert(open_as(&first, 0, PARTNERS_ORIGIN, "bob", first_answer));
	cr_assert(open_as(&second, 0, PARTNERS_ORIGIN, "bob", second_answer));
	for (size_t i = 0; i < LOGIN_CHALLENGES - 1; i++)
		offer_to(login, &BOB, 1, &other);
	cr_assert_eq(login_answer(login, first.id, first_answer, &who), CORE_NOT_FOUND);
	cr_assert_eq(login_answer(login, second.id, second_answer, &who), CORE_OK);
	login_free(login);
}
