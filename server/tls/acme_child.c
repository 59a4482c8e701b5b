#include "server/tls/acme_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GRACE_MS = 2000, CANNOT_EXECUTE = 127 };

struct child {
	const struct acme_child_options *options;
	pid_t pid;
	int pid_fd, output_fd;
	unsigned lines;
	size_t used;
	char line[ACME_CHILD_LINE_MAX + 1];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- its start --------------------------------------------------------------------------------------------------- */

/* In the child, where nothing but what a signal handler may do is allowed. */
_Noreturn static void become(const struct acme_child_options *options, pid_t parent, int output_fd)
{
	const int nothing = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	if (setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && nothing >= 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
	    dup2(output_fd, STDOUT_FILENO) >= 0 && dup2(output_fd, STDERR_FILENO) >= 0 &&
	    close_range(STDERR_FILENO + 1, ~0U, 0) == 0 && chdir("/") == 0 && signal(SIGPIPE, SIG_DFL) != SIG_ERR &&
	    sigprocmask(SIG_SETMASK, &none, NULL) == 0) {
		umask(077);
		/* execve() changes neither list, though its type does not say so. */
		execve(options->arguments[0], (char *const *)(uintptr_t)options->arguments,
		       (char *const *)(uintptr_t)options->environment);
	}
	_exit(CANNOT_EXECUTE);
}

static bool begin(struct child *child)
{
	const pid_t parent = getpid();
	int output[2];

	if (access(child->options->arguments[0], X_OK) != 0 || pipe2(output, O_CLOEXEC) != 0)
		return false;
	child->pid = fork();
	if (child->pid == 0)
		become(child->options, parent, output[1]);
	close(output[1]);
	child->output_fd = output[0];
	if (child->pid < 0)
		return false;
	/* Here too: a kill that comes before the child has got that far must find the group. */
	(void)setpgid(child->pid, child->pid);
	child->pid_fd = pidfd_open(child->pid, 0);
	return child->pid_fd >= 0 && fcntl(child->output_fd, F_SETFL, O_NONBLOCK) == 0;
}

/* ---- what it prints ---------------------------------------------------------------------------------------------- */

static void end_line(struct child *child)
{
	child->line[child->used] = '\0';
	if (child->used > 0 && child->lines++ < ACME_CHILD_LINES_MAX)
		child->options->line(child->options->arg, child->line);
	child->used = 0;
}

/* False at the end. */
static bool hear(struct child *child)
{
	char bytes[4096];
	const ssize_t size = read(child->output_fd, bytes, sizeof(bytes));

	for (ssize_t i = 0; i < size; i++) {
		if (bytes[i] == '\n')
			end_line(child);
		else if (child->used < ACME_CHILD_LINE_MAX)
			child->line[child->used++] = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : ' ';
	}
	return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

/* What is in the pipe now: those that it has left behind do not count. */
static void hear_rest(struct child *child)
{
	struct pollfd fd = {.fd = child->output_fd, .events = POLLIN};

	for (unsigned i = 0; i < ACME_CHILD_LINES_MAX && poll(&fd, 1, 0) > 0 && hear(child); i++)
		continue;
	end_line(child);
}

/* ---- its end ----------------------------------------------------------------------------------------------------- */

static bool ended(const struct child *child, int wait_ms)
{
	struct pollfd fd = {.fd = child->pid_fd, .events = POLLIN};

	return poll(&fd, 1, wait_ms) > 0;
}

/* True once it has ended by itself; else *ret_end says why it must. */
static bool watch(struct child *child, enum acme_child_end *ret_end)
{
	const int64_t until = now_ms() + child->options->limit_ms;
	struct pollfd fds[] = {{.fd = child->pid_fd, .events = POLLIN},
			       {.fd = child->options->stop_fd, .events = POLLIN},
			       {.fd = child->output_fd, .events = POLLIN}};

	for (;;) {
		const int64_t left = until - now_ms();

		if (left <= 0) {
			*ret_end = ACME_CHILD_TOO_LONG;
			return false;
		}
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), left < 60000 ? (int)left : 60000) <= 0)
			continue;
		if (fds[1].revents) {
			*ret_end = ACME_CHILD_STOPPED;
			return false;
		}
		if (fds[2].revents && !hear(child))
			fds[2].fd = -1; /* it has closed its output, and may go on */
		if (fds[0].revents)
			return true;
	}
}

/* Its number, and with it the group's, stays taken until it is waited for. */
static int reap(const struct child *child)
{
	int status = 0;

	(void)kill(-child->pid, SIGKILL);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

enum acme_child_end acme_child_run(const struct acme_child_options *options, int *ret_code)
{
	struct child child = {.options = options, .pid = -1, .pid_fd = -1, .output_fd = -1};
	enum acme_child_end end = ACME_CHILD_NEVER;
	int status = 0, saved;

	if (begin(&child)) {
		if (watch(&child, &end)) {
			end = ACME_CHILD_EXITED;
		} else {
			(void)kill(-child.pid, SIGTERM);
			(void)ended(&child, GRACE_MS);
		}
		hear_rest(&child);
	}
	saved = errno;
	if (child.pid > 0)
		status = reap(&child);
	if (child.pid_fd >= 0)
		close(child.pid_fd);
	if (child.output_fd >= 0)
		close(child.output_fd);
	errno = saved;
	if (end == ACME_CHILD_EXITED && WIFSIGNALED(status))
		end = ACME_CHILD_KILLED;
	*ret_code = end == ACME_CHILD_KILLED ? WTERMSIG(status) : WEXITSTATUS(status);
	return end;
}
