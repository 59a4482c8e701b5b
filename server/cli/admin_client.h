/* A client with the administrator's token, for commands beside a data directory. */
#ifndef COFFER_CLI_ADMIN_CLIENT_H
#define COFFER_CLI_ADMIN_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct client;

#define ADMIN_CLIENT_DATA                                                                                \
	{                                                                                                \
		.name = "data", .value = "DIR",                                                          \
		.help = "of the server, whose CA and administrator's token are taken from there; else\n" \
			"      COFFER_DATA, else ./coffer-data"                                          \
	}
#define ADMIN_CLIENT_URL                                                                                      \
	{                                                                                                     \
		.name = "url", .value = "URL",                                                                \
		.help = "where it is; else what DIR/server.url says, else https:// and COFFER_LISTEN, else\n" \
			"      https://127.0.0.1:8443"                                                        \
	}
#define ADMIN_CLIENT_CA                                                                                   \
	{                                                                                                 \
		.name = "ca", .value = "FILE",                                                            \
		.help = "the CA to trust instead of DIR/tls/ca.pem and, under another name, the system's" \
	}
#define ADMIN_CLIENT_TOKEN_FILE                                                                                    \
	{                                                                                                          \
		.name = "token-file", .value = "FILE", .help = "a token of scope admin instead of DIR/admin.token" \
	}

/* What was given for these four options; each may be NULL. False with a line in ret_error. */
bool admin_client_open(const char *data, const char *url, const char *ca, const char *token_file,
		       struct client **ret_client, char *ret_error, size_t error_size);

#endif
