/* coffer health: whether a server answers, for scripts and for a container's own check. */
#include <stdio.h>
#include <string.h>

#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/server_place.h"
#include "server/client/client.h"
#include "server/json/json_doc.h"
#include "server/partner/remote.h"

enum { OPTION_READY, OPTION_DATA, OPTION_URL, OPTION_CA, OPTION_TIMEOUT, OPTION_COUNT };
enum { TIMEOUT_SECONDS = 5 };

static const struct argument OPTIONS[] = {
	[OPTION_READY] = {.name = "ready",
			  .help = "ask whether it can store and read records, too; a sealed one can, but for reading"},
	[OPTION_DATA] = {.name = "data",
			 .value = "DIR",
			 .help = "of the server, whose address and CA are taken from there; else COFFER_DATA, else\n"
				 "      ./coffer-data"},
	[OPTION_URL] =
		{.name = "url",
		 .value = "URL",
		 .help = "where it is, also as http://HOST:PORT or unix:/PATH; else what DIR/server.url says, else\n"
			 "      https:// and COFFER_LISTEN, else https://127.0.0.1:8443"},
	[OPTION_CA] = {.name = "ca",
		       .value = "FILE",
		       .help = "the CA to trust instead of DIR/tls/ca.pem and, under another name, the system's"},
	[OPTION_TIMEOUT] = {.name = "timeout", .value = "SECONDS", .help = "1 to 60; else 5"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer health [--ready] [--data DIR] [--url URL] [--ca FILE] [--timeout SECONDS]",
	.about = "Asks a server whether it answers. It takes no token and no secret.\n"
		 "One line; exit status 0 when all is well, 1 when not.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
};

/* The member "status" of a good answer, the title and detail of a problem. */
static void take_words(const struct client_reply *reply, char ret_words[static 300])
{
	struct json_doc *doc = NULL;
	const char *text, *detail;
	size_t size;

	snprintf(ret_words, 300, "an answer that is not what a coffer server says");
	if (json_doc_parse(reply->body, reply->size, &doc) != JSON_DOC_OK)
		return;
	const struct json_value *root = json_doc_root(doc);

	if (reply->status == 200 &&
	    json_doc_string(json_doc_member(root, "status"), 1, 40, &text, &size) == JSON_DOC_OK)
		snprintf(ret_words, 300, "%s", text);
	else if (json_doc_string(json_doc_member(root, "detail"), 1, 200, &detail, &size) == JSON_DOC_OK ||
		 json_doc_string(json_doc_member(root, "title"), 1, 200, &detail, &size) == JSON_DOC_OK)
		snprintf(ret_words, 300, "%s", detail);
	json_doc_free(doc);
	remote_clean(ret_words);
}

static bool ask(const struct client_options *options, const char *path, char *ret_line, size_t line_size)
{
	const struct client_request request = {.method = "GET", .path = path};
	struct client *client = NULL;
	struct client_reply reply = {0};
	char words[300];
	bool good = client_new(options, &client, ret_line, line_size) &&
		    client_send(client, &request, &reply, ret_line, line_size);

	if (good) {
		take_words(&reply, words);
		snprintf(ret_line, line_size, "%s: %s (%ld)", options->url, words, reply.status);
		good = reply.status == 200;
	}
	client_reply_done(&reply);
	client_free(client);
	return good;
}

int command_health(int argc, char **argv)
{
	const char *values[OPTION_COUNT] = {NULL};
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct client_options options = {.plain = true};
	struct server_place place;
	unsigned seconds = TIMEOUT_SECONDS;
	char line[4400] = "";
	bool good;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (values[OPTION_TIMEOUT] && !arguments_number(values[OPTION_TIMEOUT], 1, 60, &seconds)) {
		fprintf(stderr, "usage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	options.timeout_ms = (long)seconds * 1000;
	server_place_find(arguments_data(values[OPTION_DATA]), values[OPTION_URL], values[OPTION_CA], &place, &options);
	/* Behind a proxy: whether this server answers, not whether the proxy does. */
	if (!values[OPTION_URL] && strncmp(place.found.dial, "https://", 8) != 0)
		options.url = place.found.dial;
	good = ask(&options, values[OPTION_READY] ? "/v1/ready" : "/v1/health", line, sizeof(line));
	fprintf(good ? stdout : stderr, "%s%s\n", good ? "" : "coffer: ", line);
	return good ? 0 : 1;
}
