/* Whether a server runs on this directory: the kernel's list of locks tells, and nothing is locked to find out. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "server/doctor/doctor.h"

enum { LOCKS_MAX = 256 * 1024 };

/* "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF" */
static long holder(const char *locks, const struct stat *file)
{
	for (const char *line = locks; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		unsigned major, minor;
		uint64_t inode;
		long pid;

		if (sscanf(line, "%*u: FLOCK %*s WRITE %ld %x:%x:%" SCNu64, &pid, &major, &minor, &inode) == 4 &&
		    inode == file->st_ino && major == major(file->st_dev) && minor == minor(file->st_dev) && pid > 0)
			return pid;
	}
	return 0;
}

void doctor_server(struct doctor *doctor)
{
	char path[PATH_MAX];
	char *locks = malloc(LOCKS_MAX);
	struct stat file;

	if (!locks) {
		doctor->no_memory = true;
		return;
	}
	if (doctor_path(doctor, "coffer.db.lock", path, sizeof(path)) && stat(path, &file) == 0 &&
	    doctor_read(doctor, "/proc/locks", locks, LOCKS_MAX))
		doctor->server = holder(locks, &file);
	free(locks);
	if (doctor->server)
		doctor_tell(doctor, DOCTOR_OK, NULL, "process %ld has the store open: its limits are looked at",
			    doctor->server);
	else
		doctor_tell(doctor, DOCTOR_OK, NULL,
			    "none is seen to run here: the limits of this command stand for its");
}
