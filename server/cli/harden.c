#include "server/cli/harden.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Whoever may make a core all the same, as root may, gets none of the heaps and stacks: gcore heeds this as well. */
static void empty_cores(void)
{
	const int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
	ssize_t written;

	if (fd < 0)
		return; /* no /proc: the other measures stand */
	written = write(fd, "0", 1);
	(void)written;
	close(fd);
}

void harden_process(void)
{
	empty_cores(); /* before /proc/self belongs to root */
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	signal(SIGPIPE, SIG_IGN);
}
