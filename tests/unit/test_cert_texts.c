#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "server/service/cert_texts.h"

static struct cert_text text_of(const char *bytes)
{
	struct cert_text text;

	cr_assert(cert_text_copy(bytes, false, &text));
	return text;
}

static struct cert_texts whole(const char *tag)
{
	char bytes[32];
	struct cert_texts texts = {.pair_count = 2};

	for (size_t i = 0; i < 2; i++) {
		snprintf(bytes, sizeof(bytes), "%s chain %zu", tag, i);
		texts.pairs[i].chain = text_of(bytes);
		snprintf(bytes, sizeof(bytes), "%s key %zu", tag, i);
		cr_assert(cert_text_copy(bytes, true, &texts.pairs[i].key));
		snprintf(bytes, sizeof(bytes), "%s staple %zu", tag, i);
		texts.pairs[i].staple = text_of(bytes);
	}
	snprintf(bytes, sizeof(bytes), "%s ca", tag);
	texts.client_ca = text_of(bytes);
	return texts;
}

Test(cert_texts, texts_are_equal_by_their_bytes_and_none_is_equal_to_none)
{
	struct cert_text a = text_of("abc"), same = text_of("abc"), other = text_of("abd"), longer = text_of("abcd");
	struct cert_text none = {.bytes = NULL}, empty = text_of("");

	cr_expect(cert_text_equal(&a, &same));
	cr_expect_not(cert_text_equal(&a, &other));
	cr_expect_not(cert_text_equal(&a, &longer));
	cr_expect_not(cert_text_equal(&a, &none));
	cr_expect_not(cert_text_equal(&none, &empty));
	cr_expect(cert_text_equal(&none, &none));
	cert_text_done(&a);
	cr_expect_null(a.bytes);
	cert_text_done(&same);
	cert_text_done(&other);
	cert_text_done(&longer);
	cert_text_done(&empty);
	cert_text_done(&none);
}

Test(cert_texts, what_is_fresh_comes_over_what_is_there_and_the_rest_stays)
{
	struct cert_texts current = whole("old"), fresh = {.pair_count = 2};
	struct tls_material material;

	fresh.pairs[1].chain = text_of("new chain");
	fresh.pairs[1].key = text_of("new key");
	fresh.client_crl = text_of("new crl");
	material = cert_texts_material(&current, &fresh);
	cr_assert_eq(material.pair_count, 2);
	cr_expect_str_eq(material.pairs[0].chain_pem, "old chain 0");
	cr_expect_str_eq(material.pairs[0].key_pem, "old key 0");
	cr_expect_str_eq(material.pairs[1].chain_pem, "new chain");
	cr_expect_str_eq(material.pairs[1].key_pem, "new key");
	cr_expect_eq(material.pairs[1].ocsp_size, strlen("old staple 1"));
	cr_expect_arr_eq(material.pairs[1].ocsp_der, "old staple 1", material.pairs[1].ocsp_size);
	cr_expect_str_eq(material.client_ca_pem, "old ca");
	cr_expect_str_eq(material.client_crl_pem, "new crl");

	cert_texts_move(&current, &fresh);
	cr_expect_null(fresh.pairs[1].chain.bytes);
	cr_expect_str_eq(current.pairs[1].chain.bytes, "new chain");
	cr_expect_str_eq(current.pairs[0].chain.bytes, "old chain 0");
	cr_expect_str_eq(current.client_crl.bytes, "new crl");
	cert_texts_done(&current);
	cr_expect_null(current.pairs[0].key.bytes);
	cert_texts_done(&fresh);
}

Test(cert_texts, nothing_fresh_changes_nothing)
{
	struct cert_texts current = whole("old"), none = {.pair_count = 0};
	const struct tls_material material = cert_texts_material(&current, &none);

	cr_expect_eq(material.pair_count, 2);
	cr_expect_str_eq(material.pairs[1].chain_pem, "old chain 1");
	cr_expect_null(material.client_crl_pem);
	cert_texts_move(&current, &none);
	cr_expect_eq(current.pair_count, 2);
	cr_expect_str_eq(current.pairs[0].key.bytes, "old key 0");
	cert_texts_done(&current);
}
