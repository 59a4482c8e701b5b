#include "server/cli/harden.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void harden_process(void)
{
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	signal(SIGPIPE, SIG_IGN);
}
