/* The key files of the tool: one's own private key, and partners' public ones. */
#ifndef COFFER_CLI_MESSAGE_KEY_FILES_H
#define COFFER_CLI_MESSAGE_KEY_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct rsakey_private;
struct rsakey_public;

/* PEM: SPKI, PKCS#1 or a certificate. False with one line in ret_error. */
bool message_key_files_public(const char *path, struct rsakey_public **ret_key, char *ret_error, size_t error_size);

/*
 * PKCS#8 or PKCS#1 PEM in a file that only its owner can read. A locked one is unlocked by the passphrase in
 * passphrase_file, or, when that is NULL, by one asked for on the terminal. False with one line in ret_error.
 */
bool message_key_files_private(const char *path, const char *passphrase_file, struct rsakey_private **ret_key,
			       char *ret_error, size_t error_size);

struct secret_input;

/* The passphrase as a string in locked memory: *ret_size bytes, for secret_free(). NULL: no memory. */
char *message_key_files_passphrase(const struct secret_input *input, size_t *ret_size);

#endif
