/* Passphrases and credentials, from files and terminals: never from argv or the environment. */
#ifndef COFFER_CLI_SECRET_INPUT_H
#define COFFER_CLI_SECRET_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "server/core/home.h"

enum {
	SECRET_PASSPHRASE_MIN = 8, /* bytes, for a new one */
	SECRET_PASSPHRASE_MAX = 1024,
};

/* A secret with what messages call it. All zeros is none. In locked memory; give back with secret_input_done(). */
struct secret_input {
	struct home_secret secret; /* bytes NULL: none */
	size_t allocated;
	char from[4200];
};

/*
 * Each returns false with one line in ret_error. From a file: its owner's alone (mode 0600 or less); a passphrase is
 * the file without one newline at its end. From the terminal (/dev/tty, no echo): asked for twice when `is_new`.
 */
bool secret_input_passphrase_file(const char *path, bool is_new, struct secret_input *ret_input, char *ret_error,
				  size_t error_size);
bool secret_input_ask(const char *prompt, bool is_new, struct secret_input *ret_input, char *ret_error,
		      size_t error_size);
/* path "": coffer-unlock in $CREDENTIALS_DIRECTORY when there is one, else none is given, which is no failure. */
bool secret_input_credential(const char *path, struct secret_input *ret_input, char *ret_error, size_t error_size);

void secret_input_done(struct secret_input *input);

#endif
