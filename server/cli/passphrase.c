/* coffer passphrase change. */
#include <stdio.h>
#include <string.h>

#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/secret_input.h"

enum { OPTION_DATA, OPTION_PASSPHRASE_FILE, OPTION_CREDENTIAL_FILE, OPTION_NEW_FILE, OPTION_COUNT };

static const struct argument OPTIONS[] = {
	[OPTION_DATA] = {.name = "data",
			 .value = "DIR",
			 .help = "the data directory; else COFFER_DATA, else ./coffer-data"},
	[OPTION_PASSPHRASE_FILE] = {.name = "passphrase-file", .value = "FILE", .help = "the passphrase of now"},
	[OPTION_CREDENTIAL_FILE] = {.name = "credential-file",
				    .value = "FILE",
				    .help = "proves the right to change it as well"},
	[OPTION_NEW_FILE] = {.name = "new-passphrase-file", .value = "FILE", .help = "the one to come"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer passphrase change [--data DIR] [--passphrase-file FILE] [--new-passphrase-file FILE]",
	.about = "Replaces the passphrase that locks the private KEK, or sets the first one. The server may be "
		 "running.\n"
		 "What no file tells is asked for on the terminal. An old copy of DIR/keys still opens with the old\n"
		 "passphrase.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
};

/* What unlocks the KEK now, unless nothing locks it. */
static bool current_secret(const char *const values[static OPTION_COUNT], const struct home *home,
			   struct secret_input *ret_input, char *ret_error, size_t error_size)
{
	if (!home_is_protected(home))
		return true;
	if (values[OPTION_PASSPHRASE_FILE])
		return secret_input_passphrase_file(values[OPTION_PASSPHRASE_FILE], false, ret_input, ret_error,
						    error_size);
	if (values[OPTION_CREDENTIAL_FILE])
		return secret_input_credential(values[OPTION_CREDENTIAL_FILE], ret_input, ret_error, error_size);
	return secret_input_ask("Current passphrase", false, ret_input, ret_error, error_size);
}

static bool change(const char *const values[static OPTION_COUNT], char *ret_error, size_t error_size)
{
	/* Nothing of the private half is needed to open the home: its file is opened with the secret below. */
	const struct home_options options = {
		.data = arguments_data(values[OPTION_DATA]), .read_only = true, .ingest_only = true};
	struct secret_input current = {0}, next = {0};
	struct home *home = NULL;
	bool good = home_open(&options, &home, ret_error, error_size) == CORE_OK &&
		    current_secret(values, home, &current, ret_error, error_size);

	if (good)
		good = values[OPTION_NEW_FILE] ? secret_input_passphrase_file(values[OPTION_NEW_FILE], true, &next,
									      ret_error, error_size)
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
	const bool named = argc > 1 && strcmp(argv[1], "change") == 0;
	const char *values[OPTION_COUNT];
	enum arguments_status parsed;
	char error[4400] = "";

	if (argc == 1) {
		fprintf(stderr, "usage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	parsed = arguments_parse(&ARGUMENTS, named ? argc - 1 : argc, named ? argv + 1 : argv, values, stdout, stderr);
	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!named) {
		fprintf(stderr, "usage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	harden_process();
	if (change(values, error, sizeof(error)))
		return 0;
	fprintf(stderr, "coffer: %s\n", error);
	return 1;
}
