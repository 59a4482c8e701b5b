/* coffer sign and coffer verify: who sent a sealed message to whom. */
#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/secret.h"
#include "crypto/signature.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/message_io.h"
#include "server/cli/message_key_files.h"
#include "server/core/files.h"

enum { SIGN_KEY, SIGN_TO, SIGN_INPUT, SIGN_OUTPUT, SIGN_LIMIT, SIGN_PASSPHRASE_FILE, SIGN_COUNT };
enum { VERIFY_FROM, VERIFY_TO, VERIFY_SIGNATURE, VERIFY_INPUT, VERIFY_LIMIT, VERIFY_COUNT };

static const char LIMIT_HELP[] = "refuse input of more than N MiB, 1 to 65536; 1024 when not given";

static const struct argument SIGN_OPTIONS[] = {
	[SIGN_KEY] = {.name = "key", .value = "FILE", .help = "one's private key: PEM (PKCS#8 or PKCS#1), mode 0600"},
	[SIGN_TO] = {.name = "to", .value = "KEY", .help = "the public key of the recipient, whom the signature names"},
	[SIGN_INPUT] = {.name = "input",
			.letter = 'i',
			.value = "FILE",
			.help = "the sealed message; else standard input"},
	[SIGN_OUTPUT] = {.name = "output", .letter = 'o', .value = "FILE", .help = "else standard output"},
	[SIGN_LIMIT] = {.name = "limit", .value = "N", .help = LIMIT_HELP},
	[SIGN_PASSPHRASE_FILE] = {.name = "passphrase-file",
				  .value = "FILE",
				  .help = "holds the passphrase of the key; else it is asked for on the terminal"},
};
_Static_assert(sizeof(SIGN_OPTIONS) / sizeof(SIGN_OPTIONS[0]) == SIGN_COUNT, "each option has one row");

static const struct arguments SIGN = {
	.usage = "coffer sign --key FILE --to KEY [-i FILE] [-o FILE] [--passphrase-file FILE] [--limit N]",
	.about = "Signs a sealed message for its recipient, and writes the signature as one line of base64. It proves "
		 "who\n"
		 "sent these sealed bytes to whom, not who wrote what is in them.",
	.table = SIGN_OPTIONS,
	.count = SIGN_COUNT,
};

static const struct argument VERIFY_OPTIONS[] = {
	[VERIFY_FROM] = {.name = "from", .value = "KEY", .help = "the public key of the sender"},
	[VERIFY_TO] = {.name = "to", .value = "KEY", .help = "the public key of the recipient: one's own"},
	[VERIFY_SIGNATURE] = {.name = "signature", .value = "FILE", .help = "what coffer sign wrote"},
	[VERIFY_INPUT] = {.name = "input",
			  .letter = 'i',
			  .value = "FILE",
			  .help = "the sealed message; else standard input"},
	[VERIFY_LIMIT] = {.name = "limit", .value = "N", .help = LIMIT_HELP},
};
_Static_assert(sizeof(VERIFY_OPTIONS) / sizeof(VERIFY_OPTIONS[0]) == VERIFY_COUNT, "each option has one row");

static const struct arguments VERIFY = {
	.usage = "coffer verify --from KEY --to KEY --signature FILE [-i FILE] [--limit N]",
	.about = "Verifies that the sender signed this sealed message for this recipient. Exit status 1 when not.",
	.table = VERIFY_OPTIONS,
	.count = VERIFY_COUNT,
};

static int usage(const char *what, const struct arguments *arguments)
{
	fprintf(stderr, "coffer: %s\nusage: %s\n", what, arguments->usage);
	return 2;
}

/* What begins so could be one of coffer's own texts, which are signed only where they are made. */
static bool is_reserved(const struct message_io *io)
{
	static const char PREFIX[] = "coffer-";

	return io->size >= sizeof(PREFIX) - 1 && memcmp(io->bytes, PREFIX, sizeof(PREFIX) - 1) == 0;
}

static bool write_signature(const struct rsakey_private *key, const struct rsakey_public *recipient,
			    const struct message_io *io, const char *path, char *ret_error, size_t error_size)
{
	uint8_t signature[RSAKEY_MAX_SIZE];
	char line[ENCODE_BASE64_SIZE(RSAKEY_MAX_SIZE) + 1];

	if (is_reserved(io)) {
		snprintf(ret_error, error_size, "what begins with \"coffer-\" is not signed");
		return false;
	}
	const enum crypto_status status = signature_make(key, recipient, io->bytes, io->size, signature);
	if (status != CRYPTO_OK) {
		snprintf(ret_error, error_size, "the message could not be signed: %s", crypto_status_text(status));
		return false;
	}
	encode_base64(signature, rsakey_public_size(rsakey_private_public(key)), line);
	strcat(line, "\n");
	return message_io_write(path, line, strlen(line), ret_error, error_size);
}

static bool sign(const char *const values[static SIGN_COUNT], size_t limit, char *ret_error, size_t error_size)
{
	struct rsakey_private *key = NULL;
	struct rsakey_public *recipient = NULL;
	struct message_io io = {0};
	const bool good = message_key_files_public(values[SIGN_TO], &recipient, ret_error, error_size) &&
			  message_key_files_private(values[SIGN_KEY], values[SIGN_PASSPHRASE_FILE], &key, ret_error,
						    error_size) &&
			  message_io_read(values[SIGN_INPUT], 0, limit, &io, ret_error, error_size) &&
			  write_signature(key, recipient, &io, values[SIGN_OUTPUT], ret_error, error_size);

	message_io_done(&io);
	rsakey_private_free(key);
	rsakey_public_free(recipient);
	return good;
}

/* Base64 with at most one line end. */
static bool read_signature(const char *path, uint8_t ret_signature[static RSAKEY_MAX_SIZE], size_t *ret_size,
			   char *ret_error, size_t error_size)
{
	struct files_error error = {ret_error, error_size};
	char *text = NULL;
	size_t size, length;

	if (files_read(path, false, &text, &size, &error) != CORE_OK)
		return false;
	length = size;
	if (length > 0 && text[length - 1] == '\n')
		length--;
	if (length > 0 && text[length - 1] == '\r')
		length--;
	const bool good = decode_base64(text, length, ret_signature, RSAKEY_MAX_SIZE, ret_size);
	if (!good)
		snprintf(ret_error, error_size, "%s is not a signature in base64", path);
	secret_free(text, size + 1);
	return good;
}

static bool verify(const char *const values[static VERIFY_COUNT], size_t limit, char *ret_error, size_t error_size)
{
	struct rsakey_public *sender = NULL, *recipient = NULL;
	struct message_io io = {0};
	uint8_t signature[RSAKEY_MAX_SIZE];
	size_t size = 0;
	bool good = message_key_files_public(values[VERIFY_FROM], &sender, ret_error, error_size) &&
		    message_key_files_public(values[VERIFY_TO], &recipient, ret_error, error_size) &&
		    read_signature(values[VERIFY_SIGNATURE], signature, &size, ret_error, error_size) &&
		    message_io_read(values[VERIFY_INPUT], 0, limit, &io, ret_error, error_size);

	if (good) {
		const enum crypto_status status =
			signature_check(sender, recipient, io.bytes, io.size, signature, size);

		good = status == CRYPTO_OK;
		if (status == CRYPTO_AUTH)
			snprintf(ret_error, error_size,
				 "the signature does not verify: not by this sender, not for this recipient, or not of "
				 "this message");
		else if (!good)
			snprintf(ret_error, error_size, "the signature could not be verified: %s",
				 crypto_status_text(status));
	}
	message_io_done(&io);
	rsakey_public_free(sender);
	rsakey_public_free(recipient);
	return good;
}

int command_sign(int argc, char **argv)
{
	const char *values[SIGN_COUNT];
	const enum arguments_status parsed = arguments_parse(&SIGN, argc, argv, values, stdout, stderr);
	char error[4400] = "";
	size_t limit;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!values[SIGN_KEY] || !values[SIGN_TO])
		return usage("--key and --to are needed", &SIGN);
	if (!message_io_limit(values[SIGN_LIMIT], &limit, error, sizeof(error)))
		return usage(error, &SIGN);
	harden_process();
	if (sign(values, limit, error, sizeof(error)))
		return 0;
	fprintf(stderr, "coffer: %s\n", error);
	return 1;
}

int command_verify(int argc, char **argv)
{
	const char *values[VERIFY_COUNT];
	const enum arguments_status parsed = arguments_parse(&VERIFY, argc, argv, values, stdout, stderr);
	char error[4400] = "";
	size_t limit;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!values[VERIFY_FROM] || !values[VERIFY_TO] || !values[VERIFY_SIGNATURE])
		return usage("--from, --to and --signature are needed", &VERIFY);
	if (!message_io_limit(values[VERIFY_LIMIT], &limit, error, sizeof(error)))
		return usage(error, &VERIFY);
	harden_process();
	if (!verify(values, limit, error, sizeof(error))) {
		fprintf(stderr, "coffer: %s\n", error);
		return 1;
	}
	puts("the signature verifies");
	return 0;
}
