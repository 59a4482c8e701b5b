/* coffer trust: prints the local CA and what to do with it, or makes this machine trust it, or undoes that. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/secret.h"
#include "server/cli/arguments.h"
#include "server/cli/commands.h"
#include "server/cli/trust_store.h"
#include "server/core/files.h"
#include "server/tls/local_ca.h"

enum { OPTION_INSTALL, OPTION_REMOVE, OPTION_SYSTEM, OPTION_NSS, OPTION_DATA, OPTION_CA, OPTION_COUNT };

static const struct argument OPTIONS[] = {
	[OPTION_INSTALL] = {.name = "install", .help = "make this machine trust it"},
	[OPTION_REMOVE] = {.name = "remove", .help = "undo that"},
	[OPTION_SYSTEM] = {.name = "system", .help = "in the system's store alone, which curl reads; takes root"},
	[OPTION_NSS] = {.name = "nss", .help = "in those of Chromium and Firefox alone, below HOME; takes certutil"},
	[OPTION_DATA] = {.name = "data", .value = "DIR", .help = "the server's data directory; default ./coffer-data"},
	[OPTION_CA] = {.name = "ca", .value = "FILE", .help = "a copy of its tls/ca.pem, on another machine"},
};
_Static_assert(sizeof(OPTIONS) / sizeof(OPTIONS[0]) == OPTION_COUNT, "each option has one row");

static const struct arguments ARGUMENTS = {
	.usage = "coffer trust [--install | --remove] [--system] [--nss] [--data DIR | --ca FILE]",
	.about = "Prints the certificate of the local CA, which vouches for a server without one of its own, and what\n"
		 "to do with it; or makes this machine trust it. Without --system and --nss it does both.",
	.table = OPTIONS,
	.count = OPTION_COUNT,
};

static const struct {
	unsigned option;
	bool (*install)(const struct trust *trust);
	bool (*remove)(const struct trust *trust);
} STORES[] = {
	{.option = OPTION_SYSTEM, .install = trust_system_install, .remove = trust_system_remove},
	{.option = OPTION_NSS, .install = trust_nss_install, .remove = trust_nss_remove},
};
enum { STORE_COUNT = sizeof(STORES) / sizeof(STORES[0]) };

static void print(const struct trust *trust)
{
	const time_t until = (time_t)trust->ca.not_after;
	struct tm parts;
	char date[32] = "";

	if (gmtime_r(&until, &parts))
		strftime(date, sizeof(date), "%Y-%m-%d", &parts);
	printf("%s, until %s\n"
	       "SHA-256 %s\n"
	       "in %s\n\n"
	       "Whoever trusts it believes every certificate that it signs. Compare the fingerprint with what the\n"
	       "server printed when it started, if this file came over a network. Then:\n\n"
	       "this machine   coffer trust --install --ca FILE, as root for curl (--system), as yourself for your\n"
	       "               browsers (--nss); coffer trust --remove undoes it\n"
	       "one curl       --cacert FILE\n"
	       "Firefox        Settings, Certificates, Authorities, Import; for websites\n"
	       "macOS          security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db FILE\n"
	       "Windows        certutil -user -addstore Root FILE\n\n"
	       "%s",
	       trust->ca.subject, date, trust->ca.fingerprint, trust->path, trust->pem);
}

static bool change(const struct trust *trust, const char *const *values)
{
	const bool all = !values[OPTION_SYSTEM] && !values[OPTION_NSS];
	bool good = true;

	for (size_t i = 0; i < STORE_COUNT; i++)
		if (all || values[STORES[i].option])
			good = (values[OPTION_INSTALL] ? STORES[i].install : STORES[i].remove)(trust) && good;
	return good;
}

/* The first eight digits, in lower case. */
static void name(struct trust *trust)
{
	size_t used = 0;

	for (const char *at = trust->ca.fingerprint; used < sizeof(trust->id) - 1; at++)
		if (*at != ':')
			trust->id[used++] = (char)tolower((unsigned char)*at);
	trust->id[used] = '\0';
}

static int complain(const char *path, const char *text)
{
	fprintf(stderr, "coffer: %s%s%s\n", path, *path ? ": " : "", text);
	return 1;
}

static int act(const char *path, const char *const *values)
{
	struct trust trust = {.path = path};
	char error[PATH_MAX + 256];
	char *pem = NULL;
	size_t size = 0;
	enum core_status status = files_read(path, false, &pem, &size, &(struct files_error){error, sizeof(error)});
	int exit_status = 0;

	if (status == CORE_NOT_FOUND)
		return complain(path,
				"there is no such file: a server without --tls-cert makes it when it first starts "
				"(--data names its directory)");
	if (status != CORE_OK)
		return complain("", error);
	trust.pem = pem;
	if (tls_ca_read(pem, &trust.ca) != TLS_OK) {
		exit_status = complain(path, "this is not the certificate of one CA");
	} else {
		name(&trust);
		if (values[OPTION_INSTALL] || values[OPTION_REMOVE])
			exit_status = change(&trust, values) ? 0 : 1;
		else
			print(&trust);
	}
	secret_free(pem, size + 1);
	return exit_status;
}

int command_trust(int argc, char **argv)
{
	const char *values[OPTION_COUNT] = {NULL};
	const enum arguments_status parsed = arguments_parse(&ARGUMENTS, argc, argv, values, stdout, stderr);
	char path[PATH_MAX], whole[PATH_MAX];

	if (parsed != ARGUMENTS_OK)
		return parsed == ARGUMENTS_HELP ? 0 : 2;
	if ((values[OPTION_INSTALL] && values[OPTION_REMOVE]) || (values[OPTION_DATA] && values[OPTION_CA])) {
		complain("", "of --install and --remove, and of --data and --ca, one at a time");
		return 2;
	}
	if (values[OPTION_CA])
		snprintf(path, sizeof(path), "%s", values[OPTION_CA]);
	else
		snprintf(path, sizeof(path), "%s/tls/ca.pem", arguments_data(values[OPTION_DATA]));
	return act(realpath(path, whole) ? whole : path, values);
}
