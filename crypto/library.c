#include "crypto/library.h"

#include <nettle/version.h>
#include <stdio.h>

void crypto_library(char ret_built[static 32], char ret_runs[static 32])
{
	snprintf(ret_built, 32, "%d.%d", NETTLE_VERSION_MAJOR, NETTLE_VERSION_MINOR);
	snprintf(ret_runs, 32, "%d.%d", nettle_version_major(), nettle_version_minor());
}
