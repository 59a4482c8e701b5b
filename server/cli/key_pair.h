/* Making a key pair in two files. */
#ifndef COFFER_CLI_KEY_PAIR_H
#define COFFER_CLI_KEY_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"

enum { KEY_PAIR_BITS = 3072 }; /* when nothing else is asked for */

/*
 * The private half as PKCS#8 PEM (0600), locked by a passphrase that is asked for (`ask`) or read from a file; the
 * public one as SPKI (0644). Both files or neither; none is overwritten. ret_id: the fingerprint, or NULL. False with
 * one line in ret_error.
 */
bool key_pair_make(unsigned bits, const char *private_file, const char *public_file, bool ask,
		   const char *passphrase_file, uint8_t *ret_id, char *ret_error, size_t error_size);

#endif
