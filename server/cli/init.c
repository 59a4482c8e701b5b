/* coffer init: makes a store whose private KEK is locked. */
#include <stdio.h>
#include <string.h>

#include "server/cli/commands.h"
#include "server/cli/flags.h"
#include "server/cli/harden.h"
#include "server/cli/secret_input.h"
#include "server/cli/settings.h"

enum flag { FLAG_ASK, FLAG_CREDENTIAL, FLAG_HELP, FLAG_COUNT };
static const char *const FLAGS[FLAG_COUNT] = {"--ask", "--credential", "--help"};

static const char HELP[] =
	"usage: coffer init (--passphrase-file FILE | --ask | --credential)... [--data DIR] [--kek-bits BITS]\n"
	"\n"
	"Makes a store whose private KEK is locked on disk. Started without what unlocks it, coffer serve takes\n"
	"records in and does not give them back, until coffer unseal.\n"
	"\n"
	"  --passphrase-file FILE  lock with the passphrase in FILE: one line, readable by its owner alone\n"
	"  --ask                   ask for the passphrase on the terminal\n"
	"  --credential            lock with the random bytes (32 or more) of --credential-file FILE, or of\n"
	"                          coffer-unlock in $CREDENTIALS_DIRECTORY (systemd's LoadCredential); beside a\n"
	"                          passphrase, either of them unlocks\n"
	"  --data DIR              where everything is kept (./coffer-data)\n"
	"  --kek-bits BITS         2048, 3072 or 4096 (3072)\n"
	"\n"
	"Every setting of coffer serve is accepted. Without a passphrase there is nothing to initialise: the first\n"
	"coffer serve makes the store.\n";

/* Secrets in the order of `inputs`. */
static bool read_secrets(const struct settings *settings, const bool flags[FLAG_COUNT], struct secret_input inputs[2],
			 char *ret_error, size_t error_size)
{
	if (flags[FLAG_ASK] && settings->passphrase_file[0]) {
		snprintf(ret_error, error_size, "--ask and --passphrase-file exclude each other");
		return false;
	}
	if (flags[FLAG_ASK] && !secret_input_ask("New passphrase", true, &inputs[0], ret_error, error_size))
		return false;
	if (settings->passphrase_file[0] &&
	    !secret_input_passphrase_file(settings->passphrase_file, true, &inputs[0], ret_error, error_size))
		return false;
	if (!flags[FLAG_CREDENTIAL])
		return true;
	if (!secret_input_credential(settings->credential_file, &inputs[1], ret_error, error_size))
		return false;
	if (inputs[1].secret.bytes)
		return true;
	snprintf(ret_error, error_size,
		 "there is no credential: name a file by --credential-file, or put coffer-unlock into "
		 "$CREDENTIALS_DIRECTORY");
	return false;
}

static bool make(const struct settings *settings, const struct secret_input inputs[2], char *ret_error,
		 size_t error_size)
{
	struct home_secret secrets[2];
	struct home_options options = {
		.data = settings->data,
		.kek_bits = settings->kek_bits,
		.secrets = secrets,
		.store = {.queue_depth = settings->queue_depth, .stage_bytes = settings->stage_size},
	};
	struct home *home = NULL;
	bool made = false;

	for (size_t i = 0; i < 2; i++)
		if (inputs[i].secret.bytes)
			secrets[options.secret_count++] = inputs[i].secret;
	if (home_open(&options, &home, ret_error, error_size) != CORE_OK)
		return false;
	made = home_is_new(home);
	if (made)
		printf("%s is ready; its private KEK is locked. Keep what unlocks it: without it nothing can be "
		       "read.\n",
		       home_path(home));
	else
		snprintf(ret_error, error_size, "%s has a store already: nothing was changed", home_path(home));
	home_close(home);
	return made;
}

int command_init(int argc, char **argv)
{
	struct settings settings = {.data = NULL};
	struct secret_input inputs[2] = {0};
	bool flags[FLAG_COUNT] = {false};
	char error[4400] = "";
	int exit_status = 2;

	flags_take(&argc, argv, FLAGS, FLAG_COUNT, flags);
	if (flags[FLAG_HELP]) {
		fputs(HELP, stdout);
		return 0;
	}
	if (settings_load(&settings, argc, argv, stderr) != SETTINGS_OK)
		return 2;
	if (!flags[FLAG_ASK] && !flags[FLAG_CREDENTIAL] && !settings.passphrase_file[0]) {
		fputs("coffer: one of --passphrase-file, --ask and --credential must be given; coffer init --help\n",
		      stderr);
		goto out;
	}
	harden_process();
	exit_status = read_secrets(&settings, flags, inputs, error, sizeof(error)) &&
				      make(&settings, inputs, error, sizeof(error))
			      ? 0
			      : 1;
	if (exit_status != 0)
		fprintf(stderr, "coffer: %s\n", error);
out:
	for (size_t i = 0; i < 2; i++)
		secret_input_done(&inputs[i]);
	settings_done(&settings);
	return exit_status;
}
