#include <criterion/criterion.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server/tls/certificate.h"
#include "server/tls/context.h"
#include "server/tls/local_ca.h"

static const char *const NAMES[] = {"records.example", "192.0.2.7", "2001:db8::7", "*.wide.example"};
enum { DAY = 86400, LIFETIME = 397 * DAY, LEFT = 30 * DAY };
enum { NAME_COUNT = sizeof(NAMES) / sizeof(NAMES[0]) };

static gnutls_datum_t datum_of(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

static gnutls_x509_crt_t cert_of(const char *pem)
{
	gnutls_datum_t datum = datum_of(pem);
	gnutls_x509_crt_t cert;

	cr_assert_eq(gnutls_x509_crt_init(&cert), 0);
	cr_assert_eq(gnutls_x509_crt_import(cert, &datum, GNUTLS_X509_FMT_PEM), 0);
	return cert;
}

static struct tls_material material_of(const char *chain, const char *key)
{
	return (struct tls_material){.pairs = {{.chain_pem = chain, .key_pem = key}}, .pair_count = 1};
}

static struct tls_context *context_of(const struct tls_pems *pems)
{
	const struct tls_material material = material_of(pems->leaf_cert, pems->leaf_key);
	struct tls_context *context = NULL;

	cr_assert_eq(tls_context_new(&material, TLS_LEAST_1_2, &context), TLS_OK);
	return context;
}

static struct tls_pems make_pems(void)
{
	struct tls_pems pems = {0};

	cr_assert_eq(tls_local_ca_make(&pems), TLS_OK);
	cr_assert_eq(tls_local_leaf_make(&pems, NAMES, NAME_COUNT, LIFETIME), TLS_OK);
	return pems;
}

/* ---- the local CA ------------------------------------------------------------------------------------------------ */

Test(tls, a_certificate_tells_its_names_and_its_time)
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
Test(tls, names_that_command_a_terminal_or_begin_a_line_are_not_passed_on)
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

Test(tls, leaf_chains_to_the_ca_for_servers_under_every_name)
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

Test(tls, ca_may_sign_only_servers_and_no_further_ca)
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

Test(tls, leaf_is_good_only_for_its_names_its_ca_and_its_key)
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

Test(tls, fingerprint_is_the_digest_of_the_first_certificate)
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

/* ---- contexts ---------------------------------------------------------------------------------------------------- */

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

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

struct pair {
	int fds[2];
	gnutls_session_t server, client;
	struct tls_traffic traffic;
};

static enum tls_status open_server(struct pair *pair, struct tls_context *context)
{
	cr_assert_eq(gnutls_init(&pair->server, GNUTLS_SERVER | GNUTLS_NONBLOCK), 0);
	cr_assert_eq(gnutls_priority_set_direct(pair->server, tls_context_priorities(context), NULL), 0);
	gnutls_transport_set_int(pair->server, pair->fds[0]);
	return tls_session_prepare(context, pair->server, &pair->traffic);
}

static void open_client(struct pair *pair, gnutls_certificate_credentials_t trust, const char *priorities,
			const char *protocol)
{
	cr_assert_eq(gnutls_init(&pair->client, GNUTLS_CLIENT | GNUTLS_NONBLOCK), 0);
	cr_assert_eq(gnutls_priority_set_direct(pair->client, priorities, NULL), 0);
	gnutls_transport_set_int(pair->client, pair->fds[1]);
	gnutls_credentials_set(pair->client, GNUTLS_CRD_CERTIFICATE, trust);
	gnutls_session_set_verify_cert(pair->client, "localhost", 0);
	gnutls_server_name_set(pair->client, GNUTLS_NAME_DNS, "localhost", 9);
	if (protocol) {
		gnutls_datum_t name = datum_of(protocol);
		gnutls_alpn_set_protocols(pair->client, &name, 1, 0);
	}
}

static void pair_open(struct pair *pair, struct tls_context *context, gnutls_certificate_credentials_t trust,
		      const char *client_priorities, const char *protocol)
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair->fds), 0);
	pair->traffic = (struct tls_traffic){0};
	cr_assert_eq(open_server(pair, context), TLS_OK);
	open_client(pair, trust, client_priorities, protocol);
}

static void pair_close(struct pair *pair)
{
	gnutls_deinit(pair->server);
	gnutls_deinit(pair->client);
	tls_session_done(&pair->traffic);
	close(pair->fds[0]);
	close(pair->fds[1]);
}

/* Both sides by turns; the first fatal code of either, or 0. */
static int shake(struct pair *pair)
{
	int server = GNUTLS_E_AGAIN, client = GNUTLS_E_AGAIN;

	for (int turn = 0; turn < 1000 && (server || client); turn++) {
		if (client)
			client = gnutls_handshake(pair->client);
		if (server)
			server = gnutls_handshake(pair->server);
		if (client && gnutls_error_is_fatal(client))
			return client;
		if (server && gnutls_error_is_fatal(server))
			return server;
	}
	return server ? server : client;
}

static void talk(struct pair *pair)
{
	char got[8] = "";
	unsigned long before = pair->traffic.moves;
	ssize_t size = GNUTLS_E_AGAIN;

	cr_assert_eq(gnutls_record_send(pair->client, "ping", 4), 4);
	cr_assert_eq(gnutls_record_recv(pair->server, got, sizeof(got)), 4);
	cr_assert_gt(pair->traffic.moves, before);
	before = pair->traffic.moves;
	cr_assert_eq(gnutls_record_recv(pair->server, got, sizeof(got)), GNUTLS_E_AGAIN);
	cr_assert_eq(pair->traffic.moves, before);
	cr_assert_eq(gnutls_record_send(pair->server, "pong", 4), 4);
	cr_assert_gt(pair->traffic.moves, before);
	/* Session tickets come first, and are no data. */
	for (int turn = 0; turn < 10 && size == GNUTLS_E_AGAIN; turn++)
		size = gnutls_record_recv(pair->client, got, sizeof(got));
	cr_assert_eq(size, 4);
	cr_assert_arr_eq(got, "pong", 4);
}

static gnutls_certificate_credentials_t trust_of(const struct tls_pems *pems)
{
	gnutls_certificate_credentials_t trust;
	gnutls_datum_t ca = datum_of(pems->ca_cert);

	cr_assert_eq(gnutls_certificate_allocate_credentials(&trust), 0);
	cr_assert_eq(gnutls_certificate_set_x509_trust_mem(trust, &ca, GNUTLS_X509_FMT_PEM), 1);
	return trust;
}

static void check_resumption(const char *priorities)
{
	struct tls_pems pems = make_pems();
	gnutls_certificate_credentials_t trust = trust_of(&pems);
	struct tls_context *context;
	gnutls_datum_t ticket, protocol;
	struct pair pair;

	context = context_of(&pems);
	pair_open(&pair, context, trust, priorities, "http/1.1");
	cr_assert_eq(shake(&pair), 0);
	talk(&pair);
	cr_assert_eq(gnutls_alpn_get_selected_protocol(pair.client, &protocol), 0);
	cr_assert(protocol.size == 8 && memcmp(protocol.data, "http/1.1", 8) == 0);
	cr_assert_eq(gnutls_session_get_data2(pair.client, &ticket), 0);
	pair_close(&pair);

	pair_open(&pair, context, trust, priorities, NULL);
	cr_assert_eq(gnutls_session_set_data(pair.client, ticket.data, ticket.size), 0);
	cr_assert_eq(shake(&pair), 0);
	talk(&pair);
	cr_assert(gnutls_session_is_resumed(pair.server));
	pair_close(&pair);

	gnutls_free(ticket.data);
	tls_context_free(context);
	gnutls_certificate_free_credentials(trust);
	tls_pems_done(&pems);
}

Test(tls, sessions_of_tls_1_3_resume)
{
	check_resumption("NORMAL:-VERS-ALL:+VERS-TLS1.3");
}

Test(tls, sessions_of_tls_1_2_resume)
{
	check_resumption("NORMAL:-VERS-ALL:+VERS-TLS1.2");
}

Test(tls, handshakes_outside_the_policy_fail)
{
	static const struct {
		const char *priorities, *protocol;
		int works;
	} cases[] = {
		{"NORMAL", NULL, 1},
		{"NORMAL", "h2", 0},
		{"NORMAL:-GROUP-ALL:+GROUP-SECP256R1", NULL, 1},
		{"NORMAL:-GROUP-ALL:+GROUP-SECP384R1", NULL, 1},
		{"NORMAL:-GROUP-ALL:+GROUP-X25519", NULL, 1},
		{"NORMAL:-GROUP-ALL:+GROUP-FFDHE2048", NULL, 0},
		{"NORMAL:-GROUP-ALL:+GROUP-SECP521R1", NULL, 0},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.1:%VERIFY_ALLOW_SIGN_WITH_SHA1", NULL, 0},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC", NULL, 0},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:+DHE-RSA", NULL, 0},
	};
	struct tls_pems pems = make_pems();
	gnutls_certificate_credentials_t trust = trust_of(&pems);
	struct tls_context *context;
	struct pair pair;

	context = context_of(&pems);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pair_open(&pair, context, trust, cases[i].priorities, cases[i].protocol);
		int code = shake(&pair);
		cr_expect_eq(code == 0, cases[i].works, "%s %s: %s", cases[i].priorities,
			     cases[i].protocol ? cases[i].protocol : "", gnutls_strerror(code));
		pair_close(&pair);
	}
	tls_context_free(context);
	gnutls_certificate_free_credentials(trust);
	tls_pems_done(&pems);
}

/* ---- replacing --------------------------------------------------------------------------------------------------- */

static void check_served(struct pair *pair, const struct tls_pems *pems)
{
	gnutls_x509_crt_t wanted = cert_of(pems->leaf_cert);
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(pair->client, &count);

	cr_assert(chain && count > 0);
	cr_expect(gnutls_x509_crt_equals2(wanted, &chain[0]));
	gnutls_x509_crt_deinit(wanted);
}

Test(tls, a_session_goes_on_with_the_certificate_that_it_began_with)
{
	struct tls_pems before = make_pems(), after = make_pems();
	gnutls_certificate_credentials_t trust = trust_of(&before), trust_after = trust_of(&after);
	struct tls_context *context = context_of(&before);
	const struct tls_material material = material_of(after.leaf_cert, after.leaf_key);
	struct tls_expiry expiry;
	struct pair early, begun, late;
	char fingerprint[96];

	pair_open(&early, context, trust, "NORMAL", NULL);
	pair_open(&begun, context, trust, "NORMAL", NULL);
	cr_assert_eq(shake(&early), 0);
	cr_assert_eq(tls_context_replace(context, &material), TLS_OK);
	cr_expect_eq(shake(&begun), 0);
	check_served(&begun, &before);
	talk(&begun);
	check_served(&early, &before);
	talk(&early);
	pair_open(&late, context, trust_after, "NORMAL", NULL);
	cr_assert_eq(shake(&late), 0);
	check_served(&late, &after);
	talk(&late);
	talk(&early);
	pair_close(&early);
	pair_close(&begun);
	tls_context_expiry(context, &expiry);
	cr_assert_eq(tls_fingerprint(after.leaf_cert, fingerprint), TLS_OK);
	cr_expect_str_eq(expiry.fingerprint, fingerprint);
	cr_expect_str_eq(expiry.subject, "localhost");
	cr_expect(expiry.seconds_left > LIFETIME - DAY && expiry.seconds_left <= LIFETIME);
	talk(&late);
	pair_close(&late);
	tls_context_free(context);
	gnutls_certificate_free_credentials(trust);
	gnutls_certificate_free_credentials(trust_after);
	tls_pems_done(&before);
	tls_pems_done(&after);
}

/* ---- several certificates ---------------------------------------------------------------------------------------- */

static struct tls_pems pems_for(const char *name, int64_t lifetime)
{
	struct tls_pems pems = {0};

	cr_assert_eq(tls_local_ca_make(&pems), TLS_OK);
	cr_assert_eq(tls_local_leaf_make(&pems, &name, 1, lifetime), TLS_OK);
	return pems;
}

Test(tls, who_calls_by_another_name_gets_the_first_certificate)
{
	static const struct {
		const char *name; /* NULL: an address is dialled, and none told */
		bool second;
	} calls[] = {
		{NULL, false},		 {"localhost", false},		{"other.example.org", false},
		{"records.test", false}, {"records.example.org", true},
	};
	struct tls_pems own = pems_for("*.example.org", LIFETIME / 4);
	struct tls_pems given = pems_for("records.example.org", LIFETIME);
	const struct tls_material material = {
		.pairs = {{.chain_pem = own.leaf_cert, .key_pem = own.leaf_key, .aside = true},
			  {.chain_pem = given.leaf_cert, .key_pem = given.leaf_key}},
		.pair_count = 2,
	};
	struct tls_context *context = NULL;
	struct tls_certificate certificate;
	struct tls_expiry expiry;
	char fingerprint[96];

	cr_assert_eq(tls_context_new(&material, TLS_LEAST_1_2, &context), TLS_OK);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct tls_pems *const wanted = calls[i].second ? &given : &own;
		gnutls_certificate_credentials_t trust = trust_of(wanted);
		struct pair pair;

		pair_open(&pair, context, trust, "NORMAL", NULL);
		gnutls_session_set_verify_cert(pair.client, NULL, 0);
		gnutls_server_name_set(pair.client, GNUTLS_NAME_DNS, calls[i].name ? calls[i].name : "",
				       calls[i].name ? strlen(calls[i].name) : 0);
		cr_expect_eq(shake(&pair), 0, "%zu", i);
		check_served(&pair, wanted);
		pair_close(&pair);
		gnutls_certificate_free_credentials(trust);
	}
	/* What is told of the certificate is of the one that is not aside, though it lives longer. */
	tls_context_expiry(context, &expiry);
	cr_assert_eq(tls_fingerprint(given.leaf_cert, fingerprint), TLS_OK);
	cr_expect_str_eq(expiry.fingerprint, fingerprint);
	cr_assert_eq(tls_context_certificate(context, &certificate), TLS_OK);
	cr_expect_eq(certificate.not_after_ms, expiry.not_after * 1000);
	tls_context_free(context);
	tls_pems_done(&own);
	tls_pems_done(&given);
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

Test(tls, with_1_3_as_the_least_nothing_older_is_spoken)
{
	struct tls_pems pems = make_pems();
	const struct tls_material material = material_of(pems.leaf_cert, pems.leaf_key);
	gnutls_certificate_credentials_t trust = trust_of(&pems);
	struct tls_context *context = NULL;
	struct pair pair;

	cr_assert_eq(tls_context_new(&material, TLS_LEAST_1_3, &context), TLS_OK);
	pair_open(&pair, context, trust, "NORMAL:-VERS-ALL:+VERS-TLS1.2", NULL);
	cr_expect_neq(shake(&pair), 0);
	pair_close(&pair);
	pair_open(&pair, context, trust, "NORMAL", NULL);
	cr_expect_eq(shake(&pair), 0);
	pair_close(&pair);
	tls_context_free(context);
	gnutls_certificate_free_credentials(trust);
	tls_pems_done(&pems);
}

Test(tls, a_ca_is_one_certificate_that_may_sign)
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

/* The hello is there before the session is prepared, as it is where connections are handed over. */
Test(tls, a_client_that_is_refused_gets_an_alert_that_says_why)
{
	static const struct {
		const char *priorities, *protocol;
		gnutls_alert_description_t alert;
	} cases[] = {
		{"NORMAL:-VERS-ALL:+VERS-TLS1.1:%VERIFY_ALLOW_SIGN_WITH_SHA1", NULL, GNUTLS_A_PROTOCOL_VERSION},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC", NULL, GNUTLS_A_HANDSHAKE_FAILURE},
		{"NORMAL", "h2", GNUTLS_A_NO_APPLICATION_PROTOCOL},
	};
	struct tls_pems pems = make_pems();
	gnutls_certificate_credentials_t trust = trust_of(&pems);
	struct tls_context *context = context_of(&pems);
	int code = GNUTLS_E_AGAIN;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair pair = {.traffic = {0}};

		cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.fds), 0);
		open_client(&pair, trust, cases[i].priorities, cases[i].protocol);
		cr_assert_eq(gnutls_handshake(pair.client), GNUTLS_E_AGAIN);
		cr_expect_eq(open_server(&pair, context), TLS_REFUSED, "case %zu", i);
		code = gnutls_handshake(pair.client);
		cr_expect_eq(code, GNUTLS_E_FATAL_ALERT_RECEIVED, "case %zu: %s", i, gnutls_strerror(code));
		cr_expect_eq(gnutls_alert_get(pair.client), cases[i].alert, "case %zu", i);
		pair_close(&pair);
	}
	tls_context_free(context);
	gnutls_certificate_free_credentials(trust);
	tls_pems_done(&pems);
}

Test(tls, the_answer_to_a_hello_does_not_go_on_however_quick_the_client_is)
{
	struct tls_pems pems = make_pems();
	gnutls_certificate_credentials_t trust = trust_of(&pems);
	struct tls_context *context = context_of(&pems);
	struct pair pair = {.traffic = {0}};

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.fds), 0);
	open_client(&pair, trust, "NORMAL", "http/1.1");
	cr_assert_eq(gnutls_handshake(pair.client), GNUTLS_E_AGAIN);
	cr_assert_eq(open_server(&pair, context), TLS_OK);
	cr_expect_gt(pair.traffic.sent, 0);
	cr_expect_not(pair.traffic.established);
	cr_assert_eq(shake(&pair), 0);
	cr_expect(pair.traffic.established);
	talk(&pair);
	pair_close(&pair);
	tls_context_free(context);
	gnutls_certificate_free_credentials(trust);
	tls_pems_done(&pems);
}
