#include "server/cli/key_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/pubkey.h"
#include "crypto/rsakey.h"
#include "crypto/secret.h"
#include "server/cli/message_io.h"
#include "server/cli/message_key_files.h"
#include "server/cli/secret_input.h"

static bool passphrase_of(const char *file, bool ask, char **ret_text, size_t *ret_size, char *ret_error,
			  size_t error_size)
{
	struct secret_input input = {0};

	if (!file && !ask)
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

bool key_pair_make(unsigned bits, const char *private_file, const char *public_file, bool ask,
		   const char *passphrase_file, uint8_t *ret_id, char *ret_error, size_t error_size)
{
	struct rsakey_private *key = NULL;
	char *passphrase = NULL;
	size_t passphrase_size = 0;
	enum crypto_status status;
	bool good = false;

	if (access(private_file, F_OK) == 0 || access(public_file, F_OK) == 0) { /* before the seconds of work */
		snprintf(ret_error, error_size, "%s or %s exists, and no key is overwritten", private_file,
			 public_file);
		return false;
	}
	if (!passphrase_of(passphrase_file, ask, &passphrase, &passphrase_size, ret_error, error_size))
		return false;
	status = rsakey_generate(bits, &key);
	if (status != CRYPTO_OK)
		snprintf(ret_error, error_size, "no key could be made: %s", crypto_status_text(status));
	else
		good = write_pair(key, passphrase, private_file, public_file, ret_error, error_size);
	if (good && ret_id)
		rsakey_public_id(rsakey_private_public(key), ret_id);
	rsakey_private_free(key);
	secret_free(passphrase, passphrase_size);
	return good;
}
