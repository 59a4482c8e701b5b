/* Programs that a command runs for itself: no shell, no standard input. */
#ifndef COFFER_CLI_CHILD_H
#define COFFER_CLI_CHILD_H

#include <stdbool.h>

enum {
	CHILD_MISSING = -1, /* there is no such program on the PATH, or in /usr/sbin */
	CHILD_FAILED = -2,  /* it could not be run, or was killed */
};

/*
 * Runs argv (ended by NULL) and waits for it: its exit status, or one of the above. What it prints goes to standard
 * error, or nowhere when `quiet`.
 */
__attribute__((warn_unused_result)) int child_run(const char *const argv[], bool quiet);

#endif
