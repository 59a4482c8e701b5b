#include "server/cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn(const char *path, const char *const argv[], const posix_spawn_file_actions_t *actions, pid_t *ret_pid)
{
	/* The texts are not written to, though the type does not say so. */
	return posix_spawnp(ret_pid, path, actions, NULL, (char *const *)(uintptr_t)argv, environ);
}

static bool arrange(posix_spawn_file_actions_t *actions, bool quiet)
{
	if (posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0)
		return false;
	if (!quiet)
		return posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO) == 0;
	return posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
	       posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO) == 0;
}

int child_run(const char *const argv[], bool quiet)
{
	posix_spawn_file_actions_t actions;
	char path[PATH_MAX];
	int failed = ENOMEM, status = 0;
	pid_t pid = -1;

	fflush(NULL);
	if (posix_spawn_file_actions_init(&actions) != 0)
		return CHILD_FAILED;
	if (arrange(&actions, quiet))
		failed = spawn(argv[0], argv, &actions, &pid);
	/* Users other than root often have no PATH to there. */
	if (failed == ENOENT && snprintf(path, sizeof(path), "/usr/sbin/%s", argv[0]) < (int)sizeof(path))
		failed = spawn(path, argv, &actions, &pid);
	posix_spawn_file_actions_destroy(&actions);
	if (failed)
		return failed == ENOENT ? CHILD_MISSING : CHILD_FAILED;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return CHILD_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_FAILED;
}
