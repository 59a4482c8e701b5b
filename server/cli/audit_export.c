/* coffer audit export. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "server/cli/audit.h"
#include "server/core/audit_read.h"
#include "server/core/audit_text.h"

enum { FOLLOW_MS = 500 };

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static bool print_event(void *arg, uint64_t sequence, const struct audit_event *event, const uint8_t hash[static 32])
{
	struct json *doc = json_new();
	char *text;
	size_t size;
	bool *failed = arg;

	audit_text_members(doc, sequence, event, hash);
	text = json_print(doc, &size);
	json_free(doc);
	*failed = !text || puts(text) < 0;
	free(text);
	return !*failed && !stopped;
}

int audit_export(const struct auditing *auditing, uint64_t after, bool follow)
{
	const struct timespec pause = {.tv_nsec = FOLLOW_MS * 1000000L};
	const struct sigaction action = {.sa_handler = on_signal};
	bool failed = false;

	if (follow) {
		sigaction(SIGINT, &action, NULL);
		sigaction(SIGTERM, &action, NULL);
	}
	for (;;) {
		const uint64_t before = after;
		const enum core_status status = audit_read(auditing->view, home_vault(auditing->home), &after,
							   AUDIT_PAGE, print_event, &failed);

		if (status != CORE_OK) {
			fprintf(stderr,
				"coffer: the audit log does not verify behind event %" PRIu64
				": coffer audit verify tells\n",
				after);
			return status == CORE_DAMAGED ? 1 : 2;
		}
		if (failed || fflush(stdout) != 0) {
			fputs("coffer: cannot write\n", stderr);
			return 2;
		}
		if (stopped || (after == before && !follow))
			return 0;
		if (after == before)
			(void)nanosleep(&pause, NULL); /* a signal ends it early */
	}
}
