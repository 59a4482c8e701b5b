/* coffer init: makes a store whose private KEK is locked. */
#include <stdio.h>
#include <string.h>

#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/secret_input.h"

enum { KEK_BITS = 3072, QUEUE_DEPTH = 16, STAGE_BYTES = 1 << 20 };

enum {
	OPTION_PASSPHRASE_FILE,
	OPTION_ASK,
	OPTION_CREDENTIAL,
	OPTION_CREDENTIAL_FILE,
	OPTION_DATA,
	OPTION_KEK_BITS,
	OPTION_COUNT
};

static const struct argument OPTIONS[] = {
	[OPTION_PASSPHRASE_FILE] = {.name = "passphrase-file",
				    .value = "FILE",
				    .help = "lock with the passphrase in FILE: one line, readable by its owner alone"},
	[OPTION_ASK] = {.name = "ask", .help = "ask for the passphrase on the terminal"},
	[OPTION_CREDENTIAL] =
		{.name = "credential",
		 .help = "lock with the random bytes of a credential; beside a passphrase, either unlocks"},
	[OPTION_CREDENTIAL_FILE] = {.name = "credential-file",
				    .value = "FILE",
				    .help = "32 or more random bytes; else coffer-unlock in $CREDENTIALS_DIRECTORY"},
	[OPTION_DATA] = {.name = "data",
			 .value = "DIR",
			 .help = "the data directory; else COFFER_DATA, else ./coffer-data"},
	[OPTION_KEK_BITS] = {.name = "kek-bits", .value = "BITS", .help = "2048, 3072 or 4096; else 3072"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer init (--passphrase-file FILE | --ask | --credential)... [--data DIR] [--kek-bits BITS]",
	.about = "Makes a store whose private KEK is locked on disk. Started without what unlocks it, coffer serve\n"
		 "takes records in and does not give them back, until coffer unseal. Where no lock is wanted there is\n"
		 "nothing to initialise: the first coffer serve makes the store.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
};

static bool read_passphrase(const char *const values[static OPTION_COUNT], struct secret_input *ret_input,
			    char *ret_error, size_t error_size)
{
	if (values[OPTION_ASK] && values[OPTION_PASSPHRASE_FILE]) {
		snprintf(ret_error, error_size, "--ask and --passphrase-file exclude each other");
		return false;
	}
	if (values[OPTION_ASK])
		return secret_input_ask("New passphrase", true, ret_input, ret_error, error_size);
	return !values[OPTION_PASSPHRASE_FILE] ||
	       secret_input_passphrase_file(values[OPTION_PASSPHRASE_FILE], true, ret_input, ret_error, error_size);
}

static bool read_credential(const char *const values[static OPTION_COUNT], struct secret_input *ret_input,
			    char *ret_error, size_t error_size)
{
	const char *file = values[OPTION_CREDENTIAL_FILE];

	if (!values[OPTION_CREDENTIAL] && !file)
		return true;
	if (!secret_input_credential(file ? file : "", ret_input, ret_error, error_size))
		return false;
	if (ret_input->secret.bytes)
		return true;
	snprintf(ret_error, error_size,
		 "there is no credential: name a file by --credential-file, or put coffer-unlock into "
		 "$CREDENTIALS_DIRECTORY");
	return false;
}

static bool make(const char *data, unsigned bits, const struct secret_input inputs[static 2], char *ret_error,
		 size_t error_size)
{
	struct home_secret secrets[2];
	struct home_options options = {
		.data = data,
		.kek_bits = bits,
		.secrets = secrets,
		.store = {.queue_depth = QUEUE_DEPTH, .stage_bytes = STAGE_BYTES},
	};
	struct home *home = NULL;
	bool made;

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

static bool parse_bits(const char *text, unsigned *ret_bits)
{
	*ret_bits = KEK_BITS;
	return !text || (arguments_number(text, 2048, 4096, ret_bits) && *ret_bits % 1024 == 0);
}

int command_init(int argc, char **argv)
{
	const char *values[OPTION_COUNT];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct secret_input inputs[2] = {0};
	char error[4400] = "";
	unsigned bits;
	bool good;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!parse_bits(values[OPTION_KEK_BITS], &bits)) {
		fputs("coffer: --kek-bits: expected 2048, 3072 or 4096\n", stderr);
		return 2;
	}
	if (!values[OPTION_ASK] && !values[OPTION_CREDENTIAL] && !values[OPTION_CREDENTIAL_FILE] &&
	    !values[OPTION_PASSPHRASE_FILE]) {
		fputs("coffer: one of --passphrase-file, --ask and --credential must be given; coffer init --help\n",
		      stderr);
		return 2;
	}
	harden_process();
	good = read_passphrase(values, &inputs[0], error, sizeof(error)) &&
	       read_credential(values, &inputs[1], error, sizeof(error)) &&
	       make(arguments_data(values[OPTION_DATA]), bits, inputs, error, sizeof(error));
	if (!good)
		fprintf(stderr, "coffer: %s\n", error);
	for (size_t i = 0; i < 2; i++)
		secret_input_done(&inputs[i]);
	return good ? 0 : 1;
}
