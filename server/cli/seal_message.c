/* coffer seal --to and coffer open: messages in files and pipes, without a server. */
#include <stdio.h>
#include <string.h>

#include "crypto/message.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/message_io.h"
#include "server/cli/message_key_files.h"

enum { SEAL_TO, SEAL_INPUT, SEAL_OUTPUT, SEAL_LIMIT, SEAL_COUNT };
enum { OPEN_KEY, OPEN_INPUT, OPEN_OUTPUT, OPEN_LIMIT, OPEN_PASSPHRASE_FILE, OPEN_COUNT };

static const char LIMIT_HELP[] = "refuse input of more than N MiB, 1 to 65536; 1024 when not given";

static const struct argument SEAL_OPTIONS[] = {
	[SEAL_TO] = {.name = "to",
		     .value = "KEY",
		     .help = "the recipient's public key: PEM (SPKI, PKCS#1) or a certificate"},
	[SEAL_INPUT] = {.name = "input", .letter = 'i', .value = "FILE", .help = "else standard input"},
	[SEAL_OUTPUT] = {.name = "output", .letter = 'o', .value = "FILE", .help = "else standard output"},
	[SEAL_LIMIT] = {.name = "limit", .value = "N", .help = LIMIT_HELP},
};
_Static_assert(sizeof(SEAL_OPTIONS) / sizeof(SEAL_OPTIONS[0]) == SEAL_COUNT, "each option has one row");

static const struct arguments SEAL = {
	.usage = "coffer seal --to KEY [-i FILE] [-o FILE] [--limit N]",
	.about =
		"Seals a message that only the owner of the key can read. It does not say who wrote it: coffer sign\n"
		"does. Without --to, coffer seal asks a running server to forget its private keys: coffer seal --help.",
	.table = SEAL_OPTIONS,
	.count = SEAL_COUNT,
};

static const struct argument OPEN_OPTIONS[] = {
	[OPEN_KEY] = {.name = "key", .value = "FILE", .help = "one's private key: PEM (PKCS#8 or PKCS#1), mode 0600"},
	[OPEN_INPUT] = {.name = "input", .letter = 'i', .value = "FILE", .help = "else standard input"},
	[OPEN_OUTPUT] = {.name = "output", .letter = 'o', .value = "FILE", .help = "else standard output"},
	[OPEN_LIMIT] = {.name = "limit", .value = "N", .help = LIMIT_HELP},
	[OPEN_PASSPHRASE_FILE] = {.name = "passphrase-file",
				  .value = "FILE",
				  .help = "holds the passphrase of the key; else it is asked for on the terminal"},
};
_Static_assert(sizeof(OPEN_OPTIONS) / sizeof(OPEN_OPTIONS[0]) == OPEN_COUNT, "each option has one row");

static const struct arguments OPEN = {
	.usage = "coffer open --key FILE [-i FILE] [-o FILE] [--passphrase-file FILE] [--limit N]",
	.about = "Opens a message that was sealed for this key. Nothing is written unless all of it verifies.",
	.table = OPEN_OPTIONS,
	.count = OPEN_COUNT,
};

static int usage(const char *what, const struct arguments *arguments)
{
	fprintf(stderr, "coffer: %s\nusage: %s\n", what, arguments->usage);
	return 2;
}

static int report(bool good, const char *error)
{
	if (!good)
		fprintf(stderr, "coffer: %s\n", error);
	return good ? 0 : 1;
}

static bool seal(const char *const values[static SEAL_COUNT], size_t limit, char *ret_error, size_t error_size)
{
	struct rsakey_public *recipient = NULL;
	struct message_io io = {0};
	bool good = false;

	if (!message_key_files_public(values[SEAL_TO], &recipient, ret_error, error_size))
		return false;
	const size_t overhead = message_overhead(recipient);
	if (!message_io_read(values[SEAL_INPUT], overhead, limit, &io, ret_error, error_size))
		goto out;
	const enum crypto_status status = message_seal(recipient, io.bytes + overhead, io.size, io.bytes, NULL);
	if (status != CRYPTO_OK)
		snprintf(ret_error, error_size, "the message could not be sealed: %s", crypto_status_text(status));
	else
		good = message_io_write(values[SEAL_OUTPUT], io.bytes, overhead + io.size, ret_error, error_size);
out:
	message_io_done(&io);
	rsakey_public_free(recipient);
	return good;
}

static bool open_message(const char *const values[static OPEN_COUNT], size_t limit, char *ret_error, size_t error_size)
{
	struct rsakey_private *key = NULL;
	struct message_io io = {0};
	size_t size = 0;
	bool good = false;

	if (!message_key_files_private(values[OPEN_KEY], values[OPEN_PASSPHRASE_FILE], &key, ret_error, error_size))
		return false;
	const size_t overhead = message_overhead(rsakey_private_public(key));
	if (!message_io_read(values[OPEN_INPUT], 0, limit + overhead, &io, ret_error, error_size))
		goto out;
	uint8_t *const plaintext = io.size < overhead ? io.bytes : io.bytes + overhead;
	const enum crypto_status status = message_open(key, io.bytes, io.size, plaintext, &size, NULL);
	if (status == CRYPTO_OK)
		good = message_io_write(values[OPEN_OUTPUT], plaintext, size, ret_error, error_size);
	else if (status == CRYPTO_AUTH)
		snprintf(ret_error, error_size, "the message cannot be opened: it is not for this key, or not whole");
	else
		snprintf(ret_error, error_size, "the message could not be opened: %s", crypto_status_text(status));
out:
	message_io_done(&io);
	rsakey_private_free(key);
	return good;
}

int command_seal_message(int argc, char **argv)
{
	const char *values[SEAL_COUNT];
	const enum arguments_status parsed = arguments_parse(&SEAL, argc, argv, values, stdout, stderr);
	char error[4400] = "";
	size_t limit;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!values[SEAL_TO])
		return usage("--to is needed", &SEAL);
	if (!message_io_limit(values[SEAL_LIMIT], &limit, error, sizeof(error)))
		return usage(error, &SEAL);
	harden_process();
	return report(seal(values, limit, error, sizeof(error)), error);
}

int command_open(int argc, char **argv)
{
	const char *values[OPEN_COUNT];
	const enum arguments_status parsed = arguments_parse(&OPEN, argc, argv, values, stdout, stderr);
	char error[4400] = "";
	size_t limit;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!values[OPEN_KEY])
		return usage("--key is needed", &OPEN);
	if (!message_io_limit(values[OPEN_LIMIT], &limit, error, sizeof(error)))
		return usage(error, &OPEN);
	harden_process();
	return report(open_message(values, limit, error, sizeof(error)), error);
}
