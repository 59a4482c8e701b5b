/* coffer keygen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/encode.h"
#include "crypto/pubkey.h"
#include "crypto/rsakey.h"
#include "crypto/secret.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/message_io.h"
#include "server/cli/message_key_files.h"
#include "server/cli/secret_input.h"

enum { OPTION_BITS, OPTION_OUTPUT, OPTION_ASK, OPTION_PASSPHRASE_FILE, OPTION_COUNT };
enum { STANDARD_BITS = 3072, PATH_ROOM = 4096 };

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

static bool passphrase_of(const char *const values[static OPTION_COUNT], char **ret_text, size_t *ret_size,
			  char *ret_error, size_t error_size)
{
	const char *file = values[OPTION_PASSPHRASE_FILE];
	struct secret_input input = {0};

	if (!file && !values[OPTION_ASK])
		return true;
	if (file ? !secret_input_passphrase_file(file, true, &input, ret_error, error_size)
		 : !secret_input_ask("New passphrase of the key", true, &input, ret_error, error_size))
		return false;
	*ret_text = message_key_files_passphrase(&input, ret_size);
	secret_input_done(&input);
	if (!*ret_text)
		snprintf(ret_error, error_size, "%s", crypto_status_text(CRYPTO_NOMEM));
	return *ret_text != NULL;
}

/* Both files or neither. */
static bool write_pair(const struct rsakey_private *key, const char *passphrase, const char *path,
		       const char *public_file, char *ret_error, size_t error_size)
{
	char *pem = NULL, *public_pem = NULL;
	size_t size = 0, public_size = 0;
	bool good = false;

	enum crypto_status status = rsakey_private_to_pem(key, passphrase, &pem, &size);
	if (status == CRYPTO_OK)
		status = pubkey_to_pem(rsakey_private_public(key), &public_pem, &public_size);
	if (status != CRYPTO_OK) {
		snprintf(ret_error, error_size, "%s", crypto_status_text(status));
		goto out;
	}
	if (!message_io_create(public_file, 0644, public_pem, public_size, ret_error, error_size))
		goto out;
	good = message_io_create(path, 0600, pem, size, ret_error, error_size);
	if (!good)
		(void)unlink(public_file);
out:
	if (pem)
		secret_free(pem, size + 1);
	free(public_pem);
	return good;
}

static bool generate(const char *const values[static OPTION_COUNT], unsigned bits, char *ret_error, size_t error_size)
{
	struct rsakey_private *key = NULL;
	uint8_t id[DIGEST_SIZE];
	char public_file[PATH_ROOM], hex[2 * DIGEST_SIZE + 1];
	char *passphrase = NULL;
	size_t passphrase_size = 0;
	bool good = false;

	if (!public_path(values[OPTION_OUTPUT], public_file, sizeof(public_file))) {
		snprintf(ret_error, error_size, "the path of the key is too long");
		return false;
	}
	if (access(values[OPTION_OUTPUT], F_OK) == 0 ||
	    access(public_file, F_OK) == 0) { /* before the seconds of work */
		snprintf(ret_error, error_size, "%s or %s exists, and no key is overwritten", values[OPTION_OUTPUT],
			 public_file);
		return false;
	}
	if (!passphrase_of(values, &passphrase, &passphrase_size, ret_error, error_size))
		return false;
	const enum crypto_status status = rsakey_generate(bits, &key);
	if (status != CRYPTO_OK)
		snprintf(ret_error, error_size, "no key could be made: %s", crypto_status_text(status));
	else
		good = write_pair(key, passphrase, values[OPTION_OUTPUT], public_file, ret_error, error_size);
	if (good) {
		rsakey_public_id(rsakey_private_public(key), id);
		encode_hex(id, sizeof(id), hex);
		printf("%s\n%s\n", public_file, hex);
	}
	rsakey_private_free(key);
	secret_free(passphrase, passphrase_size);
	return good;
}

int command_keygen(int argc, char **argv)
{
	const char *values[OPTION_COUNT];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	unsigned bits = STANDARD_BITS;
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
