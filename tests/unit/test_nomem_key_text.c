/* Keys as text with each of coffer's own allocations failing in turn. (Inside GnuTLS a failure comes out as any error.)
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "server/api/key_text.h"
#include "tests/unit/support/nomem.h"
#include "tests/unit/support/partners.h"

enum { NO_END = 5000, TEXT_MAX = 2048 };

/* Reads `text` with every allocation failing once; whatever else is told than `want` is that memory ran out. */
static void read_starving(const char *text, enum pubkey_verdict want, size_t at_least)
{
	char copy[TEXT_MAX];
	size_t n = 0;

	for (bool starved = true; starved; n++) {
		struct rsakey_public *key = NULL;
		const size_t size = strlen(text);

		cr_assert_lt(n, NO_END);
		strcpy(copy, text);
		const long live = nomem_live();
		nomem_arm(n, NOMEM_ONCE);
		const enum pubkey_verdict verdict = key_text_read(copy, size, &key);
		starved = nomem_disarm();
		cr_assert(verdict == want || (starved && verdict == PUBKEY_NOMEM), "allocation %zu: %s", n,
			  pubkey_verdict_text(verdict));
		cr_assert_eq(key != NULL, verdict == PUBKEY_OK, "allocation %zu", n);
		rsakey_public_free(key);
		cr_assert_eq(nomem_live(), live, "allocation %zu: a leak", n);
	}
	cr_assert_geq(n, at_least, "%zu", n);
}

static char *jwk(const char *more)
{
	static char text[TEXT_MAX];
	const struct rsakey_public *key = rsakey_private_public(partners_key(0));
	char modulus[1024];
	uint8_t n[RSAKEY_MAX_SIZE];

	rsakey_public_modulus(key, n);
	encode_base64url(n, rsakey_public_size(key), modulus);
	snprintf(text, sizeof(text), "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"%s}", modulus, more);
	return text;
}

Test(nomem_key_text, a_jwk_is_not_refused_for_want_of_memory)
{
	read_starving(jwk(""), PUBKEY_OK, 3);
}

Test(nomem_key_text, nor_is_a_private_one_taken_for_another)
{
	read_starving(jwk(",\"d\":\"AQ\""), PUBKEY_PRIVATE, 2);
}

Test(nomem_key_text, nor_is_pem_refused)
{
	char *pem = NULL;
	size_t size;

	cr_assert_eq(pubkey_to_pem(rsakey_private_public(partners_key(0)), &pem, &size), CRYPTO_OK);
	read_starving(pem, PUBKEY_OK, 2);
	free(pem);
}

Test(nomem_key_text, a_jwk_is_written_whole_or_not_at_all)
{
	const struct rsakey_public *key = rsakey_private_public(partners_key(0));
	size_t n = 0, whole = 0, size = 0;
	char *text = key_text_jwk(key, &whole);

	free(text);
	for (bool starved = true; starved; n++) {
		const long live = nomem_live();

		nomem_arm(n, NOMEM_ONCE);
		text = key_text_jwk(key, &size);
		starved = nomem_disarm();
		cr_assert(text ? size == whole && strlen(text) == whole : starved, "allocation %zu", n);
		free(text);
		cr_assert_eq(nomem_live(), live, "allocation %zu: a leak", n);
	}
	cr_assert_gt(n, 1);
}
