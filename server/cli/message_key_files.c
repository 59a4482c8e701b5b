#include "server/cli/message_key_files.h"

#include <stdio.h>
#include <string.h>

#include "crypto/pubkey.h"
#include "crypto/rsakey.h"
#include "crypto/secret.h"
#include "server/cli/secret_input.h"
#include "server/core/files.h"

bool message_key_files_public(const char *path, struct rsakey_public **ret_key, char *ret_error, size_t error_size)
{
	struct files_error error = {ret_error, error_size};
	char *text = NULL;
	size_t size;

	if (files_read(path, false, &text, &size, &error) != CORE_OK)
		return false;
	const enum pubkey_verdict verdict = pubkey_from_pem(text, size, ret_key);
	secret_free(text, size + 1);
	if (verdict != PUBKEY_OK)
		snprintf(ret_error, error_size, "%s: %s", path, pubkey_verdict_text(verdict));
	return verdict == PUBKEY_OK;
}

char *message_key_files_passphrase(const struct secret_input *input, size_t *ret_size)
{
	char *text = secret_alloc(input->secret.size + 1);

	if (!text)
		return NULL;
	memcpy(text, input->secret.bytes, input->secret.size);
	*ret_size = input->secret.size + 1;
	return text;
}

static enum crypto_status unlock(const char *pem, size_t size, const struct secret_input *input,
				 struct rsakey_private **ret_key)
{
	size_t passphrase_size = 0;
	char *passphrase = message_key_files_passphrase(input, &passphrase_size);
	const enum crypto_status status =
		passphrase ? rsakey_private_from_pem(pem, size, passphrase, ret_key) : CRYPTO_NOMEM;

	secret_free(passphrase, passphrase_size);
	return status;
}

static const char *meaning(enum crypto_status status)
{
	switch (status) {
	case CRYPTO_FORMAT:
		return "not a PEM private key";
	case CRYPTO_KEY:
		return "not a private RSA key of 2048 to 8192 bits, or its parts do not fit";
	case CRYPTO_LOCKED:
		return "the passphrase does not unlock it";
	default:
		return crypto_status_text(status);
	}
}

bool message_key_files_private(const char *path, const char *passphrase_file, struct rsakey_private **ret_key,
			       char *ret_error, size_t error_size)
{
	struct files_error error = {ret_error, error_size};
	struct secret_input input = {0};
	enum crypto_status status;
	char *pem = NULL;
	size_t size;
	bool good = false;

	if (files_read(path, true, &pem, &size, &error) != CORE_OK)
		return false;
	status = rsakey_private_from_pem(pem, size, NULL, ret_key);
	if (status == CRYPTO_LOCKED) {
		const bool given =
			passphrase_file
				? secret_input_passphrase_file(passphrase_file, false, &input, ret_error, error_size)
				: secret_input_ask("Passphrase of the key", false, &input, ret_error, error_size);
		if (!given)
			goto out;
		status = unlock(pem, size, &input, ret_key);
	}
	good = status == CRYPTO_OK;
	if (!good)
		snprintf(ret_error, error_size, "%s: %s", path, meaning(status));
out:
	secret_input_done(&input);
	secret_free(pem, size + 1);
	return good;
}
