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

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} COMMANDS[] = {
	{.name = "init", .run = command_init, .help = "make a store whose keys are locked by a passphrase"},
	{.name = "serve", .run = command_serve, .help = "keep records and answer requests"},
	{.name = "passphrase", .run = command_passphrase, .help = "passphrase change: replace what locks the keys"},
	{.name = "unseal", .run = command_unseal, .help = "give a running server the passphrase"},
	{.name = "seal", .run = command_seal, .help = "make a running server forget its private keys"},
	{.name = "config", .run = command_config, .help = "print the settings in force and where they come from"},
	{.name = "routes", .run = command_routes, .help = "print the routes: method, path, operation"},
	{.name = "audit", .run = command_audit, .help = "audit verify --data DIR: check the audit log"},
	{.name = "check", .run = command_check, .help = "verify every record, and all else that is stored"},
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
		printf("  %-10s %s\n", COMMANDS[i].name, COMMANDS[i].help);
	puts("\ncoffer COMMAND --help tells the options of one.");
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return command_help(argc, argv);
	if (strcmp(name, "--version") == 0)
		return command_version(argc, argv);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(name, COMMANDS[i].name) == 0)
			return COMMANDS[i].run(argc - 1, argv + 1);
	}
	fputs("coffer: no such command; coffer help lists them\n", stderr);
	return 2;
}
