#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/cli/child.h"
#include "server/cli/trust_store.h"

/* Below $HOME: Chromium's (and Chrome's), then Firefox's profiles, by how the browser was installed. */
static const char CHROMIUM[] = "/.pki/nssdb";
static const char *const PATTERNS[] = {
	"/.pki/nssdb/cert9.db",
	"/snap/chromium/current/.pki/nssdb/cert9.db",
	"/.mozilla/firefox/*/cert9.db",
	"/.config/mozilla/firefox/*/cert9.db",
	"/snap/firefox/common/.mozilla/firefox/*/cert9.db",
	"/.var/app/org.mozilla.firefox/.mozilla/firefox/*/cert9.db",
};
enum { PATTERN_COUNT = sizeof(PATTERNS) / sizeof(PATTERNS[0]) };

struct job {
	const struct trust *trust;
	char nickname[64];
	char directory[PATH_MAX + 8]; /* the database under way, as certutil takes it */
};

static bool complain(const char *text)
{
	fprintf(stderr, "coffer: the browsers' stores: %s\n", text);
	return false;
}

static int certutil(const struct job *job, const char *const options[])
{
	const char *argv[16] = {"certutil", "-d", job->directory};
	size_t count = 3;

	while (*options && count < sizeof(argv) / sizeof(argv[0]) - 1)
		argv[count++] = *options++;
	return child_run(argv, true);
}

static bool has_it(const struct job *job)
{
	return certutil(job, (const char *const[]){"-L", "-n", job->nickname, NULL}) == 0;
}

static bool add(const struct job *job)
{
	if (certutil(job, (const char *const[]){"-A", "-n", job->nickname, "-t", "C,,", "-i", job->trust->path,
						NULL}) != 0) {
		fprintf(stderr,
			"coffer: %s: certutil cannot add to it; a database with a password of its own has to be "
			"changed in the browser\n",
			job->directory + 4);
		return false;
	}
	printf("%s: trusts it now\n", job->directory + 4);
	return true;
}

static bool take_away(const struct job *job)
{
	if (!has_it(job)) {
		printf("%s: does not have it\n", job->directory + 4);
		return true;
	}
	if (certutil(job, (const char *const[]){"-D", "-n", job->nickname, NULL}) != 0) {
		fprintf(stderr, "coffer: %s: certutil cannot delete \"%s\" from it\n", job->directory + 4,
			job->nickname);
		return false;
	}
	printf("%s: does not trust it any more\n", job->directory + 4);
	return true;
}

/* ---- databases --------------------------------------------------------------------------------------------------- */

static void set_directory(struct job *job, const char *path)
{
	snprintf(job->directory, sizeof(job->directory), "sql:%s", path);
}

/* As part of a pattern. */
static void escape(const char *text, char ret_text[static PATH_MAX])
{
	size_t used = 0;

	for (; *text && used < PATH_MAX - 2; text++) {
		if (strchr("*?[\\", *text))
			ret_text[used++] = '\\';
		ret_text[used++] = *text;
	}
	ret_text[used] = '\0';
}

/* Each database that there is; false when one failed. *ret_count: how many there are. */
static bool each(struct job *job, const char *home, bool (*change)(const struct job *), size_t *ret_count)
{
	char safe[PATH_MAX], pattern[PATH_MAX + 80];
	glob_t found = {.gl_pathc = 0};
	bool good = true;

	escape(home, safe);
	for (size_t i = 0; i < PATTERN_COUNT; i++) {
		snprintf(pattern, sizeof(pattern), "%s%s", safe, PATTERNS[i]);
		(void)glob(pattern, i ? GLOB_APPEND : 0, NULL, &found); /* what cannot be looked into has none */
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		*strrchr(found.gl_pathv[i], '/') = '\0';
		set_directory(job, found.gl_pathv[i]);
		good = change(job) && good;
	}
	*ret_count = found.gl_pathc;
	globfree(&found);
	return good;
}

static bool make_directory(const char *path)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* An empty one for Chromium, which makes it itself when it first runs. */
static bool make_database(struct job *job, const char *home)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/.pki", home);
	if (!make_directory(path))
		return complain("~/.pki cannot be made");
	snprintf(path, sizeof(path), "%s%s", home, CHROMIUM);
	if (!make_directory(path))
		return complain("~/.pki/nssdb cannot be made");
	set_directory(job, path);
	strcat(path, "/cert9.db");
	if (access(path, F_OK) == 0)
		return true;
	return certutil(job, (const char *const[]){"-N", "--empty-password", NULL}) == 0
		       ? true
		       : complain("certutil cannot make ~/.pki/nssdb");
}

/* ---- the two ----------------------------------------------------------------------------------------------------- */

static const char *begin(const struct trust *trust, struct job *ret_job)
{
	const char *home = getenv("HOME");

	if (!home || home[0] != '/' || strlen(home) > PATH_MAX / 2) {
		complain("HOME is not set to a directory");
		return NULL;
	}
	if (child_run((const char *const[]){"certutil", "-H", NULL}, true) == CHILD_MISSING) {
		complain("there is no certutil: install the package libnss3-tools");
		return NULL;
	}
	if (geteuid() == 0 && getenv("SUDO_USER"))
		fprintf(stderr,
			"coffer: these are the browsers of root, in %s: run this with --nss as yourself for yours\n",
			home);
	*ret_job = (struct job){.trust = trust};
	snprintf(ret_job->nickname, sizeof(ret_job->nickname), "coffer local CA %s", trust->id);
	return home;
}

bool trust_nss_install(const struct trust *trust)
{
	struct job job;
	const char *home = begin(trust, &job);
	size_t count;

	return home && make_database(&job, home) && each(&job, home, add, &count);
}

bool trust_nss_remove(const struct trust *trust)
{
	struct job job;
	const char *home = begin(trust, &job);
	size_t count = 0;
	bool good = home && each(&job, home, take_away, &count);

	if (good && count == 0)
		puts("the browsers' stores: there are none");
	return good;
}
