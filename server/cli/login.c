/* coffer login and coffer logout. */
#include <stdio.h>

#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/partner_tool.h"

enum { OPTION_PASSPHRASE_FILE, OPTION_HOME, OPTION_COUNT };

static const struct argument OPTIONS[] = {
	[OPTION_PASSPHRASE_FILE] = PARTNER_TOOL_PASSPHRASE,
	[OPTION_HOME] = PARTNER_TOOL_HOME,
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments LOGIN = {
	.usage = "coffer login [--passphrase-file FILE] [--home DIR]",
	.about = "Opens a challenge of the server's with the private key, and keeps the token that this gives. The "
		 "other\n"
		 "commands do it by themselves when they need to.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
};

static const struct argument LOGOUT_OPTIONS[] = {PARTNER_TOOL_HOME};

static const struct arguments LOGOUT = {
	.usage = "coffer logout [--home DIR]",
	.about = "Makes the server forget the token, and forgets it.",
	.table = LOGOUT_OPTIONS,
	.count = 1,
};

int command_login(int argc, char **argv)
{
	const char *values[OPTION_COUNT];
	const enum arguments_status parsed = arguments_parse(&LOGIN, argc, argv, values, stdout, stderr);
	struct partner_tool tool;
	bool good;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	good = partner_tool_open(&tool, values[OPTION_HOME], values[OPTION_PASSPHRASE_FILE], NULL) &&
	       remote_login(&tool.remote, &tool.complaint);
	if (good)
		printf("%s is logged in at %s\n", tool.profile.name, tool.profile.origin);
	return partner_tool_close(&tool, good ? 0 : 1);
}

/* Whatever the server says: a token that it does not know is as good as dead. */
static bool logout(struct partner_tool *tool)
{
	const struct client_request request = {.method = "DELETE", .path = "/v1/login"};
	struct client_reply reply = {0};
	bool good =
		client_send(tool->remote.client, &request, &reply, tool->complaint.text, sizeof(tool->complaint.text));

	if (good && reply.status != 204 && reply.status != 401)
		good = remote_refused(&reply, "logging out", &tool->complaint);
	client_reply_done(&reply);
	return good && profile_set_token(&tool->profile, NULL, &tool->complaint);
}

int command_logout(int argc, char **argv)
{
	const char *values[1];
	const enum arguments_status parsed = arguments_parse(&LOGOUT, argc, argv, values, stdout, stderr);
	struct partner_tool tool;
	bool good;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	good = partner_tool_open(&tool, values[0], NULL, NULL) && logout(&tool);
	if (good)
		puts("logged out");
	return partner_tool_close(&tool, good ? 0 : 1);
}
