#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/cli/child.h"
#include "server/cli/trust_store.h"
#include "server/core/files.h"

static const char DIRECTORY[] = "/usr/local/share/ca-certificates";

enum { PATH_SIZE = 80 };

static void path_of(const struct trust *trust, char ret_path[static PATH_SIZE])
{
	snprintf(ret_path, PATH_SIZE, "%s/coffer-%s.crt", DIRECTORY, trust->id);
}

static bool complain(const char *text)
{
	fprintf(stderr, "coffer: the system's store: %s\n", text);
	return false;
}

static bool may_write(void)
{
	if (access(DIRECTORY, F_OK) != 0)
		return complain("there is no /usr/local/share/ca-certificates: install the package ca-certificates");
	if (access(DIRECTORY, W_OK) != 0)
		return complain("only root can change it: run this by sudo, or with --nss for your browsers alone");
	return true;
}

/* Links to what is gone are left behind unless all are made anew. */
static bool update(bool removed)
{
	const char *const argv[] = {"update-ca-certificates", removed ? "--fresh" : NULL, NULL};
	const int status = child_run(argv, true);

	if (status == CHILD_MISSING)
		return complain("there is no update-ca-certificates: install the package ca-certificates");
	return status == 0 ? true : complain("update-ca-certificates has failed: run it to see why");
}

bool trust_system_install(const struct trust *trust)
{
	char path[PATH_SIZE], error[256];

	path_of(trust, path);
	if (!may_write())
		return false;
	if (files_write(path, 0644, trust->pem, strlen(trust->pem), &(struct files_error){error, sizeof(error)}) !=
	    CORE_OK)
		return complain(error);
	if (!update(false))
		return false;
	printf("the system's store: trusts it now, by %s\n", path);
	return true;
}

bool trust_system_remove(const struct trust *trust)
{
	char path[PATH_SIZE];

	path_of(trust, path);
	if (access(path, F_OK) != 0) {
		puts("the system's store: does not have it");
		return true;
	}
	if (!may_write())
		return false;
	if (unlink(path) != 0)
		return complain(strerror(errno));
	if (!update(true))
		return false;
	puts("the system's store: does not trust it any more");
	return true;
}
