#include <criterion/criterion.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/tls/certificate.h"
#include "server/tls/context_private.h" /* to make a ticket key older */
#include "tests/unit/support/tls_pems.h"

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

/* Of a session that has just talked: whether the next one with its ticket is resumed. */
static bool resumes(struct tls_context *context, gnutls_certificate_credentials_t trust, const char *priorities,
		    const gnutls_datum_t *ticket)
{
	struct pair pair;
	bool resumed;

	pair_open(&pair, context, trust, priorities, NULL);
	cr_assert_eq(gnutls_session_set_data(pair.client, ticket->data, ticket->size), 0);
	cr_assert_eq(shake(&pair), 0);
	talk(&pair);
	resumed = gnutls_session_is_resumed(pair.server);
	cr_assert_eq(gnutls_session_is_resumed(pair.client) != 0, resumed);
	pair_close(&pair);
	return resumed;
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

	cr_expect(resumes(context, trust, priorities, &ticket));
	/* Under the key of the next day it is a full handshake again. */
	context->ticket_key_born -= DAY;
	cr_expect_not(resumes(context, trust, priorities, &ticket));

	gnutls_free(ticket.data);
	tls_context_free(context);
	gnutls_certificate_free_credentials(trust);
	tls_pems_done(&pems);
}

Test(tls_session, sessions_of_tls_1_3_resume)
{
	check_resumption("NORMAL:-VERS-ALL:+VERS-TLS1.3");
}

Test(tls_session, sessions_of_tls_1_2_resume)
{
	check_resumption("NORMAL:-VERS-ALL:+VERS-TLS1.2");
}

Test(tls_session, handshakes_outside_the_policy_fail)
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

static void check_served(struct pair *pair, const struct tls_pems *pems)
{
	gnutls_x509_crt_t wanted = cert_of(pems->leaf_cert);
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(pair->client, &count);

	cr_assert(chain && count > 0);
	cr_expect(gnutls_x509_crt_equals2(wanted, &chain[0]));
	gnutls_x509_crt_deinit(wanted);
}

Test(tls_session, a_session_goes_on_with_the_certificate_that_it_began_with)
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

Test(tls_session, who_calls_by_another_name_gets_the_first_certificate)
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

Test(tls_session, with_1_3_as_the_least_nothing_older_is_spoken)
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

/* The hello is there before the session is prepared, as it is where connections are handed over. */
Test(tls_session, a_client_that_is_refused_gets_an_alert_that_says_why)
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

Test(tls_session, the_answer_to_a_hello_does_not_go_on_however_quick_the_client_is)
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

/* ---- sends that belong together ---------------------------------------------------------------------------------- */

/* What a client has got so far of what is sent to it. */
struct received {
	uint8_t bytes[1 << 16];
	size_t size;
};

/* A session that has just talked, and all that it needs. */
struct talked {
	struct tls_pems pems;
	gnutls_certificate_credentials_t trust;
	struct tls_context *context;
	struct pair pair;
};

static void talked_open(struct talked *talked, const char *priorities)
{
	talked->pems = make_pems();
	talked->trust = trust_of(&talked->pems);
	talked->context = context_of(&talked->pems);
	pair_open(&talked->pair, talked->context, talked->trust, priorities, NULL);
	cr_assert_eq(shake(&talked->pair), 0);
	talk(&talked->pair);
}

static void talked_close(struct talked *talked)
{
	pair_close(&talked->pair);
	tls_context_free(talked->context);
	gnutls_certificate_free_credentials(talked->trust);
	tls_pems_done(&talked->pems);
}

static void receive(struct pair *pair, struct received *got, size_t at_most)
{
	const ssize_t size = gnutls_record_recv(pair->client, got->bytes + got->size, at_most);

	cr_assert(size > 0 || size == GNUTLS_E_AGAIN, "%s", gnutls_strerror((int)size));
	got->size += size > 0 ? (size_t)size : 0;
}

/* As libmicrohttpd does: the head, and at once the body; again when the socket has room. True: it was cut somewhere. */
static bool send_joined(struct pair *pair, struct received *got, const uint8_t *text, size_t head, size_t body)
{
	size_t sent = 0, held;
	bool cut = false;

	pair->traffic.joins = true;
	cr_assert_eq(gnutls_record_send(pair->server, text, head), (ssize_t)head);
	cr_assert_not_null(pair->traffic.held);
	held = pair->traffic.held_size;
	while (sent < body) {
		const ssize_t size = gnutls_record_send(pair->server, text + head + sent, body - sent);

		cr_assert(size > 0 || size == GNUTLS_E_AGAIN, "%s", gnutls_strerror((int)size));
		sent += size > 0 ? (size_t)size : 0;
		cut = cut || (pair->traffic.held && pair->traffic.held_size < held);
		if (size < 0)
			receive(pair, got, 700);
	}
	cr_assert_null(pair->traffic.held);
	cr_assert_not(pair->traffic.joins);
	return cut;
}

static void check_joined(const char *priorities)
{
	enum { ROUNDS = 200, SMALLEST = 1 };
	static uint8_t text[40000];
	static struct received got;
	struct talked talked;
	struct pair *const pair = &talked.pair;
	unsigned cuts = 0;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 2654435761U >> 24);
	talked_open(&talked, priorities);
	cr_assert_eq(setsockopt(pair->fds[0], SOL_SOCKET, SO_SNDBUF, &(int){SMALLEST}, sizeof(int)), 0);
	for (size_t round = 0; round < ROUNDS; round++) {
		const size_t head = 100 + round * 19, body = 1 + round * 170;

		got.size = 0;
		/* Something before it, which takes more or less of the socket's room. */
		if (gnutls_record_send(pair->server, text, 1 + round * 7) < 0)
			cr_assert_fail("round %zu", round);
		cuts += send_joined(pair, &got, text, head, body);
		while (got.size < 1 + round * 7 + head + body)
			receive(pair, &got, 5000);
		cr_assert_eq(got.size, 1 + round * 7 + head + body, "round %zu", round);
		cr_assert_arr_eq(got.bytes + 1 + round * 7, text, head + body, "round %zu", round);
	}
	cr_expect_gt(cuts, 10, "the socket always had room");
	talked_close(&talked);
}

Test(tls_session, two_sends_that_belong_together_leave_together_and_whole_under_tls_1_3)
{
	check_joined("NORMAL:-VERS-ALL:+VERS-TLS1.3");
}

Test(tls_session, two_sends_that_belong_together_leave_together_and_whole_under_tls_1_2)
{
	check_joined("NORMAL:-VERS-ALL:+VERS-TLS1.2");
}

Test(tls_session, a_send_that_waits_for_none_is_forgotten_with_its_session)
{
	struct talked talked;
	struct received *got = calloc(1, sizeof(*got));
	struct pair *const pair = &talked.pair;

	cr_assert_not_null(got);
	talked_open(&talked, "NORMAL");
	pair->traffic.joins = true;
	cr_assert_eq(gnutls_record_send(pair->server, "head", 4), 4);
	receive(pair, got, 100);
	cr_expect_eq(got->size, 0, "it did not wait");
	talked_close(&talked);
	cr_expect_null(pair->traffic.held);
	free(got);
}

/* What is too long to be kept goes at once, and takes nothing along. */
Test(tls_session, a_long_send_does_not_wait)
{
	static uint8_t text[9000];
	struct talked talked;
	struct received *got = calloc(1, sizeof(*got));
	struct pair *const pair = &talked.pair;

	cr_assert_not_null(got);
	talked_open(&talked, "NORMAL");
	pair->traffic.joins = true;
	cr_assert_eq(gnutls_record_send(pair->server, text, sizeof(text)), (ssize_t)sizeof(text));
	cr_expect_null(pair->traffic.held);
	receive(pair, got, sizeof(text));
	cr_expect_eq(got->size, sizeof(text));
	talked_close(&talked);
	free(got);
}
