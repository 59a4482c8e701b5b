/* coffer join: makes a profile, and registers its name and key with a server. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/encode.h"
#include "crypto/fingerprint.h"
#include "crypto/secret.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/key_pair.h"
#include "server/cli/message_io.h"
#include "server/cli/partner_tool.h"
#include "server/core/files.h"
#include "server/partner/authority.h"
#include "server/partner/invite_text.h"

enum {
	OPTION_NAME,
	OPTION_INVITE_FILE,
	OPTION_KEY,
	OPTION_BITS,
	OPTION_ASK,
	OPTION_PASSPHRASE_FILE,
	OPTION_CA,
	OPTION_CA_FINGERPRINT,
	OPTION_HOME,
	OPTION_COUNT
};

static const struct argument OPTIONS[] = {
	[OPTION_NAME] = {.name = "name", .value = "NAME", .help = "to take; else the one that the invite is for"},
	[OPTION_INVITE_FILE] = {.name = "invite-file",
				.value = "FILE",
				.help = "holds the invite; - reads it from standard input"},
	[OPTION_KEY] = {.name = "key",
			.value = "FILE",
			.help = "one's private key (PEM, mode 0600), which stays where it is; else one is made"},
	[OPTION_BITS] = {.name = "bits", .value = "N", .help = "of the key that is made, 2048 to 8192; else 3072"},
	[OPTION_ASK] = {.name = "ask", .help = "ask on the terminal for a passphrase that locks the key that is made"},
	[OPTION_PASSPHRASE_FILE] = {.name = "passphrase-file",
				    .value = "FILE",
				    .help = "holds the passphrase of the private key"},
	[OPTION_CA] = {.name = "ca",
		       .value = "FILE",
		       .help = "the server's CA (its DIR/tls/ca.pem), without an invite"},
	[OPTION_CA_FINGERPRINT] = {.name = "ca-fingerprint",
				   .value = "HEX",
				   .help = "SHA-256 of the server's CA, which is then fetched, without an invite"},
	[OPTION_HOME] = PARTNER_TOOL_HOME,
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer join [https://HOST:PORT] [--name NAME] [--invite-file FILE] [--key FILE | --bits N]\n"
		 "       [--ask | --passphrase-file FILE] [--ca FILE | --ca-fingerprint HEX] [--home DIR]",
	.about = "Registers a name and a key with a server, logs in, and keeps both in a profile for the other "
		 "commands.\n"
		 "An invite says which server, which CA and which name; without one the server must run with\n"
		 "--open-enrollment. Interrupted, it can be run again.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
	.operand = "URL",
};

struct joining {
	struct partner_tool tool;
	struct invite_text invite;
	bool has_invite;
};

static bool read_invite(struct joining *joining, const char *path)
{
	struct complaint *complaint = &joining->tool.complaint;
	struct message_io io = {0};
	char *text;
	bool good;

	if (!path)
		return true;
	if (!message_io_read(path, 0, 8192, &io, complaint->text, sizeof(complaint->text)))
		return false;
	text = secret_alloc(io.size + 1);
	good = text != NULL || complain(complaint, "out of memory");
	if (good) {
		memcpy(text, io.bytes, io.size);
		good = invite_text_read(text, &joining->invite, complaint);
	}
	secret_free(text, io.size + 1);
	message_io_done(&io);
	joining->has_invite = good;
	return good;
}

/* A server's name in the one form that the client and the proofs use. */
static bool normalise(const char *url, char ret_origin[static DIRECTORY_ORIGIN_MAX + 1], struct complaint *complaint)
{
	const struct client_options options = {.url = url};
	struct client *client = NULL;
	bool good = client_new(&options, &client, complaint->text, sizeof(complaint->text));

	if (good && strlen(client_origin(client)) > DIRECTORY_ORIGIN_MAX)
		good = complain(complaint, "the server's name is too long");
	if (good)
		strcpy(ret_origin, client_origin(client));
	client_free(client);
	return good;
}

/* Which server and which name: as given, as the invite says, and as a profile that was begun has it: all the same. */
static bool settle(struct joining *joining, const char *url, const char *given_name)
{
	struct profile *profile = &joining->tool.profile;
	struct complaint *complaint = &joining->tool.complaint;
	char name[DIRECTORY_NAME_MAX + 1] = "";
	char origin[DIRECTORY_ORIGIN_MAX + 1], invited[DIRECTORY_ORIGIN_MAX + 1];
	const enum state_found found = profile_load(profile, complaint);

	if (found == STATE_BROKEN)
		return false;
	if (found == STATE_FOUND && profile->joined)
		return complain(
			complaint,
			"%s has joined %s already in this profile (%s): --home makes another, coffer login logs in",
			profile->name, profile->origin, profile->directory);
	if (given_name && !partner_tool_name(given_name, name, complaint))
		return false;
	if (!url)
		url = joining->has_invite ? joining->invite.origin : NULL;
	if (!given_name)
		snprintf(name, sizeof(name), "%s", joining->invite.name);
	if (!url || !name[0])
		return complain(complaint, "which server, and which name? An invite says both (--invite-file)");
	if (!normalise(url, origin, complaint))
		return false;
	if (joining->has_invite && (!normalise(joining->invite.origin, invited, complaint) ||
				    strcmp(origin, invited) != 0 || strcmp(name, joining->invite.name) != 0))
		return complain(complaint, "the invite is for %s at %s", joining->invite.name, joining->invite.origin);
	if (found == STATE_FOUND && (strcmp(name, profile->name) != 0 || strcmp(origin, profile->origin) != 0))
		return complain(complaint, "this profile (%s) was begun for %s at %s: --home makes another",
				profile->directory, profile->name, profile->origin);
	memcpy(profile->origin, origin, sizeof(profile->origin));
	memcpy(profile->name, name, sizeof(profile->name));
	return true;
}

static bool settle_ca(struct joining *joining, const char *file, const char *fingerprint)
{
	struct profile *profile = &joining->tool.profile;
	struct complaint *complaint = &joining->tool.complaint;
	struct files_error error = {complaint->text, sizeof(complaint->text)};
	char path[PROFILE_PATH_MAX], *pem = NULL;
	uint8_t digest[DIGEST_SIZE];
	size_t size;
	bool good;

	if (joining->has_invite && joining->invite.has_ca)
		return authority_fetch(profile, profile->origin, joining->invite.ca, complaint);
	if (fingerprint) {
		char hex[2 * DIGEST_SIZE + 1];
		size_t used = 0;

		for (; *fingerprint && used < sizeof(hex) - 1; fingerprint++)
			if (*fingerprint != ':')
				hex[used++] = *fingerprint;
		if (*fingerprint || !decode_hex(hex, used, digest, sizeof(digest)))
			return complain(complaint, "--ca-fingerprint takes the 64 hexadecimal digits of a SHA-256");
		return authority_fetch(profile, profile->origin, digest, complaint);
	}
	if (!file)
		return true;
	if (files_read(file, false, &pem, &size, &error) != CORE_OK)
		return false;
	profile_path(profile, "ca.pem", path);
	good = files_write(path, 0600, pem, size, &error) == CORE_OK;
	secret_free(pem, size + 1);
	return good;
}

/* One's own, or one that is made in the profile, unless an earlier attempt has made it. */
static bool settle_key(struct joining *joining, const char *const values[static OPTION_COUNT + 1], unsigned bits)
{
	struct profile *profile = &joining->tool.profile;
	struct complaint *complaint = &joining->tool.complaint;
	char public_file[PROFILE_PATH_MAX];
	char *absolute;

	if (values[OPTION_KEY]) {
		absolute = realpath(values[OPTION_KEY], NULL);
		if (!absolute || strlen(absolute) >= sizeof(profile->key_file)) {
			free(absolute);
			return complain(complaint, "there is no key in %s", values[OPTION_KEY]);
		}
		memcpy(profile->key_file, absolute, strlen(absolute) + 1);
		free(absolute);
		return true;
	}
	profile_path(profile, "key.pem", profile->key_file);
	if (access(profile->key_file, F_OK) == 0)
		return true;
	profile_path(profile, "key.pub.pem", public_file);
	(void)unlink(public_file); /* of an attempt that did not get as far as the private one */
	return key_pair_make(bits, profile->key_file, public_file, values[OPTION_ASK] != NULL,
			     values[OPTION_PASSPHRASE_FILE], NULL, complaint->text, sizeof(complaint->text));
}

/* A name that is taken may be taken by this very key, when an earlier attempt was cut short: logging in tells. */
static bool enroll(struct joining *joining)
{
	struct partner_tool *tool = &joining->tool;
	struct complaint refusal;
	long status = 0;

	if (!remote_join(&tool->remote, joining->has_invite ? joining->invite.secret : NULL, &status,
			 &tool->complaint)) {
		refusal = tool->complaint;
		if ((status != 403 && status != 409) || !remote_login(&tool->remote, &tool->complaint)) {
			tool->complaint = refusal;
			return false;
		}
	}
	tool->profile.joined = true;
	return profile_save(&tool->profile, &tool->complaint) && remote_login(&tool->remote, &tool->complaint);
}

static bool report(struct partner_tool *tool)
{
	const struct rsakey_private *key;
	char hex[2 * DIGEST_SIZE + 1], digits[FINGERPRINT_DIGITS_SIZE];
	uint8_t id[DIGEST_SIZE];

	if (!partner_tool_load_key(tool, &key, &tool->complaint))
		return false;
	rsakey_public_id(rsakey_private_public(key), id);
	encode_hex(id, sizeof(id), hex);
	fingerprint_digits(id, digits);
	printf("%s has joined %s\nkey: %s\nfingerprint, for partners to compare:\n%s\n%s\n", tool->profile.name,
	       tool->profile.origin, tool->profile.key_file, hex, digits);
	return true;
}

static bool join(struct joining *joining, const char *const values[static OPTION_COUNT + 1], unsigned bits)
{
	struct partner_tool *tool = &joining->tool;

	tool->remote = (struct remote){.profile = &tool->profile, .load_key = partner_tool_load_key, .arg = tool};
	return read_invite(joining, values[OPTION_INVITE_FILE]) &&
	       profile_open(values[OPTION_HOME], true, &tool->profile, &tool->complaint) &&
	       profile_lock(&tool->profile, &tool->complaint) &&
	       settle(joining, values[OPTION_COUNT], values[OPTION_NAME]) &&
	       settle_ca(joining, values[OPTION_CA], values[OPTION_CA_FINGERPRINT]) &&
	       settle_key(joining, values, bits) && profile_save(&tool->profile, &tool->complaint) &&
	       remote_open(&tool->remote, NULL, &tool->complaint) && enroll(joining) && report(tool);
}

int command_join(int argc, char **argv)
{
	const char *values[OPTION_COUNT + 1];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct joining joining = {.has_invite = false};
	unsigned bits = KEY_PAIR_BITS;
	bool good;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if ((values[OPTION_CA] && values[OPTION_CA_FINGERPRINT]) || (values[OPTION_KEY] && values[OPTION_BITS]) ||
	    (values[OPTION_ASK] && values[OPTION_PASSPHRASE_FILE]) ||
	    (values[OPTION_BITS] && !arguments_number(values[OPTION_BITS], RSAKEY_MIN_BITS, RSAKEY_MAX_BITS, &bits))) {
		fprintf(stderr, "coffer: options that exclude each other, or bits not from 2048 to 8192\nusage: %s\n",
			ARGUMENTS.usage);
		return 2;
	}
	harden_process();
	joining.tool.passphrase_file = values[OPTION_PASSPHRASE_FILE];
	joining.tool.profile.lock_fd = -1;
	good = join(&joining, values, bits);
	secret_wipe(&joining.invite, sizeof(joining.invite));
	return partner_tool_close(&joining.tool, good ? 0 : 1);
}
