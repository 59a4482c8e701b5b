/* coffer keygen. */
#include <stdio.h>
#include <string.h>

#include "crypto/encode.h"
#include "crypto/rsakey.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/key_pair.h"

enum { OPTION_BITS, OPTION_OUTPUT, OPTION_ASK, OPTION_PASSPHRASE_FILE, OPTION_COUNT };
enum { PATH_ROOM = 4096 };

static const struct argument OPTIONS[] = {
	[OPTION_BITS] = {.name = "bits", .value = "N", .help = "of the modulus, 2048 to 8192; 3072 when not given"},
	[OPTION_OUTPUT] = {.name = "output",
			   .letter = 'o',
			   .value = "FILE",
			   .help = "for the private key (PKCS#8 PEM, mode 0600); for my.pem the public key goes to\n"
				   "      my.pub.pem. Neither is overwritten"},
	[OPTION_ASK] = {.name = "ask", .help = "ask on the terminal for a passphrase that locks the private key"},
	[OPTION_PASSPHRASE_FILE] = {.name = "passphrase-file",
				    .value = "FILE",
				    .help = "holds a passphrase that locks the private key"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer keygen [--bits N] [--ask | --passphrase-file FILE] -o FILE",
	.about = "Makes an RSA key pair for messages, and prints the public key's file and fingerprint. Give the "
		 "public\n"
		 "key to partners, and let them compare the fingerprint over another channel.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
};

static bool public_path(const char *path, char *ret_path, size_t room)
{
	const size_t size = strlen(path);
	const size_t stem = size > 4 && strcmp(path + size - 4, ".pem") == 0 ? size - 4 : size;

	return snprintf(ret_path, room, "%.*s.pub.pem", (int)stem, path) < (int)room;
}

static bool generate(const char *const values[static OPTION_COUNT], unsigned bits, char *ret_error, size_t error_size)
{
	uint8_t id[DIGEST_SIZE];
	char public_file[PATH_ROOM], hex[2 * DIGEST_SIZE + 1];

	if (!public_path(values[OPTION_OUTPUT], public_file, sizeof(public_file))) {
		snprintf(ret_error, error_size, "the path of the key is too long");
		return false;
	}
	if (!key_pair_make(bits, values[OPTION_OUTPUT], public_file, values[OPTION_ASK] != NULL,
			   values[OPTION_PASSPHRASE_FILE], id, ret_error, error_size))
		return false;
	encode_hex(id, sizeof(id), hex);
	printf("%s\n%s\n", public_file, hex);
	return true;
}

int command_keygen(int argc, char **argv)
{
	const char *values[OPTION_COUNT];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	unsigned bits = KEY_PAIR_BITS;
	char error[4400] = "";

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!values[OPTION_OUTPUT] || (values[OPTION_ASK] && values[OPTION_PASSPHRASE_FILE]) ||
	    (values[OPTION_BITS] && !arguments_number(values[OPTION_BITS], RSAKEY_MIN_BITS, RSAKEY_MAX_BITS, &bits))) {
		fprintf(stderr, "coffer: -o is needed, one passphrase at most, and bits from 2048 to 8192\nusage: %s\n",
			ARGUMENTS.usage);
		return 2;
	}
	harden_process();
	if (generate(values, bits, error, sizeof(error)))
		return 0;
	fprintf(stderr, "coffer: %s\n", error);
	return 1;
}
