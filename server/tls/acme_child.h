/* A program that runs beside the service for a while, such as an ACME client: watched, limited, and gone with it. */
#ifndef COFFER_TLS_ACME_CHILD_H
#define COFFER_TLS_ACME_CHILD_H

#include <stdint.h>

enum { ACME_CHILD_LINE_MAX = 400, ACME_CHILD_LINES_MAX = 500 };

struct acme_child_options {
	const char *const *arguments; /* the first is the program's path; NULL ends them, as it does the next */
	const char *const *environment;
	int64_t limit_ms; /* then it is killed */
	int stop_fd;	  /* readable: it is killed at once */
	/*
	 * Each line of what it prints, without controls and bytes beyond ASCII; what is longer is cut, and after so
	 * many lines the others are passed over.
	 */
	void (*line)(void *arg, const char *line);
	void *arg;
};

enum acme_child_end {
	ACME_CHILD_EXITED, /* ret_code: its exit status */
	ACME_CHILD_KILLED, /* ret_code: the signal, which was not ours */
	ACME_CHILD_TOO_LONG,
	ACME_CHILD_STOPPED, /* by stop_fd */
	ACME_CHILD_NEVER,   /* it could not be started; errno */
};

/*
 * Runs it to its end, in a process group of its own, which is killed as a whole; without standard input, other
 * descriptors, capabilities that were lent to the service, or the right to read what it writes for others. It dies with
 * the calling thread.
 */
enum acme_child_end acme_child_run(const struct acme_child_options *options, int *ret_code);

#endif
