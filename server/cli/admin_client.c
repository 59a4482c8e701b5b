#include "server/cli/admin_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/cli/arguments.h"
#include "server/cli/server_place.h"
#include "server/client/client.h"
#include "server/core/files.h"

bool admin_client_open(const char *given_data, const char *given_url, const char *given_ca,
		       const char *given_token_file, struct client **ret_client, char *ret_error, size_t error_size)
{
	struct files_error error = {ret_error, error_size};
	const char *data = arguments_data(given_data);
	char token_file[4096];
	struct server_place place;
	struct client_options options = {.url = NULL};
	char *token = NULL;
	size_t size;
	enum core_status status;
	bool good;

	server_place_find(data, given_url, given_ca, &place, &options);
	snprintf(token_file, sizeof(token_file), "%s", given_token_file ? given_token_file : "");
	if (!given_token_file)
		snprintf(token_file, sizeof(token_file), "%s/admin.token", data);
	status = files_read(token_file, true, &token, &size, &error);
	if (status == CORE_NOT_FOUND)
		files_fail(&error, status, "there is no token in %s: name its file by --token-file, or DIR by --data",
			   token_file);
	if (status != CORE_OK)
		return false;
	token[strcspn(token, "\r\n")] = '\0';
	options.token = token;
	good = client_new(&options, ret_client, ret_error, error_size);
	secret_free(token, size + 1);
	return good;
}
