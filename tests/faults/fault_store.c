/*
 * fault_store: runs a workload of records over a VFS that fails, kills or cuts the power at its n-th write, sync or
 * truncate, for n = 0, 1, 2, … until the workload ends before the fault. After each accident the store is opened
 * without faults, and must have kept its promises.
 *
 * fault_store [--stride N] [--from N] [--mode NAME] [--at N] [--no-sync] [--must-fail] [--verbose]
 *
 * --no-sync takes the disk's promise away: syncs do nothing. --must-fail: the status is 0 only if a promise was broken,
 * so that a disk that lies shows that the test would notice.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/faults/fault_promises.h"
#include "tests/faults/fault_run.h"
#include "tests/faults/fault_vfs.h"
#include "tests/faults/fault_work.h"

enum { RUN_SECONDS = 30 };

/* Accidents, each tried at every n. */
static const struct mode {
	const char *name;
	enum fault_kind kind;
	bool lasting;
	enum fault_keep keep;
	enum fault_ending ending;
} MODES[] = {
	{.name = "eio-once", .kind = FAULT_EIO},
	{.name = "eio-lasting", .kind = FAULT_EIO, .lasting = true},
	{.name = "full-once", .kind = FAULT_FULL},
	{.name = "full-lasting", .kind = FAULT_FULL, .lasting = true},
	{.name = "kill", .kind = FAULT_KILL},
	{.name = "tear", .kind = FAULT_TEAR},
	{.name = "cut-none", .kind = FAULT_CUT, .keep = FAULT_KEEP_NONE},
	{.name = "cut-some", .kind = FAULT_CUT, .keep = FAULT_KEEP_SOME},
	{.name = "cut-all", .kind = FAULT_CUT, .keep = FAULT_KEEP_ALL},
	{.name = "eio-then-kill", .kind = FAULT_EIO, .ending = FAULT_THEN_KILL},
	{.name = "eio-then-cut", .kind = FAULT_EIO, .ending = FAULT_THEN_CUT, .keep = FAULT_KEEP_NONE},
	{.name = "eio-then-cut-some", .kind = FAULT_EIO, .ending = FAULT_THEN_CUT, .keep = FAULT_KEEP_SOME},
};

static struct fault_run run;

/* The exit status of a process that runs one of the two. */
static int in_child(const struct mode *mode, const struct fault_plan *plan)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	fault_run_must(child >= 0, "fork");
	if (child == 0) {
		alarm(RUN_SECONDS);
		exit(plan ? fault_work_run(&run, plan, mode->ending) : fault_promises_check(&run));
	}
	fault_run_must(waitpid(child, &status, 0) == child, "waitpid");
	if (WIFSIGNALED(status))
		snprintf(run.ledger->broken, sizeof(run.ledger->broken), "%s ended by signal %d",
			 plan ? "the store" : "the check", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* False when a promise was broken. *ret_hit: the workload was long enough for the fault to happen. */
static bool try_at(const struct mode *mode, uint64_t at, bool no_sync, bool *ret_hit)
{
	struct fault_plan plan = {.kind = mode->kind,
				  .lasting = mode->lasting,
				  .at = at,
				  .seed = at,
				  .keep = mode->keep,
				  .no_sync = no_sync,
				  .hit = &run.ledger->hit};
	int status;

	fault_run_reset(&run);
	status = in_child(mode, &plan);
	if (!run.ledger->broken[0] && status != 0 && status != FAULT_EXIT)
		fault_run_broken(&run, "the store's process ended badly", -1, (unsigned)status);
	if (!run.ledger->broken[0] && in_child(NULL, NULL) != 0 && !run.ledger->broken[0])
		fault_run_broken(&run, "the check ended badly", -1, 0);
	*ret_hit = run.ledger->hit;
	if (run.verbose)
		fprintf(stderr, "  %" PRIu64 " acknowledged, %" PRIu64 " unknown, %" PRIu64 " refused\n",
			run.ledger->acknowledged, run.ledger->unknown, run.ledger->refused);
	if (!run.ledger->broken[0])
		return true;
	printf("FAILED --mode %s --at %" PRIu64 "%s: %s\n", mode->name, at, no_sync ? " --no-sync" : "",
	       run.ledger->broken);
	return false;
}

struct options {
	const char *mode;
	uint64_t stride, from, at;
	bool one, no_sync, must_fail;
};

static bool run_mode(const struct mode *mode, const struct options *options)
{
	uint64_t runs = 0, failed = 0, unknown = 0;
	uint64_t at = options->one ? options->at : options->from;

	for (bool hit = true; hit; at += options->stride) {
		failed += !try_at(mode, at, options->no_sync, &hit);
		runs++;
		unknown += run.ledger->unknown;
		if (options->one)
			break;
	}
	printf("%-18s %4" PRIu64 " runs, last n %" PRIu64 ", %" PRIu64 " outcomes unknown, %" PRIu64 " failed\n",
	       mode->name, runs, options->one ? at : at - options->stride, unknown, failed);
	fflush(stdout);
	return failed == 0;
}

static bool parse(int argc, char **argv, struct options *ret_options)
{
	static const struct option OPTIONS[] = {
		{"stride", required_argument, NULL, 's'}, {"from", required_argument, NULL, 'f'},
		{"mode", required_argument, NULL, 'm'},	  {"at", required_argument, NULL, 'a'},
		{"no-sync", no_argument, NULL, 'n'},	  {"must-fail", no_argument, NULL, 'l'},
		{"verbose", no_argument, NULL, 'v'},	  {NULL, 0, NULL, 0},
	};

	*ret_options = (struct options){.stride = 1};
	for (int c; (c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
		switch (c) {
		case 's':
			ret_options->stride = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			ret_options->from = strtoull(optarg, NULL, 10);
			break;
		case 'm':
			ret_options->mode = optarg;
			break;
		case 'a':
			ret_options->at = strtoull(optarg, NULL, 10);
			ret_options->one = true;
			break;
		case 'n':
			ret_options->no_sync = true;
			break;
		case 'l':
			ret_options->must_fail = true;
			break;
		case 'v':
			run.verbose = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc && ret_options->stride > 0;
}

int main(int argc, char **argv)
{
	struct options options;
	bool good = true, any = false;

	if (!parse(argc, argv, &options)) {
		fputs("usage: fault_store [--stride N] [--from N] [--mode NAME] [--at N] [--no-sync] [--must-fail] "
		      "[--verbose]\n",
		      stderr);
		return 2;
	}
	fault_vfs_install();
	fault_run_init(&run);
	for (size_t i = 0; i < sizeof(MODES) / sizeof(MODES[0]); i++) {
		if (options.mode && strcmp(options.mode, MODES[i].name) != 0)
			continue;
		any = true;
		good = run_mode(&MODES[i], &options) && good;
	}
	fault_run_done(&run);
	fault_run_must(any, "no such mode");
	return good == !options.must_fail ? 0 : 1;
}
