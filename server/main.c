#include <stdio.h>
#include <string.h>

#include "server/cli/commands.h"

static int command_help(int argc, char **argv);

static int command_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("coffer " COFFER_VERSION);
	return 0;
}

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help; /* NULL: not for people */
} COMMANDS[] = {
	{.name = "init", .run = command_init, .help = "make a store whose keys are locked by a passphrase"},
	{.name = "serve", .run = command_serve, .help = "keep records and answer requests"},
	{.name = "passphrase", .run = command_passphrase, .help = "passphrase change: replace what locks the keys"},
	{.name = "unseal", .run = command_unseal, .help = "give a running server the passphrase"},
	{.name = "seal",
	 .run = command_seal,
	 .help = "make a running server forget its private keys; with --to KEY, seal a message"},
	{.name = "open", .run = command_open, .help = "open a message that was sealed for one's key"},
	{.name = "inspect", .run = command_inspect, .help = "print the byte layout of a sealed message"},
	{.name = "sign", .run = command_sign, .help = "sign a sealed message for its recipient"},
	{.name = "verify", .run = command_verify, .help = "verify who sent a sealed message to whom"},
	{.name = "keygen", .run = command_keygen, .help = "make a key pair for messages"},
	{.name = "fingerprint",
	 .run = command_fingerprint,
	 .help = "print a key's fingerprint, also for reading aloud"},
	{.name = "account", .run = command_account, .help = "list, add and change accounts of a running server"},
	{.name = "token", .run = command_token, .help = "list, add and revoke tokens of accounts"},
	{.name = "invite", .run = command_invite, .help = "invite somebody to take a name on a server"},
	{.name = "join", .run = command_join, .help = "register a name and a key with a server"},
	{.name = "login", .run = command_login, .help = "log in with the private key"},
	{.name = "logout", .run = command_logout, .help = "log out"},
	{.name = "partners", .run = command_partners, .help = "list partners, their keys and how one knows them"},
	{.name = "accept", .run = command_accept, .help = "take a partner's key for verified, also a changed one"},
	{.name = "send", .run = command_send, .help = "seal, sign and deposit a message for a partner"},
	{.name = "inbox", .run = command_inbox, .help = "list the messages in one's mailbox, or follow them"},
	{.name = "read", .run = command_read, .help = "verify and open a message from one's mailbox"},
	{.name = "doctor", .run = command_doctor, .help = "look for what is not as a server needs it"},
	{.name = "status", .run = command_status, .help = "print how a running server is"},
	{.name = "health", .run = command_health, .help = "whether a server answers, for scripts"},
	{.name = "trust", .run = command_trust, .help = "print the local CA, or make this machine trust it"},
	{.name = "config", .run = command_config, .help = "print the settings in force and where they come from"},
	{.name = "routes", .run = command_routes, .help = "print the routes: method, path, operation"},
	{.name = "audit", .run = command_audit, .help = "verify, sign and export the audit log"},
	{.name = "identity",
	 .run = command_identity,
	 .help = "list and replace the key that signs receipts and checkpoints"},
	{.name = "verify-receipt", .run = command_verify_receipt, .help = "verify what a server has signed of a write"},
	{.name = "check", .run = command_check, .help = "verify every record, and all else that is stored"},
	{.name = "acme-hook", .run = command_acme_hook},
	{.name = "version", .run = command_version, .help = "print the version"},
	{.name = "help", .run = command_help, .help = "print this"},
};

static const size_t COMMAND_COUNT = sizeof(COMMANDS) / sizeof(COMMANDS[0]);

static int command_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("usage: coffer COMMAND [OPTION]...\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (COMMANDS[i].help)
			printf("  %-14s %s\n", COMMANDS[i].name, COMMANDS[i].help);
	puts("\ncoffer COMMAND --help tells the options of one.");
	return 0;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(name, COMMANDS[i].name) == 0)
			return &COMMANDS[i];
	return NULL;
}

/* Under the name coffer-COMMAND this program is that command: a hook, say, cannot be told arguments. */
static const struct command *find_linked(const char *path)
{
	static const char PREFIX[] = "coffer-";
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	return strncmp(base, PREFIX, sizeof(PREFIX) - 1) == 0 ? find(base + sizeof(PREFIX) - 1) : NULL;
}

int main(int argc, char **argv)
{
	const struct command *command = argc > 0 ? find_linked(argv[0]) : NULL;
	const char *name = argc > 1 ? argv[1] : "";

	if (command)
		return command->run(argc, argv);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return command_help(argc, argv);
	if (strcmp(name, "--version") == 0)
		return command_version(argc, argv);
	command = find(name);
	if (command)
		return command->run(argc - 1, argv + 1);
	fputs("coffer: no such command; coffer help lists them\n", stderr);
	return 2;
}
