/* coffer status: how a running server is, for people; --json for programs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/cli/admin_ask.h"
#include "server/cli/admin_client.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/core/human.h"

enum { OPTION_JSON, OPTION_DATA, OPTION_URL, OPTION_CA, OPTION_TOKEN_FILE, OPTION_COUNT };

static const struct argument OPTIONS[] = {
	[OPTION_JSON] = {.name = "json", .help = "the server's answer as it came, for programs"},
	[OPTION_DATA] = ADMIN_CLIENT_DATA,
	[OPTION_URL] = ADMIN_CLIENT_URL,
	[OPTION_CA] = ADMIN_CLIENT_CA,
	[OPTION_TOKEN_FILE] = {.name = "token-file",
			       .value = "FILE",
			       .help = "a token of scope admin or metrics instead of DIR/admin.token"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer status [--json] [--data DIR] [--url URL] [--ca FILE] [--token-file FILE]",
	.about = "Prints how a running server is: its keys, certificate, disk, queue, audit log and connections.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
};

/* ---- members; one that is missing or of another kind is "-" or 0 ---------------------------------------------------
 */

static uint64_t number(const struct json_value *object, const char *name)
{
	int64_t value;

	return json_doc_integer(json_doc_member(object, name), 0, INT64_MAX, &value) == JSON_DOC_OK ? (uint64_t)value
												    : 0;
}

static const char *size(const struct json_value *object, const char *name, char ret_text[static HUMAN_TEXT_MAX])
{
	human_bytes(number(object, name), ret_text);
	return ret_text;
}

static const char *span(const struct json_value *object, const char *name, char ret_text[static HUMAN_TEXT_MAX])
{
	human_span(number(object, name), ret_text);
	return ret_text;
}

/* ---- lines ---- */

static void print_service(const struct json_value *root)
{
	char version[256], started[256], seal[256], up[HUMAN_TEXT_MAX];
	bool healthy = false;

	admin_text(root, "version", version);
	admin_text(root, "started", started);
	admin_text(root, "seal", seal);
	if (json_doc_bool(json_doc_member(root, "healthy"), &healthy) != JSON_DOC_OK || !healthy)
		puts("THE DATABASE IS DAMAGED: see the server's log, and coffer check");
	printf("coffer       %s, up %s, since %s\n", version, span(root, "uptime_seconds", up), started);
	printf("records      %s\n",
	       seal[0] == 's' ? "sealed: written, and not read until coffer unseal" : "unsealed: written and read");
}

static void print_keys(const struct json_value *root)
{
	const struct json_value *kek = NULL, *epoch = json_doc_member(root, "epoch");
	char id[256], state[256], age[HUMAN_TEXT_MAX];
	bool loaded = false;

	if (json_doc_array(json_doc_member(root, "keks"), 0, 1000, &kek) != JSON_DOC_OK)
		kek = NULL;
	for (; kek; kek = json_doc_next(kek)) {
		admin_text(kek, "id", id);
		admin_text(kek, "state", state);
		printf("KEK          %.16s, %s, %s old\n", id, state, span(kek, "age_seconds", age));
	}
	if (epoch && json_doc_bool(json_doc_member(epoch, "loaded"), &loaded) == JSON_DOC_OK)
		printf("epoch key    %s old, %s\n", span(epoch, "age_seconds", age),
		       loaded ? "in memory" : "not in memory");
	else
		puts("epoch key    none");
}

static void print_certificate(const struct json_value *root)
{
	const struct json_value *certificate = json_doc_member(root, "certificate");
	char until[256], left[HUMAN_TEXT_MAX];

	if (!certificate)
		return;
	admin_text(certificate, "not_after", until);
	printf("certificate  ");
	admin_print_list(json_doc_member(certificate, "names"));
	if (number(certificate, "seconds_left") == 0)
		printf(": EXPIRED at %s\n", until);
	else
		printf(": good for %s, until %s\n", span(certificate, "seconds_left", left), until);
}

static void print_renewal(const struct json_value *root)
{
	const struct json_value *acme = json_doc_member(root, "acme");
	char error[256] = "", next[256] = "";

	if (!acme)
		return;
	admin_text(acme, "next_attempt", next);
	admin_text(acme, "error", error);
	if (number(acme, "failures") > 0)
		printf("acme         FAILED, %llu times in a row: %s; next attempt at %s\n",
		       (unsigned long long)number(acme, "failures"), error, next);
	else if (next[0])
		printf("acme         to be renewed at %s\n", next);
}

static void print_store(const struct json_value *root)
{
	const struct json_value *database = json_doc_member(root, "database"), *disk = json_doc_member(root, "disk");
	char a[HUMAN_TEXT_MAX], b[HUMAN_TEXT_MAX], c[HUMAN_TEXT_MAX], space[256];

	admin_text(disk, "space", space);
	printf("database     %s, and %s of write-ahead log\n", size(database, "bytes", a),
	       size(database, "wal_bytes", b));
	printf("disk         %s free, %s; writing stops below %s, reading below %s\n", size(disk, "free_bytes", a),
	       space, size(disk, "watermark_bytes", b), size(disk, "reserve_bytes", c));
}

static void print_load(const struct json_value *root)
{
	const struct json_value *queue = json_doc_member(root, "queue"), *audit = json_doc_member(root, "audit");
	const struct json_value *connections = json_doc_member(root, "connections");
	char hash[256];

	admin_text(audit, "hash", hash);
	printf("audit log    event %" PRIu64 ", hash %.16s\n", number(audit, "sequence"), hash);
	printf("queue        %" PRIu64 " of %" PRIu64 "\n", number(queue, "waiting"), number(queue, "limit"));
	printf("connections  %" PRIu64 " of %" PRIu64 "\n", number(connections, "open"), number(connections, "limit"));
}

static bool print_text(struct client *client, struct complaint *complaint)
{
	struct json_doc *doc = NULL;
	const bool good = admin_ask(client, "GET", "/v1/status", NULL, 200, &doc, complaint);

	if (good) {
		const struct json_value *root = json_doc_root(doc);

		print_service(root);
		print_keys(root);
		print_certificate(root);
		print_renewal(root);
		print_store(root);
		print_load(root);
	}
	json_doc_free(doc);
	return good;
}

static bool print_json(struct client *client, struct complaint *complaint)
{
	const struct client_request request = {.method = "GET", .path = "/v1/status"};
	struct client_reply reply = {0};
	bool good = client_send(client, &request, &reply, complaint->text, sizeof(complaint->text));

	if (good && reply.status != 200)
		good = remote_refused(&reply, "asking", complaint);
	if (good)
		puts(reply.body);
	client_reply_done(&reply);
	return good;
}

int command_status(int argc, char **argv)
{
	const char *values[OPTION_COUNT] = {NULL};
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct complaint complaint = {""};
	struct client *client = NULL;
	bool good;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	harden_process();
	good = admin_client_open(values[OPTION_DATA], values[OPTION_URL], values[OPTION_CA], values[OPTION_TOKEN_FILE],
				 &client, complaint.text, sizeof(complaint.text)) &&
	       (values[OPTION_JSON] ? print_json(client, &complaint) : print_text(client, &complaint));
	client_free(client);
	return admin_report(good, &complaint);
}
