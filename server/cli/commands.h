/* The subcommands: argv[0] is the subcommand's name. Each returns the exit status: 0, 1 failure, 2 wrong usage. */
#ifndef COFFER_CLI_COMMANDS_H
#define COFFER_CLI_COMMANDS_H

int command_init(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_passphrase(int argc, char **argv);
int command_unseal(int argc, char **argv);
int command_seal(int argc, char **argv);
int command_config(int argc, char **argv);
int command_routes(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_check(int argc, char **argv);

#endif
