/* Unlocking the keys of a store for a command that reads it. */
#ifndef COFFER_CLI_UNLOCK_H
#define COFFER_CLI_UNLOCK_H

#include <stdbool.h>
#include <stddef.h>

struct home;

/*
 * With the passphrase or the credential in a file; without either it is asked for at the terminal, when the keys are
 * locked at all. False with one line in ret_error.
 */
bool unlock_home(struct home *home, const char *passphrase_file, const char *credential_file, char *ret_error,
		 size_t error_size);

#endif
