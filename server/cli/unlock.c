#include "server/cli/unlock.h"

#include <stdio.h>

#include "server/cli/secret_input.h"
#include "server/core/home.h"
#include "server/core/keyring.h"

bool unlock_home(struct home *home, const char *passphrase_file, const char *credential_file, char *ret_error,
		 size_t error_size)
{
	struct secret_input input = {0};
	bool good;

	if (!keyring_sealed(home_vault(home)->ring))
		return true;
	if (passphrase_file)
		good = secret_input_passphrase_file(passphrase_file, false, &input, ret_error, error_size);
	else if (credential_file)
		good = secret_input_credential(credential_file, &input, ret_error, error_size);
	else
		good = secret_input_ask("Passphrase", false, &input, ret_error, error_size);
	if (good && home_unseal(home, &input.secret) != CORE_OK) {
		snprintf(ret_error, error_size, "%s does not unlock %s/keys", input.secret.from, home_path(home));
		good = false;
	}
	secret_input_done(&input);
	return good;
}
