#include "server/cli/partner_tool.h"

#include <stdio.h>

#include "crypto/encode.h"
#include "crypto/fingerprint.h"
#include "server/cli/harden.h"
#include "server/cli/message_key_files.h"

bool partner_tool_load_key(void *arg, const struct rsakey_private **ret_key, struct complaint *complaint)
{
	struct partner_tool *tool = arg;

	if (!tool->key && !message_key_files_private(tool->profile.key_file, tool->passphrase_file, &tool->key,
						     complaint->text, sizeof(complaint->text)))
		return false;
	*ret_key = tool->key;
	return true;
}

bool partner_tool_open(struct partner_tool *tool, const char *home, const char *passphrase_file, bool (*stop)(void))
{
	*tool = (struct partner_tool){.passphrase_file = passphrase_file, .profile = {.lock_fd = -1}};
	harden_process();
	tool->remote = (struct remote){.profile = &tool->profile, .load_key = partner_tool_load_key, .arg = tool};
	if (!profile_open(home, false, &tool->profile, &tool->complaint) ||
	    !profile_lock(&tool->profile, &tool->complaint))
		return false;
	switch (profile_load(&tool->profile, &tool->complaint)) {
	case STATE_FOUND:
		break;
	case STATE_ABSENT:
		return complain(&tool->complaint, "there is no profile in %s: coffer join makes one",
				tool->profile.directory);
	case STATE_BROKEN:
		return false;
	}
	if (!tool->profile.joined)
		return complain(&tool->complaint, "%s has not joined %s yet: run coffer join again", tool->profile.name,
				tool->profile.origin);
	return remote_open(&tool->remote, stop, &tool->complaint);
}

int partner_tool_close(struct partner_tool *tool, int status)
{
	if (status != 0)
		fprintf(stderr, "coffer: %s\n", tool->complaint.text);
	remote_close(&tool->remote);
	rsakey_private_free(tool->key);
	tool->key = NULL;
	profile_close(&tool->profile);
	return status;
}

bool partner_tool_name(const char *text, char ret_name[static DIRECTORY_NAME_MAX + 1], struct complaint *complaint)
{
	return directory_name(text, ret_name) ||
	       complain(complaint, "a name is 1 to 64 letters, digits, dots, dashes and underscores, and begins with a "
				   "letter or digit");
}

void partner_tool_greet(const struct profile *profile, const char *name, const uint8_t fingerprint[static DIGEST_SIZE])
{
	char digits[FINGERPRINT_DIGITS_SIZE], hex[2 * DIGEST_SIZE + 1], option[PROFILE_OPTION_MAX];

	profile_option(profile, option);
	encode_hex(fingerprint, DIGEST_SIZE, hex);
	fingerprint_digits(fingerprint, digits);
	fprintf(stderr,
		"coffer: %s is new, and known by this key from now on:\n  %s\n  %s\n"
		"coffer: compare it over another channel, then: coffer accept %s --fingerprint %s%s\n",
		name, hex, digits, name, hex, option);
}
