/* Who can enter the data directory, and who can read and write what is in it. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/doctor/doctor.h"

/* ---- the way there ---- */

/* A directory above it: whoever may rename what is in there may put another in its place. */
static bool can_be_replaced(const struct stat *directory, uid_t owner)
{
	const bool others = directory->st_mode & 022 && !(directory->st_mode & S_ISVTX);

	return others || (directory->st_uid != 0 && directory->st_uid != owner);
}

static void look_above(struct doctor *doctor, uid_t owner)
{
	char path[PATH_MAX];

	if (!realpath(doctor->settings->data, path))
		return;
	for (char *slash; (slash = strrchr(path, '/'));) {
		struct stat directory;

		*(slash == path ? slash + 1 : slash) = '\0';
		if (stat(path, &directory) == 0 && can_be_replaced(&directory, owner)) {
			doctor_tell(doctor, DOCTOR_WARN, "let only root and the server's user write there",
				    "others can replace what is in %s", path);
			return;
		}
		if (slash == path)
			break;
	}
	doctor_tell(doctor, DOCTOR_OK, NULL, "nobody but its owner and root can replace it");
}

void doctor_directory(struct doctor *doctor)
{
	const char *data = doctor->settings->data;
	struct stat found;

	if (stat(data, &found) != 0) {
		if (errno == ENOENT)
			doctor_tell(doctor, DOCTOR_NOTE, "coffer init or the first coffer serve makes it",
				    "there is no directory %s", data);
		else
			doctor_tell(doctor, DOCTOR_FAIL, "see --data", "%s: %s", data, strerror(errno));
		return;
	}
	if (!S_ISDIR(found.st_mode)) {
		doctor_tell(doctor, DOCTOR_FAIL, "see --data", "%s is no directory", data);
		return;
	}
	if (found.st_uid != geteuid() && geteuid() != 0)
		doctor_tell(doctor, DOCTOR_FAIL, "run the server, and this, as that user",
			    "%s belongs to user %u, and this is user %u", data, found.st_uid, geteuid());
	if (found.st_mode & 077)
		doctor_tell(doctor, DOCTOR_FAIL, "chmod 700 it: coffer does not start so",
			    "%s has mode %04o, so others can enter it", data, found.st_mode & 07777u);
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "%s is its owner's alone", data);
	look_above(doctor, found.st_uid);
}

/* ---- what is in it ---- */

enum kind {
	SECRET,	 /* its owner's alone: the server refuses it otherwise */
	PRIVATE, /* should be, though it holds no key */
	OPEN	 /* others may read */
};

struct expected {
	const char *name; /* one * stands for anything */
	enum kind kind;
};

static const struct expected TOP[] = {
	{"admin.token", SECRET},  {"admin.curl", SECRET}, {"coffer.db", PRIVATE},  {"coffer.db-*", PRIVATE},
	{"coffer.db.*", PRIVATE}, {"audit*", PRIVATE},	  {"server.url", PRIVATE}, {NULL, SECRET},
};
static const struct expected KEYS[] = {
	{"store.key", SECRET}, {"identity*.pem", SECRET}, {"kek-*.pem", SECRET}, {"unlock-*.slot", SECRET},
	{NULL, SECRET},
};
static const struct expected TLS[] = {{"ca.pem", OPEN}, {"*.key", SECRET}, {"*.pem", OPEN}, {NULL, SECRET}};
static const struct expected ARCHIVE[] = {{"*", PRIVATE}, {NULL, SECRET}};

static const struct {
	const char *name;
	const struct expected *files;
	bool complete; /* nothing else belongs there */
} FOLDERS[] = {{"", TOP, false}, {"keys", KEYS, true}, {"tls", TLS, false}, {"audit-archive", ARCHIVE, false}};

static bool matches(const char *pattern, const char *name)
{
	const char *star = strchr(pattern, '*');
	const size_t before = star ? (size_t)(star - pattern) : 0, after = star ? strlen(star + 1) : 0;
	const size_t size = strlen(name);

	if (!star)
		return strcmp(pattern, name) == 0;
	return size >= before + after && strncmp(pattern, name, before) == 0 &&
	       strcmp(star + 1, name + size - after) == 0;
}

static const struct expected *find(const struct expected *files, const char *name)
{
	while (files->name && !matches(files->name, name))
		files++;
	return files->name ? files : NULL;
}

struct sweep {
	struct doctor *doctor;
	uid_t owner; /* of the directory */
	size_t good;
};

static void judge_file(struct sweep *sweep, const char *path, const struct stat *file, enum kind kind)
{
	const unsigned mode = file->st_mode & 07777u;

	if (S_ISLNK(file->st_mode))
		doctor_tell(sweep->doctor, DOCTOR_FAIL, "put the file itself there: coffer follows no links",
			    "%s is a symbolic link", path);
	else if (file->st_uid != sweep->owner)
		doctor_tell(sweep->doctor, DOCTOR_FAIL, "chown it: the server cannot use it, or cannot trust it",
			    "%s belongs to user %u, the directory to %u", path, file->st_uid, sweep->owner);
	else if (mode & 022)
		doctor_tell(sweep->doctor, DOCTOR_FAIL, "chmod go-w it", "%s has mode %04o, so others can write it",
			    path, mode);
	else if (kind == SECRET && mode & 077)
		doctor_tell(sweep->doctor, DOCTOR_FAIL, "chmod 600 it, and replace what was in it if anybody read it",
			    "%s has mode %04o, so others can read a secret", path, mode);
	else if (kind == PRIVATE && mode & 077)
		doctor_tell(sweep->doctor, DOCTOR_WARN, "chmod 600 it", "%s has mode %04o", path, mode);
	else
		sweep->good++;
}

static void look_into(struct sweep *sweep, size_t index)
{
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	DIR *directory;

	if (!doctor_path(sweep->doctor, FOLDERS[index].name, folder, sizeof(folder)) || !(directory = opendir(folder)))
		return;
	for (const struct dirent *entry; (entry = readdir(directory));) {
		const struct expected *expected = find(FOLDERS[index].files, entry->d_name);
		struct stat file;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (lstat(path, &file) != 0 || S_ISDIR(file.st_mode))
			continue;
		if (expected)
			judge_file(sweep, path, &file, expected->kind);
		else if (FOLDERS[index].complete)
			doctor_tell(sweep->doctor, DOCTOR_NOTE, "see whether a copy of a key lies there",
				    "%s is none of coffer's files", path);
	}
	(void)closedir(directory); /* it was read */
}

void doctor_files(struct doctor *doctor)
{
	struct sweep sweep = {.doctor = doctor};
	char path[PATH_MAX];
	struct stat found;

	if (stat(doctor->settings->data, &found) != 0)
		return; /* told above */
	sweep.owner = found.st_uid;
	for (size_t i = 0; i < sizeof(FOLDERS) / sizeof(FOLDERS[0]); i++)
		look_into(&sweep, i);
	doctor_tell(doctor, DOCTOR_OK, NULL, "%zu files have the owner and the mode that they should have", sweep.good);
	if (doctor_path(doctor, "admin.token", path, sizeof(path)) && access(path, F_OK) == 0)
		doctor_tell(doctor, DOCTOR_NOTE, "once there are accounts with tokens of their own, keep it elsewhere",
			    "%s opens everything, and does not expire", path);
}
