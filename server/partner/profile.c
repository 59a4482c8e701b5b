#include "server/partner/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "server/core/files.h"

static const char *const ROOMS[] = {"partners", "sessions", "seen"};

void profile_path(const struct profile *profile, const char *name, char ret_path[static PROFILE_PATH_MAX])
{
	snprintf(ret_path, PROFILE_PATH_MAX, "%s/%.250s", profile->directory, name);
}

void profile_option(const struct profile *profile, char ret_text[static PROFILE_OPTION_MAX])
{
	static const char BARE[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%";
	const char *c = profile->directory;
	size_t used;

	ret_text[0] = '\0';
	if (!profile->given)
		return;
	if (c[strspn(c, BARE)] == '\0') {
		snprintf(ret_text, PROFILE_OPTION_MAX, " --home %s", c);
		return;
	}
	used = (size_t)snprintf(ret_text, PROFILE_OPTION_MAX, " --home '");
	for (; *c && used + 8 < PROFILE_OPTION_MAX; c++)
		used += (size_t)snprintf(ret_text + used, PROFILE_OPTION_MAX - used, *c == '\'' ? "'\\''" : "%c", *c);
	snprintf(ret_text + used, PROFILE_OPTION_MAX - used, "'");
}

static bool find(const char *given, char *ret_path, size_t room)
{
	const char *home = getenv("COFFER_HOME"), *config = getenv("XDG_CONFIG_HOME"), *user = getenv("HOME");
	int size;

	if (given || (home && *home))
		size = snprintf(ret_path, room, "%s", given ? given : home);
	else if (config && config[0] == '/')
		size = snprintf(ret_path, room, "%s/coffer", config);
	else
		size = snprintf(ret_path, room, "%s/.config/coffer", user && *user ? user : ".");
	return size > 0 && size < (int)room;
}

/* Those above the profile's own are not ours: they get the usual mode. */
static bool make_parents(const char *path)
{
	char parent[PROFILE_PATH_MAX];

	snprintf(parent, sizeof(parent), "%s", path);
	for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(parent, 0755) != 0 && errno != EEXIST)
			return false;
		*slash = '/';
	}
	return true;
}

bool profile_open(const char *given, bool make, struct profile *ret_profile, struct complaint *complaint)
{
	struct files_error error = {complaint->text, sizeof(complaint->text)};
	char path[PROFILE_PATH_MAX];
	struct profile profile = {.given = given != NULL, .lock_fd = -1};
	enum core_status status;

	if (!find(given, profile.directory, sizeof(profile.directory)))
		return complain(complaint, "the path of the profile is too long");
	if (make && !make_parents(profile.directory))
		return complain(complaint, "cannot make %s: %s", profile.directory, strerror(errno));
	status = files_directory(profile.directory, make, &error);
	for (size_t i = 0; i < sizeof(ROOMS) / sizeof(ROOMS[0]) && make && status == CORE_OK; i++) {
		profile_path(&profile, ROOMS[i], path);
		status = files_directory(path, true, &error);
	}
	if (status == CORE_NOT_FOUND)
		return complain(complaint, "there is no profile in %s: coffer join makes one", profile.directory);
	*ret_profile = profile;
	return status == CORE_OK;
}

enum state_found profile_load(struct profile *profile, struct complaint *complaint)
{
	char path[PROFILE_PATH_MAX];
	char name[DIRECTORY_NAME_MAX + 1];
	struct json_doc *doc = NULL;
	enum state_found found;
	bool good;

	profile_path(profile, "profile.json", path);
	found = state_read(path, true, &doc, complaint);
	if (found != STATE_FOUND)
		return found;
	good = state_text(doc, "origin", sizeof(profile->origin) - 1, profile->origin) &&
	       state_text(doc, "name", sizeof(profile->name) - 1, profile->name) &&
	       directory_name(profile->name, name) && strcmp(name, profile->name) == 0 &&
	       state_text(doc, "key", sizeof(profile->key_file) - 1, profile->key_file) &&
	       state_bool(doc, "joined", &profile->joined);
	json_doc_free(doc);
	if (!good)
		complain(complaint, "%s is not a profile", path);
	return good ? STATE_FOUND : STATE_BROKEN;
}

bool profile_save(const struct profile *profile, struct complaint *complaint)
{
	char path[PROFILE_PATH_MAX];
	struct json *doc = json_new();

	json_text(doc, "origin", profile->origin);
	json_text(doc, "name", profile->name);
	json_text(doc, "key", profile->key_file);
	json_bool(doc, "joined", profile->joined);
	profile_path(profile, "profile.json", path);
	return state_write(path, 0600, doc, complaint);
}

bool profile_lock(struct profile *profile, struct complaint *complaint)
{
	char path[PROFILE_PATH_MAX];

	profile_path(profile, "lock", path);
	profile->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (profile->lock_fd < 0 || flock(profile->lock_fd, LOCK_EX) != 0)
		return complain(complaint, "cannot lock %s: %s", path, strerror(errno));
	return true;
}

void profile_close(struct profile *profile)
{
	if (profile->lock_fd >= 0)
		close(profile->lock_fd);
	profile->lock_fd = -1;
}

bool profile_token(const struct profile *profile, char **ret_token, size_t *ret_size, struct complaint *complaint)
{
	struct files_error error = {complaint->text, sizeof(complaint->text)};
	char path[PROFILE_PATH_MAX];
	enum core_status status;

	*ret_token = NULL;
	profile_path(profile, "token", path);
	status = files_read(path, true, ret_token, ret_size, &error);
	if (status == CORE_NOT_FOUND)
		return true;
	if (status != CORE_OK)
		return false;
	(*ret_token)[strcspn(*ret_token, "\r\n")] = '\0';
	++*ret_size;
	return true;
}

bool profile_set_token(const struct profile *profile, const char *token, struct complaint *complaint)
{
	struct files_error error = {complaint->text, sizeof(complaint->text)};
	char path[PROFILE_PATH_MAX];

	profile_path(profile, "token", path);
	if (token)
		return files_write(path, 0600, token, strlen(token), &error) == CORE_OK;
	return unlink(path) == 0 || errno == ENOENT || complain(complaint, "cannot remove %s", path);
}
