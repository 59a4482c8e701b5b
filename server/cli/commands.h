/* The subcommands: argv[0] is the subcommand's name. Each returns the exit status: 0, 1 failure, 2 wrong usage. */
#ifndef COFFER_CLI_COMMANDS_H
#define COFFER_CLI_COMMANDS_H

int command_init(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_passphrase(int argc, char **argv);
int command_unseal(int argc, char **argv);
int command_seal(int argc, char **argv);
/* coffer seal --to: what command_seal() passes on. */
int command_seal_message(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_status(int argc, char **argv);
int command_health(int argc, char **argv);
int command_acme_hook(int argc, char **argv);
int command_config(int argc, char **argv);
int command_routes(int argc, char **argv);
int command_audit(int argc, char **argv);
int command_identity(int argc, char **argv);
int command_check(int argc, char **argv);
int command_account(int argc, char **argv);
int command_token(int argc, char **argv);
int command_invite(int argc, char **argv);
int command_join(int argc, char **argv);
int command_login(int argc, char **argv);
int command_logout(int argc, char **argv);
int command_partners(int argc, char **argv);
int command_accept(int argc, char **argv);
int command_send(int argc, char **argv);
int command_inbox(int argc, char **argv);
int command_read(int argc, char **argv);
int command_keygen(int argc, char **argv);
int command_open(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_sign(int argc, char **argv);
int command_trust(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_verify_receipt(int argc, char **argv);
int command_fingerprint(int argc, char **argv);

#endif
