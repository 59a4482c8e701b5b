/* coffer invite: the administrator's side of joining. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/cli/admin_client.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/message_io.h"
#include "server/client/client.h"
#include "server/core/directory.h"
#include "server/partner/remote.h"

enum { OPTION_OUTPUT, OPTION_EXPIRES_IN, OPTION_DATA, OPTION_URL, OPTION_CA, OPTION_TOKEN_FILE, OPTION_COUNT };

static const struct argument OPTIONS[] = {
	[OPTION_OUTPUT] = {.name = "output",
			   .letter = 'o',
			   .value = "FILE",
			   .help = "for the invite (mode 0600); else standard output"},
	[OPTION_EXPIRES_IN] = {.name = "expires-in",
			       .value = "SECONDS",
			       .help = "how long it is good; else, and at most, the server's --invite-ttl"},
	[OPTION_DATA] = ADMIN_CLIENT_DATA,
	[OPTION_URL] = ADMIN_CLIENT_URL,
	[OPTION_CA] = ADMIN_CLIENT_CA,
	[OPTION_TOKEN_FILE] = ADMIN_CLIENT_TOKEN_FILE,
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer invite NAME [-o FILE] [--expires-in SECONDS] [--data DIR] [--url URL] [--ca FILE]\n"
		 "       [--token-file FILE]",
	.about = "Invites somebody to take a name on a running server. The invite names the server by --url, as the\n"
		 "partner will dial it, and its CA; whoever holds it can take the name, once: hand it over with care.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
	.operand = "NAME",
};

static bool write_invite(const struct client_reply *reply, const char *output, struct complaint *complaint)
{
	struct json_doc *doc = NULL;
	char text[2048] = "";
	bool good;

	if (reply->status != 201)
		return remote_refused(reply, "inviting", complaint);
	good = json_doc_parse(reply->body, reply->size, &doc) == JSON_DOC_OK &&
	       state_text(doc, "invite", sizeof(text) - 2, text);
	json_doc_free(doc);
	if (!good)
		return complain(complaint, "inviting: the server's answer is not what a coffer server says");
	strcat(text, "\n");
	good = message_io_write(output, text, strlen(text), complaint->text, sizeof(complaint->text));
	secret_wipe(text, sizeof(text));
	return good;
}

static bool invite(const char *const values[static OPTION_COUNT + 1], unsigned seconds, struct complaint *complaint)
{
	char body[256], name[DIRECTORY_NAME_MAX + 1];
	struct client_request request = {
		.method = "POST", .path = "/v1/invites", .media_type = "application/json", .body = body};
	struct client_reply reply = {0};
	struct client *client = NULL;
	bool good;

	if (!directory_name(values[OPTION_COUNT], name))
		return complain(complaint, "that is no name");
	request.size = (size_t)snprintf(body, sizeof(body), "{\"name\":\"%s\"", name);
	if (seconds)
		request.size += (size_t)snprintf(body + request.size, sizeof(body) - request.size, ",\"expires_in\":%u",
						 seconds);
	body[request.size++] = '}';
	good = admin_client_open(values[OPTION_DATA], values[OPTION_URL], values[OPTION_CA], values[OPTION_TOKEN_FILE],
				 &client, complaint->text, sizeof(complaint->text)) &&
	       client_send(client, &request, &reply, complaint->text, sizeof(complaint->text)) &&
	       write_invite(&reply, values[OPTION_OUTPUT], complaint);
	client_reply_done(&reply);
	client_free(client);
	return good;
}

int command_invite(int argc, char **argv)
{
	const char *values[OPTION_COUNT + 1];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct complaint complaint = {""};
	unsigned seconds = 0;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!values[OPTION_COUNT] ||
	    (values[OPTION_EXPIRES_IN] && !arguments_number(values[OPTION_EXPIRES_IN], 1, UINT32_MAX / 10, &seconds))) {
		fprintf(stderr, "coffer: a name is needed, and whole seconds\nusage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	harden_process();
	if (invite(values, seconds, &complaint))
		return 0;
	fprintf(stderr, "coffer: %s\n", complaint.text);
	return 1;
}
