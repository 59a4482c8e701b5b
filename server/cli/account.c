/* coffer account: accounts and their roles, on a running server. */
#include <stdio.h>
#include <string.h>

#include "server/cli/admin_ask.h"
#include "server/cli/admin_client.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"

enum { OPTION_ROLE, OPTION_STATE, OPTION_DATA, OPTION_URL, OPTION_CA, OPTION_TOKEN_FILE, OPTION_COUNT };

static const struct argument OPTIONS[] = {
	[OPTION_ROLE] = {.name = "role",
			 .value = "ROLE,...",
			 .help = "of reader, writer, auditor, administrator, partner, emergency"},
	[OPTION_STATE] = {.name = "state", .value = "STATE", .help = "change: active or disabled"},
	[OPTION_DATA] = ADMIN_CLIENT_DATA,
	[OPTION_URL] = ADMIN_CLIENT_URL,
	[OPTION_CA] = ADMIN_CLIENT_CA,
	[OPTION_TOKEN_FILE] = ADMIN_CLIENT_TOKEN_FILE,
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer account (list | add NAME --role ROLE,... | change NAME [--role ROLE,...] [--state STATE])\n"
		 "       [--data DIR] [--url URL] [--ca FILE] [--token-file FILE]",
	.about = "Accounts of a running server: one a person or program. What is changed holds on the very next "
		 "request.\n"
		 "An account can do nothing until coffer token gives it a token, or coffer invite a key.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
	.operand = "ACTION",
	.more_operands = 1,
};

static bool list(struct client *client, struct complaint *complaint)
{
	char path[128] = "/v1/accounts", next[64] = "";
	bool good;

	do {
		struct json_doc *doc = NULL;
		const struct json_value *row = NULL;

		good = admin_ask(client, "GET", path, NULL, 200, &doc, complaint);
		if (good &&
		    json_doc_array(json_doc_member(json_doc_root(doc), "accounts"), 0, 1000, &row) != JSON_DOC_OK)
			good = complain(complaint, "the server's answer is not what a coffer server says");
		for (; good && row; row = json_doc_next(row)) {
			char name[256], state[256];

			admin_text(row, "name", name);
			admin_text(row, "state", state);
			printf("%-24s %-8s ", name, state);
			admin_print_list(json_doc_member(row, "roles"));
			putchar('\n');
		}
		if (!good || !state_text(doc, "next", 36, next))
			next[0] = '\0';
		json_doc_free(doc);
		remote_clean(next);
		snprintf(path, sizeof(path), "/v1/accounts?after=%s", next);
	} while (good && next[0]);
	return good;
}

static bool act(const char *const values[static OPTION_COUNT + 2], struct client *client, struct complaint *complaint)
{
	const char *action = values[OPTION_COUNT], *given = values[OPTION_COUNT + 1];
	char name[DIRECTORY_NAME_MAX + 1], path[128] = "/v1/accounts";
	struct json *body;

	if (strcmp(action, "list") == 0)
		return list(client, complaint);
	if (!directory_name(given, name))
		return complain(complaint, "that is no name");
	body = json_new();
	if (strcmp(action, "add") == 0)
		json_text(body, "name", name);
	else
		snprintf(path, sizeof(path), "/v1/accounts/%s", name);
	if (values[OPTION_ROLE])
		admin_put_list(body, "roles", values[OPTION_ROLE]);
	if (values[OPTION_STATE])
		json_text(body, "state", values[OPTION_STATE]);
	return strcmp(action, "add") == 0 ? admin_ask(client, "POST", path, body, 201, NULL, complaint)
					  : admin_ask(client, "PUT", path, body, 200, NULL, complaint);
}

static bool is_whole(const char *const values[static OPTION_COUNT + 2])
{
	const char *action = values[OPTION_COUNT] ? values[OPTION_COUNT] : "", *name = values[OPTION_COUNT + 1];

	if (strcmp(action, "list") == 0)
		return !name && !values[OPTION_ROLE] && !values[OPTION_STATE];
	if (strcmp(action, "add") == 0)
		return name && values[OPTION_ROLE] && !values[OPTION_STATE];
	return strcmp(action, "change") == 0 && name && (values[OPTION_ROLE] || values[OPTION_STATE]);
}

int command_account(int argc, char **argv)
{
	const char *values[OPTION_COUNT + 2];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct complaint complaint = {""};
	struct client *client = NULL;
	bool good;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!is_whole(values)) {
		fprintf(stderr, "usage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	harden_process();
	good = admin_client_open(values[OPTION_DATA], values[OPTION_URL], values[OPTION_CA], values[OPTION_TOKEN_FILE],
				 &client, complaint.text, sizeof(complaint.text)) &&
	       act(values, client, &complaint);
	client_free(client);
	return admin_report(good, &complaint);
}
