/* What the commands share that work with a partner's profile and its server. */
#ifndef COFFER_CLI_PARTNER_TOOL_H
#define COFFER_CLI_PARTNER_TOOL_H

#include "server/partner/profile.h"
#include "server/partner/remote.h"

/* Exit statuses beside 0, 1 and 2. */
enum { PARTNER_TOOL_KEY_CHANGED = 3 };

#define PARTNER_TOOL_HOME                                                                                           \
	{                                                                                                           \
		.name = "home", .value = "DIR",                                                                     \
		.help = "of the profile; else $COFFER_HOME, else coffer in $XDG_CONFIG_HOME, else ~/.config/coffer" \
	}
#define PARTNER_TOOL_PASSPHRASE                                                                         \
	{                                                                                               \
		.name = "passphrase-file", .value = "FILE",                                             \
		.help = "holds the passphrase of the private key; else it is asked for on the terminal" \
	}

struct partner_tool {
	struct profile profile;
	struct remote remote;
	struct rsakey_private *key; /* once loaded */
	const char *passphrase_file;
	struct complaint complaint;
};

/* Opens and locks the profile, and the client of its server. `stop`: as client_options'. */
bool partner_tool_open(struct partner_tool *tool, const char *home, const char *passphrase_file, bool (*stop)(void));
/* For remote.load_key; `tool` is the argument. */
bool partner_tool_load_key(void *tool, const struct rsakey_private **ret_key, struct complaint *complaint);
/* Says the complaint unless all went well (status 0), and gives everything back. Returns the status. */
int partner_tool_close(struct partner_tool *tool, int status);

/* The name folded; false with a complaint. */
bool partner_tool_name(const char *text, char ret_name[static DIRECTORY_NAME_MAX + 1], struct complaint *complaint);
/* On standard error: who was met for the first time, and how to compare. */
void partner_tool_greet(const struct profile *profile, const char *name, const uint8_t fingerprint[static DIGEST_SIZE]);

#endif
