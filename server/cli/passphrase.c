/* coffer passphrase change. */
#include <stdio.h>
#include <string.h>

#include "server/cli/commands.h"
#include "server/cli/flags.h"
#include "server/cli/harden.h"
#include "server/cli/secret_input.h"
#include "server/cli/settings.h"

static const char HELP[] =
	"usage: coffer passphrase change [--data DIR] [--passphrase-file FILE] [--new-passphrase-file FILE]\n"
	"\n"
	"Replaces the passphrase that locks the private KEK, or sets the first one. The server may be running.\n"
	"What no file tells is asked for on the terminal. --credential-file FILE proves the right to change it as "
	"well.\n"
	"\n"
	"An old copy of DIR/keys still opens with the old passphrase.\n";

/* What unlocks the KEK now, unless nothing locks it. */
static bool current_secret(const struct settings *settings, const struct home *home, struct secret_input *ret_input,
			   char *ret_error, size_t error_size)
{
	if (!home_is_protected(home))
		return true;
	if (settings->passphrase_file[0])
		return secret_input_passphrase_file(settings->passphrase_file, false, ret_input, ret_error, error_size);
	if (settings->credential_file[0])
		return secret_input_credential(settings->credential_file, ret_input, ret_error, error_size);
	return secret_input_ask("Current passphrase", false, ret_input, ret_error, error_size);
}

static bool change(const struct settings *settings, const char *next_file, char *ret_error, size_t error_size)
{
	/* Nothing of the private half is needed to open the home: its file is opened with the secret below. */
	const struct home_options options = {.data = settings->data, .read_only = true, .ingest_only = true};
	struct secret_input current = {0}, next = {0};
	struct home *home = NULL;
	bool good = home_open(&options, &home, ret_error, error_size) == CORE_OK &&
		    current_secret(settings, home, &current, ret_error, error_size);

	if (good)
		good = next_file ? secret_input_passphrase_file(next_file, true, &next, ret_error, error_size)
				 : secret_input_ask("New passphrase", true, &next, ret_error, error_size);
	if (good)
		good = home_change_passphrase(home, &current.secret, &next.secret, ret_error, error_size) == CORE_OK;
	if (good)
		printf("the passphrase of %s has been changed\n", home_path(home));
	secret_input_done(&current);
	secret_input_done(&next);
	home_close(home);
	return good;
}

int command_passphrase(int argc, char **argv)
{
	struct settings settings = {.data = NULL};
	const bool help = argc > 1 && strcmp(argv[argc - 1], "--help") == 0;
	char error[4400] = "";
	const char *next_file;
	int exit_status;

	if (help || argc < 2 || strcmp(argv[1], "change") != 0) {
		fputs(HELP, help ? stdout : stderr);
		return help ? 0 : 2;
	}
	argc--;
	argv++;
	next_file = flags_take_value(&argc, argv, "--new-passphrase-file");
	if (settings_load(&settings, argc, argv, stderr) != SETTINGS_OK)
		return 2;
	harden_process();
	exit_status = change(&settings, next_file, error, sizeof(error)) ? 0 : 1;
	if (exit_status != 0)
		fprintf(stderr, "coffer: %s\n", error);
	settings_done(&settings);
	return exit_status;
}
