/* coffer fingerprint. */
#include <stdio.h>

#include "crypto/encode.h"
#include "crypto/fingerprint.h"
#include "crypto/rsakey.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/message_key_files.h"

static const struct arguments ARGUMENTS = {
	.usage = "coffer fingerprint FILE",
	.about = "Prints the fingerprint of a public key (PEM or a certificate): SHA-256 in hexadecimal, then the same "
		 "as\n"
		 "16 groups of five digits for reading aloud. Each group is two bytes as a decimal number.",
	.operand = "FILE",
};

int command_fingerprint(int argc, char **argv)
{
	const char *file[1];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, file, stdout, stderr);
	struct rsakey_public *key = NULL;
	uint8_t id[DIGEST_SIZE];
	char error[4400] = "", hex[2 * DIGEST_SIZE + 1], digits[FINGERPRINT_DIGITS_SIZE];

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if (!file[0]) {
		fprintf(stderr, "coffer: a file is needed\nusage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	harden_process();
	if (!message_key_files_public(file[0], &key, error, sizeof(error))) {
		fprintf(stderr, "coffer: %s\n", error);
		return 1;
	}
	rsakey_public_id(key, id);
	encode_hex(id, sizeof(id), hex);
	fingerprint_digits(id, digits);
	printf("%s\n%.47s\n%s\n", hex, digits, digits + 48);
	rsakey_public_free(key);
	return 0;
}
