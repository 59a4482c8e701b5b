/* coffer audit archive. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "server/cli/audit.h"
#include "server/core/audit_archiver.h"
#include "server/core/audit_keeper.h"
#include "server/core/clock.h"

enum { QUEUE_DEPTH = 16, STAGE_BYTES = 65536 };

/* A store is made by coffer serve and coffer init, and by nothing else. */
static bool is_store(const char *data)
{
	char path[4096];

	return snprintf(path, sizeof(path), "%s/coffer.db", data) < (int)sizeof(path) && access(path, F_OK) == 0;
}

static int archive_all(struct auditing *auditing, int64_t before_ms)
{
	const struct vault *vault = home_vault(auditing->home);
	const struct audit_archiver_options options = {.before_ms = before_ms, .late_ms = before_ms};
	char line[1024] = "";
	struct files_error error = {line, sizeof(line)};
	enum core_status status;
	bool kept, more = true;

	/* What was cut off must not be taken for the end. */
	status = audit_keeper_check(auditing->home, auditing->view, &kept, line, sizeof(line));
	while (status == CORE_OK && more)
		status = audit_archiver_step(vault, auditing->view, &options, &more, &error);
	if (status != CORE_OK)
		fprintf(stderr, "coffer: %s\n", line);
	return status == CORE_OK ? 0 : status == CORE_DAMAGED ? 1 : 2;
}

int audit_archive(const char *data, const char *before)
{
	const struct home_options options = {
		.data = data, .ingest_only = true, .store = {.queue_depth = QUEUE_DEPTH, .stage_bytes = STAGE_BYTES}};
	struct auditing auditing = {.home = NULL};
	char error[1024];
	int64_t before_ms;
	int status = 2;

	if (!before || !clock_parse_rfc3339(before, &before_ms)) {
		fputs("coffer: --before must be a time in UTC, as 2026-01-31T12:00:00Z\n", stderr);
		return 2;
	}
	if (!is_store(data)) {
		fprintf(stderr, "coffer: there is no store in %s\n", data);
		return 2;
	}
	if (home_open(&options, &auditing.home, error, sizeof(error)) != CORE_OK)
		fprintf(stderr, "coffer: %s\n", error);
	else if (store_view_new(home_vault(auditing.home)->store, &auditing.view) != STORE_OK)
		fputs("coffer: the audit log cannot be read\n", stderr);
	else
		status = archive_all(&auditing, before_ms);
	store_view_free(auditing.view);
	home_close(auditing.home);
	return status;
}
