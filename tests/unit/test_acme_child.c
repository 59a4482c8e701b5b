#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/tls/acme_child.h"

struct heard {
	unsigned lines;
	char all[4096];
	int stop_fd; /* told of the first line, when it is one */
};

static void hear(void *arg, const char *line)
{
	struct heard *heard = arg;
	const size_t used = strlen(heard->all);
	const uint64_t one = 1;

	cr_assert_leq(strlen(line), ACME_CHILD_LINE_MAX);
	heard->lines++;
	snprintf(heard->all + used, sizeof(heard->all) - used, "%s\n", line);
	if (heard->stop_fd >= 0)
		cr_assert_eq(write(heard->stop_fd, &one, sizeof(one)), sizeof(one));
}

static enum acme_child_end shell(const char *script, int64_t limit_ms, struct heard *heard, int *ret_code)
{
	const char *const arguments[] = {"/bin/sh", "-c", script, "sh", NULL};
	const char *const environment[] = {"PATH=/usr/bin:/bin", "ONLY=this", NULL};

	return acme_child_run(&(struct acme_child_options){.arguments = arguments,
							   .environment = environment,
							   .limit_ms = limit_ms,
							   .stop_fd = heard->stop_fd,
							   .line = hear,
							   .arg = heard},
			      ret_code);
}

#define HEARD                 \
	{                     \
		.stop_fd = -1 \
	}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_gone(const char *text)
{
	const pid_t pid = (pid_t)strtol(text, NULL, 10);
	const double end = seconds() + 10;

	cr_assert_gt(pid, 1);
	while (kill(pid, 0) == 0 && seconds() < end)
		usleep(10000);
	return kill(pid, 0) != 0 && errno == ESRCH;
}

Test(acme_child, its_exit_status_and_its_lines_are_told)
{
	struct heard heard = HEARD;
	int code = -1;

	cr_expect_eq(shell("echo one; echo two >&2; printf three; exit 7", 20000, &heard, &code), ACME_CHILD_EXITED);
	cr_expect_eq(code, 7);
	cr_expect_str_eq(heard.all, "one\ntwo\nthree\n");
	cr_expect_eq(shell("exit 0", 20000, &heard, &code), ACME_CHILD_EXITED);
	cr_expect_eq(code, 0);
}

Test(acme_child, it_gets_its_environment_and_nothing_else)
{
	struct heard heard = HEARD;
	int code, leaked;
	char script[256];

	leaked = dup(STDERR_FILENO); /* without O_CLOEXEC */
	cr_assert_geq(leaked, 3);
	setenv("SECRET", "x", 1);
	snprintf(script, sizeof(script),
		 "env | grep -c SECRET; echo $ONLY; read x || echo end; test -e /proc/self/fd/%d || echo none; pwd; "
		 "umask",
		 leaked);
	cr_expect_eq(shell(script, 20000, &heard, &code), ACME_CHILD_EXITED);
	cr_expect_str_eq(heard.all, "0\nthis\nend\nnone\n/\n0077\n");
	close(leaked);
}

Test(acme_child, signals_that_are_blocked_here_are_not_blocked_there)
{
	struct heard heard = HEARD;
	sigset_t set;
	int code = 0;

	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	cr_expect_eq(shell("kill -TERM $$; sleep 30", 20000, &heard, &code), ACME_CHILD_KILLED);
	cr_expect_eq(code, SIGTERM);
	cr_expect_eq(shell("kill -PIPE $$; sleep 30", 20000, &heard, &code), ACME_CHILD_KILLED);
	cr_expect_eq(code, SIGPIPE);
}

Test(acme_child, lines_are_cleaned_cut_and_counted)
{
	struct heard heard = HEARD;
	int code;

	cr_expect_eq(shell("printf 'a\\033[2Jb\\tc\\200d\\n\\n'", 20000, &heard, &code), ACME_CHILD_EXITED);
	cr_expect_str_eq(heard.all, "a [2Jb c d\n");
	heard = (struct heard)HEARD;
	cr_expect_eq(shell("head -c 100000 /dev/zero | tr '\\0' x", 20000, &heard, &code), ACME_CHILD_EXITED);
	cr_expect_eq(heard.lines, 1);
	cr_expect_eq(strlen(heard.all), ACME_CHILD_LINE_MAX + 1);
	heard = (struct heard)HEARD;
	cr_expect_eq(shell("i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done", 20000, &heard, &code),
		     ACME_CHILD_EXITED);
	cr_expect_eq(heard.lines, ACME_CHILD_LINES_MAX);
}

/* Runs what prints the number of a process that it has begun, which must be gone in the end. Returns how long it took.
 */
static double run_with_another(const char *script, int64_t limit_ms, enum acme_child_end end)
{
	struct heard heard = HEARD;
	const double begun = seconds();
	double took;
	int code;

	cr_expect_eq(shell(script, limit_ms, &heard, &code), end);
	took = seconds() - begun;
	cr_expect(is_gone(heard.all));
	return took;
}

Test(acme_child, who_takes_too_long_is_ended_with_all_that_it_began)
{
	cr_expect_lt(run_with_another("sleep 60 & echo $!; wait", 300, ACME_CHILD_TOO_LONG), 10);
}

Test(acme_child, who_does_not_listen_is_killed)
{
	const char *const deaf = "trap '' TERM; sleep 60 & echo $!; while :; do wait; done";
	const double took = run_with_another(deaf, 300, ACME_CHILD_TOO_LONG);

	cr_expect_gt(took, 2);
	cr_expect_lt(took, 20);
}

Test(acme_child, it_is_stopped_at_once)
{
	struct heard heard = {.stop_fd = eventfd(0, EFD_CLOEXEC)};
	const double begun = seconds();
	int code;

	cr_expect_eq(shell("echo $$; exec sleep 60", 60000, &heard, &code), ACME_CHILD_STOPPED);
	cr_expect_lt(seconds() - begun, 10);
	cr_expect(is_gone(heard.all));
	close(heard.stop_fd);
}

Test(acme_child, what_it_leaves_behind_is_ended_and_does_not_delay)
{
	cr_expect_lt(run_with_another("sleep 60 & echo $!", 60000, ACME_CHILD_EXITED), 10);
}

Test(acme_child, one_that_closes_its_output_is_waited_for)
{
	struct heard heard = HEARD;
	int code = 0;

	cr_expect_eq(shell("exec >&- 2>&-; sleep 0.3; exit 3", 20000, &heard, &code), ACME_CHILD_EXITED);
	cr_expect_eq(code, 3);
}

static void pass_on(void *arg, const char *line)
{
	cr_assert_eq(write(*(int *)arg, line, strlen(line)), (ssize_t)strlen(line));
}

Test(acme_child, it_dies_with_who_runs_it)
{
	const char *const arguments[] = {"/bin/sh", "-c", "echo $$; exec sleep 60", NULL}, *const none[] = {NULL};
	char text[32] = "";
	int pipe_fds[2], code;
	pid_t runner;

	cr_assert_eq(pipe(pipe_fds), 0);
	runner = fork();
	if (runner == 0) {
		acme_child_run(&(struct acme_child_options){.arguments = arguments,
							    .environment = none,
							    .limit_ms = 60000,
							    .stop_fd = -1,
							    .line = pass_on,
							    .arg = &pipe_fds[1]},
			       &code);
		_exit(1);
	}
	close(pipe_fds[1]);
	cr_assert_gt(read(pipe_fds[0], text, sizeof(text) - 1), 0);
	cr_assert_eq(kill(runner, SIGKILL), 0);
	cr_assert_eq(waitpid(runner, NULL, 0), runner);
	cr_expect(is_gone(text));
}

Test(acme_child, what_cannot_be_run_is_told)
{
	const char *const arguments[] = {"/nonexistent/uacme", NULL}, *const none[] = {NULL};
	struct heard heard = HEARD;
	int code;

	errno = 0;
	cr_expect_eq(acme_child_run(&(struct acme_child_options){.arguments = arguments,
								 .environment = none,
								 .limit_ms = 1000,
								 .stop_fd = -1,
								 .line = hear,
								 .arg = &heard},
				    &code),
		     ACME_CHILD_NEVER);
	cr_expect_eq(errno, ENOENT);
}
