/* coffer audit archive, coffer audit index: what writes, and so needs the store for itself. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/cli/audit.h"
#include "server/core/audit_archiver.h"
#include "server/core/audit_indexer.h"
#include "server/core/audit_keeper.h"
#include "server/core/clock.h"

enum { QUEUE_DEPTH = 16, STAGE_BYTES = 65536 };

/* A store is made by coffer serve and coffer init, and by nothing else. */
static bool is_store(const char *data)
{
	char path[4096];

	return snprintf(path, sizeof(path), "%s/coffer.db", data) < (int)sizeof(path) && access(path, F_OK) == 0;
}

/* False has been said. end() is due in either case. */
static bool begin(struct auditing *auditing, const char *data)
{
	const struct home_options options = {
		.data = data, .ingest_only = true, .store = {.queue_depth = QUEUE_DEPTH, .stage_bytes = STAGE_BYTES}};
	char error[1024];
	bool kept;

	if (!is_store(data))
		snprintf(error, sizeof(error), "there is no store in %s", data);
	else if (home_open(&options, &auditing->home, error, sizeof(error)) != CORE_OK)
		;
	else if (store_view_new(home_vault(auditing->home)->store, &auditing->view) != STORE_OK)
		strcpy(error, "the audit log cannot be read");
	/* What was cut off must not be taken for the end. */
	else if (audit_keeper_check(auditing->home, auditing->view, &kept, error, sizeof(error)) == CORE_OK)
		return true;
	fprintf(stderr, "coffer: %s\n", error);
	return false;
}

static void end(struct auditing *auditing)
{
	store_view_free(auditing->view);
	home_close(auditing->home);
}

/* The exit status. */
static int tell(enum core_status status, const char *line)
{
	if (status != CORE_OK)
		fprintf(stderr, "coffer: %s\n", line);
	return status == CORE_OK ? 0 : status == CORE_DAMAGED ? 1 : 2;
}

int audit_offline_archive(const char *data, const char *before)
{
	struct audit_archiver_options options;
	struct auditing auditing = {.home = NULL};
	char line[1024] = "";
	struct files_error error = {line, sizeof(line)};
	enum core_status status = CORE_OK;
	bool more = true;
	int exit_status = 2;

	if (!before || !clock_parse_rfc3339(before, &options.before_ms)) {
		fputs("coffer: --before must be a time in UTC, as 2026-01-31T12:00:00Z\n", stderr);
		return 2;
	}
	options.late_ms = options.before_ms;
	if (begin(&auditing, data)) {
		while (status == CORE_OK && more)
			status = audit_archiver_step(home_vault(auditing.home), auditing.view, &options, &more, &error);
		exit_status = tell(status, line);
	}
	end(&auditing);
	return exit_status;
}

int audit_offline_index(const char *data)
{
	struct audit_indexer indexer = {0};
	struct auditing auditing = {.home = NULL};
	char line[1024] = "the database cannot be written";
	struct files_error error = {line, sizeof(line)};
	enum core_status status;
	bool more = true;
	int exit_status = 2;

	if (begin(&auditing, data)) {
		status = audit_indexer_reset(home_vault(auditing.home));
		while (status == CORE_OK && more)
			status = audit_indexer_step(&indexer, home_vault(auditing.home), auditing.view, &more, &error);
		exit_status = tell(status, line);
	}
	end(&auditing);
	return exit_status;
}
