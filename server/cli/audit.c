#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/core/audit.h"
#include "server/core/home.h"

static const struct argument OPTIONS[] = {
	{.name = "data", .value = "DIR", .help = "the data directory; else COFFER_DATA, else ./coffer-data"},
};

static const struct arguments ARGUMENTS = {
	.usage = "coffer audit verify [--data DIR]",
	.about = "Checks the audit log: no event edited, reordered, or removed from the middle.\n"
		 "Exit status: 0 when all events verify, 1 when one does not, 2 when the log could not be read.",
	.table = OPTIONS,
	.count = sizeof(OPTIONS) / sizeof(OPTIONS[0]),
};

static int verify(const char *data)
{
	struct home *home = NULL;
	struct store_view *view = NULL;
	char error[1024];
	uint64_t count = 0;
	bool good = false;
	int exit_status = 2;

	if (home_open(&(struct home_options){.data = data, .read_only = true}, &home, error, sizeof(error)) !=
	    CORE_OK) {
		fprintf(stderr, "coffer: %s\n", error);
		return 2;
	}
	if (store_view_new(home_vault(home)->store, &view) != STORE_OK ||
	    audit_verify(view, home_vault(home), stdout, NULL, NULL, &count, &good) != CORE_OK) {
		fputs("coffer: the audit log cannot be read\n", stderr);
		goto out;
	}
	printf("%" PRIu64 " events verified\n", count);
	exit_status = good ? 0 : 1;
out:
	store_view_free(view);
	home_close(home);
	return exit_status;
}

int command_audit(int argc, char **argv)
{
	const char *data = NULL;
	const bool named = argc > 1 && strcmp(argv[1], "verify") == 0;
	enum arguments_status parsed;

	if (argc < 2) {
		fprintf(stderr, "usage: %s\n", ARGUMENTS.usage);
		return 2;
	}
	parsed = named ? arguments_parse(&ARGUMENTS, argc - 1, argv + 1, &data, stdout, stderr)
		       : arguments_parse(&ARGUMENTS, 2, argv, &data, stdout, stderr);
	if (parsed == ARGUMENTS_OK && named)
		return verify(arguments_data(data));
	if (parsed == ARGUMENTS_OK)
		fprintf(stderr, "usage: %s\n", ARGUMENTS.usage);
	return parsed == ARGUMENTS_HELP ? 0 : 2;
}
