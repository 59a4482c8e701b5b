/* coffer unseal and coffer seal: asks a running server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/cli/commands.h"
#include "server/cli/flags.h"
#include "server/cli/harden.h"
#include "server/cli/secret_input.h"
#include "server/cli/settings.h"
#include "server/client/client.h"
#include "server/core/files.h"

static const char UNSEAL_HELP[] =
	"usage: coffer unseal [--passphrase-file FILE] [--data DIR] [--url URL] [--ca FILE] [--token-file FILE]\n"
	"\n"
	"Gives a running server the passphrase of its private KEK, so that records can be read. Without a file it is\n"
	"asked for on the terminal.\n";

static const char SEAL_HELP[] = "usage: coffer seal [--data DIR] [--url URL] [--ca FILE] [--token-file FILE]\n"
				"\n"
				"Makes a running server wipe the private KEK and every epoch key: it goes on taking "
				"records in, and gives none\n"
				"back, until coffer unseal.\n";

static const char COMMON_HELP[] = "\n"
				  "  --data DIR         of the server: its CA and the administrator's token are taken "
				  "from there (./coffer-data)\n"
				  "  --url URL          where it listens (https:// and the setting `listen`)\n"
				  "  --ca FILE          the CA to trust instead of DIR/tls/ca.pem\n"
				  "  --token-file FILE  a token of scope admin instead of DIR/admin.token\n";

/* Where the server is and who asks. */
struct target {
	struct settings settings;
	const char *url, *ca, *token_file;
};

static bool open_client(const struct target *target, struct client **ret_client, char *ret_error, size_t error_size)
{
	struct files_error error = {ret_error, error_size};
	char url[300], ca[4096], token_file[4096];
	struct client_options options = {.url = target->url ? target->url : url,
					 .ca_file = target->ca ? target->ca : ca};
	char *token = NULL;
	size_t size;
	enum core_status status;
	bool good;

	snprintf(url, sizeof(url), "https://%s", target->settings.listen);
	snprintf(ca, sizeof(ca), "%s/tls/ca.pem", target->settings.data);
	snprintf(token_file, sizeof(token_file), "%s/admin.token", target->settings.data);
	status = files_read(target->token_file ? target->token_file : token_file, true, &token, &size, &error);
	if (status == CORE_NOT_FOUND)
		files_fail(&error, status, "there is no token in %s: name its file by --token-file, or DIR by --data",
			   target->token_file ? target->token_file : token_file);
	if (status != CORE_OK)
		return false;
	token[strcspn(token, "\r\n")] = '\0';
	options.token = token;
	good = client_new(&options, ret_client, ret_error, error_size);
	secret_free(token, size + 1);
	return good;
}

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

static bool ask(const struct target *target, const char *path, const struct secret_input *passphrase, char *ret_error,
		size_t error_size)
{
	const struct client_request request = {.method = "POST",
					       .path = path,
					       .media_type = passphrase ? "text/plain" : NULL,
					       .body = passphrase ? passphrase->secret.bytes : NULL,
					       .size = passphrase ? passphrase->secret.size : 0};
	struct client *client = NULL;
	struct client_reply reply = {0};
	bool good = open_client(target, &client, ret_error, error_size) &&
		    client_send(client, &request, &reply, ret_error, error_size);

	if (good && reply.status != 204) {
		snprintf(ret_error, error_size, "%s (%ld)", meaning(reply.status), reply.status);
		good = false;
	}
	free(reply.body);
	client_free(client);
	return good;
}

static bool unseal(const struct target *target, char *ret_error, size_t error_size)
{
	struct secret_input passphrase = {0};
	const char *file = target->settings.passphrase_file;
	bool good = file[0] ? secret_input_passphrase_file(file, false, &passphrase, ret_error, error_size)
			    : secret_input_ask("Passphrase", false, &passphrase, ret_error, error_size);

	good = good && ask(target, "/v1/unseal", &passphrase, ret_error, error_size);
	secret_input_done(&passphrase);
	return good;
}

static bool seal(const struct target *target, char *ret_error, size_t error_size)
{
	return ask(target, "/v1/seal", NULL, ret_error, error_size);
}

static int run(int argc, char **argv, const char *help, bool (*act)(const struct target *, char *, size_t),
	       const char *done)
{
	struct target target = {.url = NULL};
	char error[4400] = "";
	bool good;

	if (argc > 1 && strcmp(argv[argc - 1], "--help") == 0) {
		fputs(help, stdout);
		fputs(COMMON_HELP, stdout);
		return 0;
	}
	target.url = flags_take_value(&argc, argv, "--url");
	target.ca = flags_take_value(&argc, argv, "--ca");
	target.token_file = flags_take_value(&argc, argv, "--token-file");
	if (settings_load(&target.settings, argc, argv, stderr) != SETTINGS_OK)
		return 2;
	harden_process();
	good = act(&target, error, sizeof(error));
	if (good)
		puts(done);
	else
		fprintf(stderr, "coffer: %s\n", error);
	settings_done(&target.settings);
	return good ? 0 : 1;
}

int command_unseal(int argc, char **argv)
{
	return run(argc, argv, UNSEAL_HELP, unseal, "unsealed: records can be read");
}

int command_seal(int argc, char **argv)
{
	return run(argc, argv, SEAL_HELP, seal, "sealed: records can be written, and not read");
}
