/* coffer identity. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/core/audit_keeper.h"
#include "server/core/home.h"
#include "server/core/identity_text.h"

enum { OPTION_DATA, OPTION_COUNT };
enum { QUEUE_DEPTH = 16, STAGE_BYTES = 65536 };

static const struct argument OPTIONS[] = {
	[OPTION_DATA] = {.name = "data",
			 .value = "DIR",
			 .help = "the data directory; else COFFER_DATA, else ./coffer-data"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer identity (list | rotate) [--data DIR]",
	.about =
		"The key that signs receipts and checkpoints. list prints it and those before it, as\n"
		"GET /.well-known/coffer does. rotate replaces it, while no server runs on DIR: the old one is gone,\n"
		"what it has signed stays good, and the new one is endorsed by it, so that verify-receipt --successor\n"
		"follows from the one to the other.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
	.operand = "ACTION",
};

static int list(const struct vault *vault)
{
	struct json *doc = json_new();
	size_t size;
	char *text;

	identity_text_members(doc, vault);
	text = json_print(doc, &size);
	json_free(doc);
	if (!text || puts(text) < 0)
		fputs("coffer: out of memory, or nothing can be written\n", stderr);
	free(text);
	return text ? 0 : 2;
}

/* Not on a log whose end was cut off: the new key would vouch for what is left. */
static enum core_status rotate(struct home *home, char *ret_error, size_t error_size)
{
	struct store_view *view = NULL;
	enum core_status status = core_from_store(store_view_new(home_vault(home)->store, &view));
	bool kept;

	if (status == CORE_OK)
		status = audit_keeper_check(home, view, &kept, ret_error, error_size);
	store_view_free(view);
	if (status == CORE_OK)
		status = home_rotate_identity(home, ret_error, error_size);
	/* The head is the new key's to sign: until a server does, the old one's stands, and is as good. */
	return status;
}

int command_identity(int argc, char **argv)
{
	const char *values[OPTION_COUNT + 1];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct home_options options = {.ingest_only = true,
				       .store = {.queue_depth = QUEUE_DEPTH, .stage_bytes = STAGE_BYTES}};
	struct home *home = NULL;
	char error[1024] = "the database cannot be read";
	bool change;
	int status = 1;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	change = values[OPTION_COUNT] && strcmp(values[OPTION_COUNT], "rotate") == 0;
	if (!change && (!values[OPTION_COUNT] || strcmp(values[OPTION_COUNT], "list") != 0)) {
		fprintf(stderr, "usage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	harden_process();
	options.data = arguments_data(values[OPTION_DATA]);
	/* Reading first: nothing is to be made where there is no store. */
	options.read_only = true;
	if (home_open(&options, &home, error, sizeof(error)) != CORE_OK)
		goto out;
	if (!change) {
		status = list(home_vault(home));
		goto out;
	}
	home_close(home);
	home = NULL;
	options.read_only = false;
	if (home_open(&options, &home, error, sizeof(error)) == CORE_OK &&
	    rotate(home, error, sizeof(error)) == CORE_OK)
		status = list(home_vault(home));
out:
	if (status == 1)
		fprintf(stderr, "coffer: %s\n", error);
	home_close(home);
	return status;
}
