#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/cli/commands.h"
#include "server/core/audit.h"
#include "server/core/home.h"

int command_audit(int argc, char **argv)
{
	struct home *home = NULL;
	struct store_view *view = NULL;
	char error[1024];
	uint64_t count = 0;
	bool good = false;
	int exit_status = 2;

	if (argc != 4 || strcmp(argv[1], "verify") != 0 || strcmp(argv[2], "--data") != 0) {
		fputs("usage: coffer audit verify --data DIR\n", stderr);
		return argc > 1 && strcmp(argv[argc - 1], "--help") == 0 ? 0 : 2;
	}
	if (home_open(&(struct home_options){.data = argv[3], .read_only = true}, &home, error, sizeof(error)) !=
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
