#include <criterion/criterion.h>
#include <string.h>

#include "server/tls/certificate.h"
#include "tests/unit/support/tls_pems.h"

Test(tls, context_refuses_what_cannot_be_served)
{
	struct tls_pems pems = make_pems();
	const struct {
		const char *chain, *key;
		enum tls_status status;
	} cases[] = {
		{"", pems.leaf_key, TLS_CERTIFICATE},
		{pems.leaf_key, pems.leaf_key, TLS_CERTIFICATE},
		{pems.leaf_cert, "", TLS_KEY},
		{pems.leaf_cert, pems.leaf_cert, TLS_KEY},
		{pems.leaf_cert, pems.ca_key, TLS_MISMATCH},
	};
	struct tls_context *served = context_of(&pems);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tls_material material = material_of(cases[i].chain, cases[i].key);
		struct tls_context *context = NULL;

		cr_expect_eq(tls_pair_check(&material.pairs[0]), cases[i].status, "case %zu", i);
		cr_expect_eq(tls_context_new(&material, TLS_LEAST_1_2, &context), cases[i].status, "case %zu", i);
		cr_assert_null(context);
		cr_expect_eq(tls_context_replace(served, &material), cases[i].status, "case %zu", i);
	}
	tls_context_free(served);
	tls_context_free(NULL);
	tls_pems_done(&pems);
}

Test(tls, a_certificate_is_for_its_very_names)
{
	struct tls_pems pems = make_pems();
	static const struct {
		const char *names[2];
		size_t count;
		bool good;
	} cases[] = {
		{{"records.example"}, 1, true},
		{{"RECORDS.example", "localhost"}, 2, true},
		{{"records.example", "other.example"}, 2, false},
		{{"a.wide.example"}, 1, false},
		{{"xrecords.example"}, 1, false},
		{{NULL}, 0, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(tls_certificate_is_for(pems.leaf_cert, cases[i].names, cases[i].count), cases[i].good,
			     "%zu", i);
	cr_expect_not(tls_certificate_is_for("", NULL, 0));
	cr_expect_not(tls_certificate_is_for(pems.leaf_key, NULL, 0));
	tls_pems_done(&pems);
}

Test(tls, a_leaf_that_is_over_replaces_none_and_goes_on_where_it_is_served)
{
	struct tls_pems good = make_pems(), over = make_pems();
	const struct tls_material fine = material_of(good.leaf_cert, good.leaf_key);
	struct tls_material late;
	struct tls_context *context = context_of(&good);
	struct tls_expiry before, after;

	cr_assert_eq(tls_local_leaf_make(&over, NAMES, NAME_COUNT, -60), TLS_OK);
	late = material_of(over.leaf_cert, over.leaf_key);
	cr_expect_eq(tls_pair_check(&late.pairs[0]), TLS_OK);
	cr_expect_eq(tls_pair_check_dates(&late.pairs[0]), TLS_EXPIRED);
	cr_expect_eq(tls_pair_check_dates(&fine.pairs[0]), TLS_OK);
	tls_context_expiry(context, &before);
	cr_expect_eq(tls_context_replace(context, &late), TLS_EXPIRED);
	cr_expect_eq(tls_context_generation(context), 0);
	tls_context_expiry(context, &after);
	cr_expect_str_eq(after.fingerprint, before.fingerprint);
	tls_context_free(context);

	context = context_of(&over);
	late.client_ca_pem = good.ca_cert;
	cr_expect_eq(tls_context_replace(context, &late), TLS_OK);
	cr_expect_eq(tls_context_generation(context), 1);
	tls_context_expiry(context, &after);
	cr_expect_lt(after.seconds_left, 0);
	tls_context_free(context);
	tls_pems_done(&good);
	tls_pems_done(&over);
}

Test(tls, client_cas_that_are_none_replace_none)
{
	struct tls_pems pems = make_pems();
	struct tls_material material = material_of(pems.leaf_cert, pems.leaf_key);
	struct tls_context *context = context_of(&pems);

	cr_expect_eq(tls_clients_check(pems.ca_cert, NULL), TLS_OK);
	cr_expect_eq(tls_clients_check(pems.leaf_key, NULL), TLS_CLIENT_CA);
	cr_expect_eq(tls_clients_check(pems.ca_cert, pems.ca_cert), TLS_CLIENT_CRL);
	material.client_ca_pem = "";
	cr_expect_eq(tls_context_replace(context, &material), TLS_CLIENT_CA);
	material.client_ca_pem = pems.ca_cert;
	material.client_crl_pem = "no list";
	cr_expect_eq(tls_context_replace(context, &material), TLS_CLIENT_CRL);
	cr_expect_eq(tls_context_generation(context), 0);
	tls_context_free(context);
	tls_pems_done(&pems);
}

Test(tls, of_several_leaves_the_one_that_expires_first_is_told)
{
	struct tls_pems one = make_pems(), two = make_pems();
	struct tls_material material = material_of(one.leaf_cert, one.leaf_key);
	struct tls_context *context = NULL;
	struct tls_expiry expiry;
	char fingerprint[96];

	cr_assert_eq(tls_local_leaf_make(&two, NAMES, NAME_COUNT, DAY), TLS_OK);
	material.pairs[material.pair_count++] = material_of(two.leaf_cert, two.leaf_key).pairs[0];
	cr_assert_eq(tls_context_new(&material, TLS_LEAST_1_2, &context), TLS_OK);
	tls_context_expiry(context, &expiry);
	cr_assert_eq(tls_fingerprint(two.leaf_cert, fingerprint), TLS_OK);
	cr_expect_str_eq(expiry.fingerprint, fingerprint);
	cr_expect_leq(expiry.seconds_left, DAY);
	tls_context_free(context);
	tls_pems_done(&one);
	tls_pems_done(&two);
}
