/*
 * coffer acme-hook METHOD TYPE NAME TOKEN PROOF: what uacme runs for each challenge, under the name coffer-acme-hook.
 * Not for people: help does not list it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/commands.h"
#include "server/tls/acme_challenge.h"

enum { DONE = 0, DECLINED = 1, FAILED = 2 };

int command_acme_hook(int argc, char **argv)
{
	const char *directory = getenv("COFFER_ACME_CHALLENGES");
	struct acme_challenge challenge = {.token = NULL};
	bool good = false;

	if (!directory || directory[0] != '/') {
		fputs("coffer acme-hook: only coffer serve runs this\n", stderr);
		return FAILED;
	}
	switch (acme_challenge_parse(argc - 1, argv + 1, &challenge)) {
	case ACME_CHALLENGE_BEGIN:
		good = acme_challenge_put(directory, &challenge);
		break;
	case ACME_CHALLENGE_END:
		good = acme_challenge_remove(directory, challenge.token);
		break;
	case ACME_CHALLENGE_DECLINE:
		return DECLINED;
	case ACME_CHALLENGE_BAD:
		fputs("coffer acme-hook: this is no challenge\n", stderr);
		return FAILED;
	}
	if (!good)
		fprintf(stderr, "coffer acme-hook: cannot write in %s: %s\n", directory, strerror(errno));
	return good ? DONE : FAILED;
}
