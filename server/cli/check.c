#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/encode.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/harden.h"
#include "server/cli/progress.h"
#include "server/cli/unlock.h"
#include "server/core/check.h"
#include "server/core/home.h"
#include "server/core/keyring.h"

enum { EXIT_WHOLE = 0, EXIT_FAULTS = 1, EXIT_UNCHECKED = 2, THREADS_MAX = 256 };

enum { OPTION_DATA, OPTION_THREADS, OPTION_NO_AUDIT, OPTION_PASSPHRASE_FILE, OPTION_CREDENTIAL_FILE, OPTION_COUNT };

static const struct argument OPTIONS[] = {
	[OPTION_DATA] = {.name = "data",
			 .value = "DIR",
			 .help = "the data directory; else COFFER_DATA, else ./coffer-data"},
	[OPTION_THREADS] = {.name = "threads", .value = "N", .help = "1 to 256; else one a core"},
	[OPTION_NO_AUDIT] = {.name = "no-audit", .help = "leave the audit log out"},
	[OPTION_PASSPHRASE_FILE] = {.name = "passphrase-file",
				    .value = "FILE",
				    .help = "unlocks the private KEK; else it is asked for, when one is needed"},
	[OPTION_CREDENTIAL_FILE] = {.name = "credential-file", .value = "FILE", .help = "unlocks it too"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer check [--data DIR] [--threads N] [--no-audit] [--passphrase-file FILE | --credential-file "
		 "FILE]",
	.about = "Reads all that is stored and verifies it: the database file, row MACs, wraps, keys, metadata, every\n"
		 "chunk of every version, and the audit log. Writes nothing; a server may run on DIR meanwhile.\n"
		 "A line on standard output for each fault, and one that sums up.\n"
		 "Exit status: 0 when all is whole, 1 when there are faults, 2 when it could not be checked.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
};

struct checking {
	struct progress progress;
	struct check_totals totals;
	int64_t start_ms;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The signals that end the check are blocked, and stay pending: nothing but this looks at them. */
static void hold_signals(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
}

static bool stopped(void *arg)
{
	sigset_t pending;

	(void)arg;
	return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM));
}

/* ---- what is said ----------------------------------------------------------------------------------------------- */

/* " 3", " 3-7", or nothing for 0. */
static void print_range(const char *one, const char *several, uint64_t first, uint64_t last)
{
	if (first == last)
		printf("%s %" PRIu64, one, first);
	else
		printf("%s %" PRIu64 "-%" PRIu64, several, first, last);
}

static void print_id(const char *what, const uint8_t id[static 16])
{
	static const uint8_t none[16];
	char text[ENCODE_UUID_CHARS + 1];

	encode_uuid(id, text);
	printf("%s%s%s", what, memcmp(id, none, sizeof(none)) == 0 ? "" : " ",
	       memcmp(id, none, sizeof(none)) == 0 ? "" : text);
}

static bool is_of_chunks(enum check_failure failure)
{
	return failure == CHECK_CHUNK_MISSING || failure == CHECK_CHUNK_UNREADABLE || failure == CHECK_CHUNK_LENGTH ||
	       failure == CHECK_CHUNK_TAG || failure == CHECK_CHUNK_SURPLUS;
}

static void print_subject(const struct check_fault *fault)
{
	char hex[33];

	switch (fault->subject) {
	case CHECK_RECORD:
	case CHECK_ANSWER_OF:
		print_id(fault->subject == CHECK_RECORD ? "record" : "idempotency key of record", fault->id);
		if (fault->version > 0)
			print_range(" version", " versions", fault->version, fault->version_last);
		break;
	case CHECK_ACCOUNT:
		print_id("account", fault->id);
		break;
	case CHECK_TOKEN:
		print_id("token", fault->id);
		break;
	case CHECK_DIRECTORY_KEY:
		print_id("directory key of account", fault->id);
		print_range(" change", " changes", fault->version, fault->version_last);
		break;
	case CHECK_GRANT:
		print_id("grant of record", fault->id);
		break;
	case CHECK_MESSAGE:
		print_id("message", fault->id);
		break;
	case CHECK_INVITE:
		print_id("invite", fault->id);
		break;
	case CHECK_KEK_ROW:
	case CHECK_IDENTITY:
		encode_hex(fault->id, sizeof(fault->id), hex);
		printf("%s %s...", fault->subject == CHECK_KEK_ROW ? "KEK" : "identity key", hex);
		break;
	case CHECK_EPOCH_ROW:
		print_id("epoch", fault->id);
		break;
	case CHECK_VERSION_ROW:
		printf("version row %" PRIu64, fault->version);
		break;
	case CHECK_BLOB:
		printf("blob %" PRIu64, fault->version);
		break;
	case CHECK_FILE:
		fputs("database", stdout);
		break;
	}
}

static void on_fault(void *arg, const struct check_fault *fault)
{
	struct checking *checking = arg;

	progress_hide(&checking->progress);
	print_subject(fault);
	if (is_of_chunks(fault->failure))
		print_range(": chunk", ": chunks", fault->chunk, fault->chunk_last);
	printf(": %s\n", fault->detail ? fault->detail : check_failure_text(fault->failure));
	fflush(stdout);
}

static void on_progress(void *arg, enum check_stage stage, const struct check_totals *totals, uint64_t expected)
{
	struct checking *checking = arg;
	char text[60];

	switch (stage) {
	case CHECK_STAGE_TABLES:
		progress_stage(&checking->progress, "checking the database file");
		break;
	case CHECK_STAGE_AUDIT:
		snprintf(text, sizeof(text), "checking the audit log: %" PRIu64 " events", expected);
		progress_stage(&checking->progress, text);
		break;
	case CHECK_STAGE_RECORDS:
		progress_update(&checking->progress, totals->versions, expected, now_ms());
		break;
	}
}

static void sum_up(const struct checking *checking, FILE *out, const char *what)
{
	const struct check_totals *t = &checking->totals;
	const int64_t ms = now_ms() - checking->start_ms;

	fprintf(out,
		"%s %" PRIu64 " records, %" PRIu64 " versions, %" PRIu64 " bytes in %" PRId64 ".%" PRId64
		" s; faults: %" PRIu64 "\n",
		what, t->records, t->versions, t->bytes, ms / 1000, ms % 1000 / 100, t->faults);
}

/* ---- the work --------------------------------------------------------------------------------------------------- */

/* The chain's first fault is said once the terminal's line is free. */
static enum core_status read_audit(struct checking *checking, const struct check_options *options, bool *ret_whole)
{
	char *found = NULL;
	size_t size = 0;
	FILE *report = open_memstream(&found, &size);
	enum core_status status;

	if (!report)
		return CORE_NOMEM;
	status = check_audit(options, report, &checking->totals, ret_whole);
	progress_hide(&checking->progress);
	if (fclose(report) != 0)
		status = CORE_NOMEM;
	else
		fputs(found, stdout);
	free(found);
	return status;
}

static int check(struct home *home, unsigned threads, bool audit)
{
	struct checking checking = {.start_ms = now_ms()};
	const struct check_options options = {.vault = home_vault(home),
					      .threads = threads,
					      .stop = stopped,
					      .fault = on_fault,
					      .progress = on_progress,
					      .arg = &checking};
	enum core_status status;
	bool whole = false;

	progress_init(&checking.progress, stderr, isatty(STDERR_FILENO), "versions");
	status = check_run(&options, &checking.totals, &whole);
	progress_hide(&checking.progress);
	if (status == CORE_OK && whole && audit)
		status = read_audit(&checking, &options, &whole);
	if (status == CORE_OK && !whole) {
		sum_up(&checking, stderr, "coffer: interrupted after");
		return EXIT_UNCHECKED;
	}
	if (status != CORE_OK) {
		fprintf(stderr, "coffer: the check cannot go on: %s\n",
			status == CORE_NOMEM  ? "out of memory"
			: status == CORE_BUSY ? "the database is locked"
					      : "the database cannot be read");
		sum_up(&checking, stderr, "coffer: ended after");
		return EXIT_UNCHECKED;
	}
	sum_up(&checking, stdout, "checked");
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fputs("coffer: the findings could not be written\n", stderr);
		return EXIT_UNCHECKED;
	}
	return checking.totals.faults == 0 ? EXIT_WHOLE : EXIT_FAULTS;
}

int command_check(int argc, char **argv)
{
	const char *values[OPTION_COUNT];
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	struct home_options options = {.read_only = true, .epoch_wraps = true};
	struct home *home = NULL;
	char error[4400];
	unsigned threads = 0;
	enum core_status opened;
	int exit_status = EXIT_UNCHECKED;

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : EXIT_UNCHECKED;
	if (values[OPTION_THREADS] && !arguments_number(values[OPTION_THREADS], 1, THREADS_MAX, &threads)) {
		fprintf(stderr, "coffer: --threads: expected a number from 1 to %d\n", THREADS_MAX);
		return EXIT_UNCHECKED;
	}
	harden_process();
	options.data = arguments_data(values[OPTION_DATA]);
	opened = home_open(&options, &home, error, sizeof(error));
	if (opened == CORE_DAMAGED) {
		/* Without what everything else hangs on there is no going on, but a fault it is. */
		printf("store: %s\n", error);
		return EXIT_FAULTS;
	}
	if (opened == CORE_OK &&
	    unlock_home(home, values[OPTION_PASSPHRASE_FILE], values[OPTION_CREDENTIAL_FILE], error, sizeof(error))) {
		hold_signals();
		exit_status = check(home, threads, !values[OPTION_NO_AUDIT]);
	} else {
		fprintf(stderr, "coffer: %s\n", error);
	}
	home_close(home);
	return exit_status;
}
