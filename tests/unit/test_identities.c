/* Identity keys: which of them vouches for what, how one is endorsed by the one before it, and their text. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/identities.h"
#include "server/core/identity_text.h"

static struct identities *identities;
static struct identity *keys[3];
static struct vault vault;

/* Two keys that were replaced, after events 10 and 20, and one that is current. */
static void make_keys(void)
{
	identities = calloc(1, sizeof(*identities));
	cr_assert_not_null(identities);
	memset(vault.store_id, 7, sizeof(vault.store_id));
	for (size_t i = 0; i < 3; i++) {
		struct store_identity *row = &identities->keys[i];

		cr_assert_eq(identity_generate(&keys[i]), CRYPTO_OK);
		identities_endorse(&vault, i ? keys[i - 1] : NULL, keys[i], 1700000000123 + (int64_t)i, row);
		if (i < 2) {
			row->state = STORE_IDENTITY_RETIRED;
			row->retired_ms = 1700000000124 + (int64_t)i;
			row->last_event = 10 * (i + 1);
		}
	}
	identities->count = 3;
	vault.identities = identities;
	vault.identity = keys[2];
}

static void free_keys(void)
{
	for (size_t i = 0; i < 3; i++)
		identity_free(keys[i]);
	identities_free(identities);
}

TestSuite(identities, .init = make_keys, .fini = free_keys);

Test(identities, a_retired_key_vouches_up_to_its_last_event_and_the_current_one_for_all)
{
	static const struct {
		size_t key;
		uint64_t sequence;
		bool vouches;
	} CASES[] = {{0, 1, true},   {0, 10, true}, {0, 11, false},	  {1, 20, true},
		     {1, 21, false}, {2, 1, true},  {2, UINT64_MAX, true}};
	uint8_t other[IDENTITY_PUBLIC_SIZE] = {1};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
		cr_assert_eq(identities_vouch(&vault, identities->keys[CASES[i].key].public_key, CASES[i].sequence),
			     CASES[i].vouches, "case %zu", i);
	cr_assert_not(identities_vouch(&vault, other, 1));
	vault.identities = NULL;
	cr_assert(identities_vouch(&vault, identities->keys[2].public_key, 1));
	cr_assert_not(identities_vouch(&vault, identities->keys[1].public_key, 1));
}

Test(identities, each_is_endorsed_by_the_one_before_it_and_by_no_other)
{
	for (size_t i = 1; i < 3; i++) {
		struct store_identity row = identities->keys[i];
		uint8_t store_id[16];

		cr_assert(identities_is_endorsed(vault.store_id, &row));
		memcpy(store_id, vault.store_id, sizeof(store_id));
		store_id[0] ^= 1;
		cr_assert_not(identities_is_endorsed(store_id, &row));
		row.created_ms++;
		cr_assert_not(identities_is_endorsed(vault.store_id, &row));
		row = identities->keys[i];
		row.public_key[0] ^= 1;
		cr_assert_not(identities_is_endorsed(vault.store_id, &row));
		row = identities->keys[i];
		memcpy(row.previous, identities->keys[2].public_key, sizeof(row.previous));
		cr_assert_not(identities_is_endorsed(vault.store_id, &row));
		for (size_t at = 0; at < sizeof(row.endorsement); at++) {
			row = identities->keys[i];
			row.endorsement[at] ^= 4;
			cr_assert_not(identities_is_endorsed(vault.store_id, &row), "at %zu", at);
		}
	}
	/* Of a signature of zeros by a key of zeros every fourth would verify, on the average. */
	for (unsigned i = 0; i < 64; i++) {
		struct store_identity first = identities->keys[0];

		first.created_ms += i;
		cr_assert_not(identities_is_endorsed(vault.store_id, &first), "the first is endorsed by nobody");
	}
}

static char *print(size_t *ret_size)
{
	struct json *doc = json_new();
	char *text;

	identity_text_members(doc, &vault);
	text = json_print(doc, ret_size);
	json_free(doc);
	cr_assert_not_null(text);
	return text;
}

Test(identities, what_is_printed_is_read)
{
	static struct identities read;
	uint8_t store_id[16];
	size_t size;
	char *text = print(&size);

	cr_assert(identity_text_parse(text, size, store_id, &read));
	cr_assert_eq(memcmp(store_id, vault.store_id, sizeof(store_id)), 0);
	cr_assert_eq(read.count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct store_identity *a = &identities->keys[i], *b = &read.keys[i];

		cr_assert(a->state == b->state && a->created_ms == b->created_ms && a->retired_ms == b->retired_ms &&
			  a->last_event == b->last_event);
		cr_assert_eq(memcmp(a->public_key, b->public_key, 32) || memcmp(a->previous, b->previous, 32) ||
				     memcmp(a->endorsement, b->endorsement, 64),
			     0);
	}
	for (size_t n = 0; n < size; n++)
		cr_assert_not(identity_text_parse(text, n, store_id, &read), "at %zu bytes", n);
	free(text);
}

Test(identities, what_a_server_of_before_says_is_read)
{
	static const char OLD[] =
		"{\"store\":\"07070707-0707-0707-0707-070707070707\",\"identity_keys\":[{\"id\":\"x\",\"algorithm\":"
		"\"Ed25519\",\"public_key\":\"abababababababababababababababababababababababababababababababab\","
		"\"state\":\"current\"}]}";
	static struct identities read;
	uint8_t store_id[16];

	cr_assert(identity_text_parse(OLD, sizeof(OLD) - 1, store_id, &read));
	cr_assert(read.count == 1 && read.keys[0].state == STORE_IDENTITY_CURRENT && read.keys[0].created_ms == 0);
}
