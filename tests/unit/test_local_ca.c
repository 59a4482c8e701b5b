#include <criterion/criterion.h>
#include <gnutls/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "server/tls/certificate.h"
#include "tests/unit/support/tls_pems.h"

Test(local_ca, a_certificate_tells_its_names_and_its_time)
{
	struct tls_pems pems = make_pems();
	struct tls_certificate read, served;
	struct tls_context *context = NULL;
	const struct tls_material material = {.pairs = {{.chain_pem = pems.leaf_cert, .key_pem = pems.leaf_key}},
					      .pair_count = 1};
	const int64_t now = (int64_t)time(NULL) * 1000, day = INT64_C(86400000);

	cr_assert_eq(tls_certificate_read(pems.leaf_cert, &read), TLS_OK);
	cr_assert(read.count >= 6 && read.count <= TLS_CERTIFICATE_NAMES_MAX);
	cr_assert_str_eq(read.names[0], "localhost");
	cr_assert_str_eq(read.names[1], "127.0.0.1");
	cr_assert_str_eq(read.names[2], "::1");
	cr_assert(read.not_before_ms <= now && read.not_after_ms > now + 396 * day &&
		  read.not_after_ms < now + 398 * day);
	cr_assert_eq(tls_context_new(&material, TLS_LEAST_1_2, &context), TLS_OK);
	cr_assert_eq(tls_context_certificate(context, &served), TLS_OK);
	cr_assert_arr_eq(&served, &read, sizeof(read));
	tls_context_free(context);
	cr_assert_eq(tls_certificate_read(pems.leaf_key, &read), TLS_CERTIFICATE);
	cr_assert_eq(tls_certificate_read("", &read), TLS_CERTIFICATE);
	tls_pems_done(&pems);
}

/* A certificate for itself that has these bytes as its common name, and as its one DNS name if `dns`. PEM. */
static gnutls_datum_t cert_named(const char *name, bool dns)
{
	const size_t size = strlen(name);
	unsigned char names[64] = {0x30, (unsigned char)(size + 2), 0x82, (unsigned char)size};
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t cert;
	gnutls_datum_t pem;

	cr_assert_lt(size, sizeof(names) - 4);
	memcpy(names + 4, name, size);
	cr_assert_eq(gnutls_x509_privkey_init(&key), 0);
	cr_assert_eq(
		gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
		0);
	cr_assert_eq(gnutls_x509_crt_init(&cert), 0);
	cr_assert_eq(gnutls_x509_crt_set_version(cert, 3), 0);
	cr_assert_eq(gnutls_x509_crt_set_serial(cert, "\1", 1), 0);
	cr_assert_eq(gnutls_x509_crt_set_activation_time(cert, time(NULL) - DAY), 0);
	cr_assert_eq(gnutls_x509_crt_set_expiration_time(cert, time(NULL) + DAY), 0);
	cr_assert_eq(gnutls_x509_crt_set_basic_constraints(cert, 1, -1), 0);
	cr_assert_eq(gnutls_x509_crt_set_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)size), 0);
	if (dns)
		cr_assert_eq(gnutls_x509_crt_set_extension_by_oid(cert, GNUTLS_X509EXT_OID_SAN, names, size + 4, 0), 0);
	cr_assert_eq(gnutls_x509_crt_set_key(cert, key), 0);
	cr_assert_eq(gnutls_x509_crt_sign2(cert, cert, key, GNUTLS_DIG_SHA256, 0), 0);
	cr_assert_eq(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem), 0);
	gnutls_x509_crt_deinit(cert);
	gnutls_x509_privkey_deinit(key);
	return pem;
}

/* Whoever signed it chose them, and they go into logs and onto terminals. */
Test(local_ca, names_that_command_a_terminal_or_begin_a_line_are_not_passed_on)
{
	static const char *const hostile[] = {"a.test\ncoffer: forged", "\x1b[2Ja.test", "a\x7f.test", "a.test\x9b"};

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		for (int dns = 0; dns < 2; dns++) {
			gnutls_datum_t pem = cert_named(hostile[i], dns);
			struct tls_expiry ca;
			struct tls_certificate read;

			cr_assert_eq(tls_ca_read((const char *)pem.data, &ca), TLS_OK);
			cr_assert_gt(strlen(ca.subject), 5);
			for (const char *c = ca.subject; *c; c++)
				cr_expect(*c >= ' ' && *c <= '~', "%zu: %#x", i, (unsigned)*c);
			cr_assert_eq(tls_certificate_read((const char *)pem.data, &read), TLS_OK);
			cr_expect_eq(read.count, 0, "%zu: %s", i, read.names[0]);
			gnutls_free(pem.data);
		}
	}
}

Test(local_ca, leaf_chains_to_the_ca_for_servers_under_every_name)
{
	static const char *const all[] = {"localhost",	     "127.0.0.1", "::1",
					  "records.example", "192.0.2.7", "2001:db8::7"};
	struct tls_pems pems = make_pems();
	gnutls_x509_crt_t ca = cert_of(pems.ca_cert);
	gnutls_x509_crt_t leaf = cert_of(pems.leaf_cert);
	gnutls_x509_trust_list_t trust;
	unsigned faults;

	cr_assert_eq(gnutls_x509_trust_list_init(&trust, 0), 0);
	cr_assert_eq(gnutls_x509_trust_list_add_cas(trust, &ca, 1, 0), 1);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		gnutls_typed_vdata_st wanted[] = {
			{GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)(uintptr_t)all[i], 0},
			{GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER, 0},
		};
		faults = 1;
		cr_assert_eq(gnutls_x509_trust_list_verify_crt2(trust, &leaf, 1, wanted, 2, 0, &faults, NULL), 0);
		cr_expect_eq(faults, 0, "%s: %x", all[i], faults);
	}
	cr_expect_not(gnutls_x509_crt_check_hostname(leaf, "other.example"));
	gnutls_x509_crt_deinit(leaf);
	gnutls_x509_trust_list_deinit(trust, 1);
	tls_pems_done(&pems);
	cr_assert_null(pems.leaf_key);
}

Test(local_ca, ca_may_sign_only_servers_and_no_further_ca)
{
	struct tls_pems pems = make_pems();
	gnutls_x509_crt_t ca = cert_of(pems.ca_cert);
	gnutls_x509_crt_t leaf = cert_of(pems.leaf_cert);
	unsigned is_ca = 0, critical;
	int path_length = -2;
	char purpose[64];
	size_t size = sizeof(purpose);

	cr_assert(gnutls_x509_crt_get_basic_constraints(ca, &critical, &is_ca, &path_length) >= 0);
	cr_expect(is_ca && critical && path_length == 0);
	cr_assert(gnutls_x509_crt_get_key_purpose_oid(ca, 0, purpose, &size, &critical) >= 0);
	cr_expect_str_eq(purpose, GNUTLS_KP_TLS_WWW_SERVER);
	size = sizeof(purpose);
	cr_expect_eq(gnutls_x509_crt_get_key_purpose_oid(ca, 1, purpose, &size, &critical),
		     GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
	cr_assert(gnutls_x509_crt_get_basic_constraints(leaf, &critical, &is_ca, &path_length) >= 0);
	cr_expect_not(is_ca);
	cr_expect_leq(gnutls_x509_crt_get_expiration_time(leaf) - gnutls_x509_crt_get_activation_time(leaf),
		      LIFETIME + 3600);
	gnutls_x509_crt_deinit(ca);
	gnutls_x509_crt_deinit(leaf);
	tls_pems_done(&pems);
}

Test(local_ca, leaf_is_good_only_for_its_names_its_ca_and_its_key)
{
	static const char *const more[] = {"records.example", "another.example"};
	static const char *const covered[] = {"one.wide.example"}, *const capitals[] = {"Records.Example"};
	struct tls_pems pems = make_pems();
	struct tls_pems other = make_pems();
	struct tls_pems mixed;

	cr_expect(tls_local_leaf_good(&pems, NAMES, NAME_COUNT, LEFT));
	cr_expect(tls_local_leaf_good(&pems, NULL, 0, LEFT));
	cr_expect_not(tls_local_leaf_good(&pems, more, 2, LEFT));
	cr_expect_not(tls_local_leaf_good(&pems, covered, 1, LEFT));
	cr_expect(tls_local_leaf_good(&pems, capitals, 1, LEFT));
	cr_expect(tls_local_leaf_good(&pems, NAMES, NAME_COUNT, LIFETIME - DAY));
	cr_expect_not(tls_local_leaf_good(&pems, NAMES, NAME_COUNT, LIFETIME + 1));
	mixed = pems;
	mixed.ca_cert = other.ca_cert;
	cr_expect_not(tls_local_leaf_good(&mixed, NAMES, NAME_COUNT, LEFT));
	mixed = pems;
	mixed.leaf_key = other.leaf_key;
	cr_expect_not(tls_local_leaf_good(&mixed, NAMES, NAME_COUNT, LEFT));
	mixed = pems;
	mixed.leaf_cert = NULL;
	cr_expect_not(tls_local_leaf_good(&mixed, NAMES, NAME_COUNT, LEFT));
	tls_pems_done(&pems);
	tls_pems_done(&other);
}

Test(local_ca, fingerprint_is_the_digest_of_the_first_certificate)
{
	struct tls_pems pems = make_pems();
	gnutls_x509_crt_t leaf = cert_of(pems.leaf_cert);
	gnutls_datum_t der;
	unsigned char digest[32];
	char text[96], wanted[97];

	cr_assert_eq(gnutls_x509_crt_export2(leaf, GNUTLS_X509_FMT_DER, &der), 0);
	cr_assert_eq(gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, digest), 0);
	for (size_t i = 0; i < 32; i++)
		snprintf(wanted + 3 * i, 4, "%02X:", digest[i]);
	wanted[95] = '\0';
	cr_assert_eq(tls_fingerprint(pems.leaf_cert, text), TLS_OK);
	cr_assert_str_eq(text, wanted);
	cr_assert_eq(tls_fingerprint("no certificate", text), TLS_CERTIFICATE);
	gnutls_free(der.data);
	gnutls_x509_crt_deinit(leaf);
	tls_pems_done(&pems);
}

Test(local_ca, a_ca_is_one_certificate_that_may_sign)
{
	struct tls_pems one = make_pems(), two = make_pems();
	struct tls_expiry ca;
	char fingerprint[96], both[8192];

	snprintf(both, sizeof(both), "%s%s", one.ca_cert, two.ca_cert);
	cr_expect_eq(tls_ca_read(both, &ca), TLS_CERTIFICATE);
	cr_expect_eq(tls_ca_read(one.leaf_cert, &ca), TLS_CERTIFICATE);
	cr_expect_eq(tls_ca_read(one.ca_key, &ca), TLS_CERTIFICATE);
	cr_assert_eq(tls_ca_read(one.ca_cert, &ca), TLS_OK);
	cr_assert_eq(tls_fingerprint(one.ca_cert, fingerprint), TLS_OK);
	cr_expect_str_eq(ca.fingerprint, fingerprint);
	cr_expect_eq(strncmp(ca.subject, "coffer local CA ", 16), 0);
	cr_expect_gt(ca.seconds_left, 3650 * (int64_t)DAY);
	tls_pems_done(&one);
	tls_pems_done(&two);
}
