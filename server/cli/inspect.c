/* coffer inspect: the layout of a sealed message, for people who are learning. It opens nothing. */
#include <stdio.h>

#include "crypto/message.h"
#include "crypto/rsakey.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/message_io.h"
#include "server/cli/message_key_files.h"

enum { OPTION_TO, OPTION_BITS, OPTION_LIMIT, OPTION_COUNT };
enum { BYTES_SHOWN = 16 };

static const struct argument OPTIONS[] = {
	[OPTION_TO] = {.name = "to", .value = "KEY", .help = "the recipient's public key, which tells k"},
	[OPTION_BITS] = {.name = "bits", .value = "N", .help = "of the recipient's key, 2048 to 8192, instead of --to"},
	[OPTION_LIMIT] = {.name = "limit",
			  .value = "N",
			  .help = "refuse input of more than N MiB, 1 to 65536; 1024 when not given"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer inspect [--to KEY | --bits N] [--limit N] [FILE]",
	.about =
		"Prints where the parts of a sealed message begin and how long they are. The message does not tell k,\n"
		"the size of the recipient's modulus in bytes: without --to or --bits the usual sizes are tried.\n"
		"Reads standard input when FILE is not given.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
	.operand = "FILE",
};

static void print_part(const struct message_io *io, size_t offset, size_t size, const char *what)
{
	const size_t shown = size < BYTES_SHOWN ? size : BYTES_SHOWN;

	printf("%8zu  %8zu  %-44s ", offset, size, what);
	for (size_t i = 0; i < shown; i++)
		printf("%02x", io->bytes[offset + i]);
	puts(size > shown ? "..." : "");
}

static bool print_layout(const struct message_io *io, size_t k, char *ret_error, size_t error_size)
{
	const size_t overhead = k + MESSAGE_NONCE_SIZE + MESSAGE_TAG_SIZE;

	if (io->size < overhead) {
		snprintf(ret_error, error_size,
			 "%zu bytes are too few for a key of %zu bits: k + 32 = %zu is an empty message's size",
			 io->size, 8 * k, overhead);
		return false;
	}
	printf("%zu bytes for a key of %zu bits: k = %zu\n\n  offset      size  what\n", io->size, 8 * k, k);
	print_part(io, 0, k, "RSAES-OAEP (SHA-1, no label) of the AES key");
	print_part(io, k, MESSAGE_NONCE_SIZE, "EAX nonce");
	print_part(io, k + MESSAGE_NONCE_SIZE, MESSAGE_TAG_SIZE, "EAX tag");
	print_part(io, overhead, io->size - overhead, "AES-EAX ciphertext, as long as the plaintext");
	return true;
}

static void print_guesses(const struct message_io *io)
{
	static const unsigned BITS[] = {2048, 3072, 4096, 8192};

	printf("%zu bytes; k is not known: --to KEY or --bits N tells it\n\n", io->size);
	for (size_t i = 0; i < sizeof(BITS) / sizeof(BITS[0]); i++) {
		const size_t overhead = BITS[i] / 8 + MESSAGE_NONCE_SIZE + MESSAGE_TAG_SIZE;

		if (io->size >= overhead)
			printf("key of %u bits: wrapped key 0, nonce %u, tag %u, ciphertext %zu: %zu bytes\n", BITS[i],
			       BITS[i] / 8, BITS[i] / 8 + MESSAGE_NONCE_SIZE, overhead, io->size - overhead);
		else
			printf("key of %u bits: too short by %zu bytes\n", BITS[i], overhead - io->size);
	}
}

static bool inspect(const char *const values[static OPTION_COUNT + 1], unsigned bits, size_t limit, char *ret_error,
		    size_t error_size)
{
	size_t k = (bits + 7) / 8;
	struct rsakey_public *key = NULL;
	struct message_io io = {0};
	bool good = true;

	if (values[OPTION_TO]) {
		if (!message_key_files_public(values[OPTION_TO], &key, ret_error, error_size))
			return false;
		k = rsakey_public_size(key);
		rsakey_public_free(key);
	}
	if (!message_io_read(values[OPTION_COUNT], 0, limit, &io, ret_error, error_size))
		return false;
	if (k > 0)
		good = print_layout(&io, k, ret_error, error_size);
	else
		print_guesses(&io);
	message_io_done(&io);
	return good;
}

int command_inspect(int argc, char **argv)
{
	const char *values[OPTION_COUNT + 1];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	char error[4400] = "";
	unsigned bits = 0;
	size_t limit;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if ((values[OPTION_BITS] && !arguments_number(values[OPTION_BITS], RSAKEY_MIN_BITS, RSAKEY_MAX_BITS, &bits)) ||
	    (values[OPTION_BITS] && values[OPTION_TO]) ||
	    !message_io_limit(values[OPTION_LIMIT], &limit, error, sizeof(error))) {
		fprintf(stderr, "coffer: %s\nusage: %s\n",
			error[0] ? error : "one of --to and --bits, and bits from 2048 to 8192", ARGUMENTS.usage);
		return 2;
	}
	harden_process();
	if (inspect(values, bits, limit, error, sizeof(error)))
		return 0;
	fprintf(stderr, "coffer: %s\n", error);
	return 1;
}
