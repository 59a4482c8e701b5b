/* coffer unseal and coffer seal: asks a running server. With --to, coffer seal is seal_message.c's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/admin_client.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/secret_input.h"
#include "server/client/client.h"

enum { OPTION_DATA, OPTION_URL, OPTION_CA, OPTION_TOKEN_FILE, OPTION_PASSPHRASE_FILE, OPTION_COUNT };

static const struct argument OPTIONS[] = {
	[OPTION_DATA] = ADMIN_CLIENT_DATA,
	[OPTION_URL] = ADMIN_CLIENT_URL,
	[OPTION_CA] = ADMIN_CLIENT_CA,
	[OPTION_TOKEN_FILE] = ADMIN_CLIENT_TOKEN_FILE,
	[OPTION_PASSPHRASE_FILE] = {.name = "passphrase-file",
				    .value = "FILE",
				    .help = "holds the passphrase; else it is asked for on the terminal"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments UNSEAL = {
	.usage = "coffer unseal [--passphrase-file FILE] [--data DIR] [--url URL] [--ca FILE] [--token-file FILE]",
	.about = "Gives a running server the passphrase of its private KEK, so that records can be read.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
};

static const struct arguments SEAL = {
	.usage = "coffer seal [--data DIR] [--url URL] [--ca FILE] [--token-file FILE]",
	.about = "Makes a running server wipe the private KEK and every epoch key: it goes on taking records in, and\n"
		 "gives none back, until coffer unseal.\n"
		 "With --to KEY it does another thing, without any server: it seals a message for the owner of that\n"
		 "public key; coffer seal --to KEY --help tells how.",
	.table = OPTIONS,
	.count = OPTION_PASSPHRASE_FILE, /* all before it */
};

static const char *meaning(long status)
{
	switch (status) {
	case 401:
		return "the token is not valid";
	case 403:
		return "the passphrase, or the token's scope, does not allow it";
	case 409:
		return "no passphrase locks the server's KEK (coffer passphrase change sets one), or it only takes "
		       "records in";
	case 503:
		return "the server is busy, or another attempt is under way: try again";
	default:
		return "the server refused";
	}
}

static bool ask(const char *const values[static OPTION_COUNT], const char *path, const struct secret_input *passphrase,
		char *ret_error, size_t error_size)
{
	const struct client_request request = {.method = "POST",
					       .path = path,
					       .media_type = passphrase ? "text/plain" : NULL,
					       .body = passphrase ? passphrase->secret.bytes : NULL,
					       .size = passphrase ? passphrase->secret.size : 0};
	struct client *client = NULL;
	struct client_reply reply = {0};
	bool good = admin_client_open(values[OPTION_DATA], values[OPTION_URL], values[OPTION_CA],
				      values[OPTION_TOKEN_FILE], &client, ret_error, error_size) &&
		    client_send(client, &request, &reply, ret_error, error_size);

	if (good && reply.status != 204) {
		snprintf(ret_error, error_size, "%s (%ld)", meaning(reply.status), reply.status);
		good = false;
	}
	client_reply_done(&reply);
	client_free(client);
	return good;
}

static bool unseal(const char *const values[static OPTION_COUNT], char *ret_error, size_t error_size)
{
	struct secret_input passphrase = {0};
	const char *file = values[OPTION_PASSPHRASE_FILE];
	bool good = file ? secret_input_passphrase_file(file, false, &passphrase, ret_error, error_size)
			 : secret_input_ask("Passphrase", false, &passphrase, ret_error, error_size);

	good = good && ask(values, "/v1/unseal", &passphrase, ret_error, error_size);
	secret_input_done(&passphrase);
	return good;
}

static int report(bool good, const char *done, const char *error)
{
	if (good)
		puts(done);
	else
		fprintf(stderr, "coffer: %s\n", error);
	return good ? 0 : 1;
}

int command_unseal(int argc, char **argv)
{
	const char *values[OPTION_COUNT] = {NULL};
	const enum arguments_status parsed = arguments_parse(&UNSEAL, argc, argv, values, stdout, stderr);
	char error[4400] = "";

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	harden_process();
	return report(unseal(values, error, sizeof(error)), "unsealed: records can be read", error);
}

/* Whether a message is to be sealed, and not a server. */
static bool names_recipient(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--to") == 0 || strncmp(argv[i], "--to=", 5) == 0)
			return true;
	return false;
}

int command_seal(int argc, char **argv)
{
	if (names_recipient(argc, argv))
		return command_seal_message(argc, argv);
	const char *values[OPTION_COUNT] = {NULL};
	const enum arguments_status parsed = arguments_parse(&SEAL, argc, argv, values, stdout, stderr);
	char error[4400] = "";

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	harden_process();
	return report(ask(values, "/v1/seal", NULL, error, sizeof(error)),
		      "sealed: records can be written, and not read", error);
}
