/* coffer token: tokens of accounts, on a running server. */
#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "server/cli/admin_ask.h"
#include "server/cli/admin_client.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/message_io.h"
#include "server/core/accounts.h"

enum {
	OPTION_SCOPE,
	OPTION_EXPIRES_IN,
	OPTION_DESCRIPTION,
	OPTION_OUTPUT,
	OPTION_DATA,
	OPTION_URL,
	OPTION_CA,
	OPTION_TOKEN_FILE,
	OPTION_COUNT
};

static const struct argument OPTIONS[] = {
	[OPTION_SCOPE] =
		{.name = "scope",
		 .value = "SCOPE,...",
		 .help = "of records:read, records:write, admin, partner, audit, break-glass, metrics; else all that\n"
			 "      the account has"},
	[OPTION_EXPIRES_IN] = {.name = "expires-in", .value = "SECONDS", .help = "else the token does not expire"},
	[OPTION_DESCRIPTION] = {.name = "description", .value = "TEXT", .help = "what it is for, as it is listed"},
	[OPTION_OUTPUT] = {.name = "output",
			   .letter = 'o',
			   .value = "FILE",
			   .help = "for the token (mode 0600); else standard output"},
	[OPTION_DATA] = ADMIN_CLIENT_DATA,
	[OPTION_URL] = ADMIN_CLIENT_URL,
	[OPTION_CA] = ADMIN_CLIENT_CA,
	[OPTION_TOKEN_FILE] = ADMIN_CLIENT_TOKEN_FILE,
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer token (list [ACCOUNT] | revoke ID | add ACCOUNT [--scope SCOPE,...] [--expires-in SECONDS]\n"
		 "       [--description TEXT] [-o FILE]) [--data DIR] [--url URL] [--ca FILE] [--token-file FILE]",
	.about = "Tokens of accounts, and logins, of a running server. add prints the token, this once; list prints "
		 "id,\n"
		 "account, kind, state, last use, scopes and description. What is revoked opens nothing from the very "
		 "next\n"
		 "request on.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
	.operand = "ACTION",
	.more_operands = 1,
};

static void print_token(const struct json_value *row)
{
	char id[256], account[256], kind[256], state[256], used[256], description[256];

	admin_text(row, "id", id);
	admin_text(row, "account", account);
	admin_text(row, "kind", kind);
	admin_text(row, "state", state);
	admin_text(row, "used", used);
	admin_text(row, "description", description);
	printf("%s  %s  %-5s  %-7s  %-24s  ", id, account, kind, state, used);
	admin_print_list(json_doc_member(row, "scopes"));
	printf("  %s\n", description);
}

static bool list(const char *account, struct client *client, struct complaint *complaint)
{
	char path[256], next[64] = "";
	bool good;

	do {
		struct json_doc *doc = NULL;
		const struct json_value *row = NULL;

		snprintf(path, sizeof(path), "/v1/tokens?limit=100%s%s%s%s", account ? "&account=" : "",
			 account ? account : "", next[0] ? "&after=" : "", next);
		good = admin_ask(client, "GET", path, NULL, 200, &doc, complaint);
		if (good && json_doc_array(json_doc_member(json_doc_root(doc), "tokens"), 0, 1000, &row) != JSON_DOC_OK)
			good = complain(complaint, "the server's answer is not what a coffer server says");
		for (; good && row; row = json_doc_next(row))
			print_token(row);
		if (!good || !state_text(doc, "next", 36, next))
			next[0] = '\0';
		json_doc_free(doc);
		remote_clean(next);
	} while (good && next[0]);
	return good;
}

static bool add(const char *account, const char *const values[static OPTION_COUNT + 2], unsigned seconds,
		struct client *client, struct complaint *complaint)
{
	struct json *body = json_new();
	struct json_doc *doc = NULL;
	char token[ACCOUNT_TOKEN_CHARS + 2] = "";
	bool good;

	json_text(body, "account", account);
	if (values[OPTION_SCOPE])
		admin_put_list(body, "scopes", values[OPTION_SCOPE]);
	if (seconds)
		json_number(body, "expires_in", seconds);
	if (values[OPTION_DESCRIPTION])
		json_text(body, "description", values[OPTION_DESCRIPTION]);
	good = admin_ask(client, "POST", "/v1/tokens", body, 201, &doc, complaint);
	if (good && !state_text(doc, "token", ACCOUNT_TOKEN_CHARS, token))
		good = complain(complaint, "the server's answer is not what a coffer server says");
	json_doc_free(doc);
	if (!good)
		return false;
	strcat(token, "\n");
	good = message_io_write(values[OPTION_OUTPUT], token, strlen(token), complaint->text, sizeof(complaint->text));
	secret_wipe(token, sizeof(token));
	return good;
}

static bool revoke(const char *given, struct client *client, struct complaint *complaint)
{
	char path[128];
	uint8_t id[16];

	if (!decode_uuid(given, id))
		return complain(complaint, "that is no id: coffer token list tells it");
	snprintf(path, sizeof(path), "/v1/tokens/%s", given);
	return admin_ask(client, "DELETE", path, NULL, 204, NULL, complaint);
}

static bool act(const char *const values[static OPTION_COUNT + 2], unsigned seconds, struct client *client,
		struct complaint *complaint)
{
	const char *action = values[OPTION_COUNT], *given = values[OPTION_COUNT + 1];
	char name[DIRECTORY_NAME_MAX + 1];

	if (strcmp(action, "revoke") == 0)
		return revoke(given, client, complaint);
	if (given && !directory_name(given, name))
		return complain(complaint, "that is no name");
	if (strcmp(action, "list") == 0)
		return list(given ? name : NULL, client, complaint);
	return add(name, values, seconds, client, complaint);
}

static bool is_whole(const char *const values[static OPTION_COUNT + 2])
{
	const char *action = values[OPTION_COUNT] ? values[OPTION_COUNT] : "", *given = values[OPTION_COUNT + 1];
	const bool plain = !values[OPTION_SCOPE] && !values[OPTION_EXPIRES_IN] && !values[OPTION_DESCRIPTION] &&
			   !values[OPTION_OUTPUT];

	if (strcmp(action, "list") == 0)
		return plain;
	if (strcmp(action, "revoke") == 0)
		return plain && given;
	return strcmp(action, "add") == 0 && given;
}

int command_token(int argc, char **argv)
{
	const char *values[OPTION_COUNT + 2];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct complaint complaint = {""};
	struct client *client = NULL;
	unsigned seconds = 0;
	bool good;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!is_whole(values) || (values[OPTION_EXPIRES_IN] &&
				  !arguments_number(values[OPTION_EXPIRES_IN], 1, UINT32_MAX / 10 - 1, &seconds))) {
		fprintf(stderr, "usage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	harden_process();
	good = admin_client_open(values[OPTION_DATA], values[OPTION_URL], values[OPTION_CA], values[OPTION_TOKEN_FILE],
				 &client, complaint.text, sizeof(complaint.text)) &&
	       act(values, seconds, client, &complaint);
	client_free(client);
	return admin_report(good, &complaint);
}
