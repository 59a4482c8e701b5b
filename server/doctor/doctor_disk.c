/* Where the data directory lies: room, kind of file system, and whether it keeps what it was given. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "server/core/human.h"
#include "server/doctor/doctor.h"

enum { INODES_LOW = 1000, SYNC_SLOW_MS = 100 };

/* ---- room ---- */

static void judge_space(struct doctor *doctor, uint64_t available)
{
	const uint64_t watermark = doctor->settings->disk_watermark, reserve = doctor->settings->disk_reserve;
	char left[HUMAN_TEXT_MAX], limit[HUMAN_TEXT_MAX];

	human_bytes(available, left);
	human_bytes(available < reserve ? reserve : watermark, limit);
	if (available < reserve)
		doctor_tell(doctor, DOCTOR_FAIL, "free space: nothing can be read or written",
			    "%s are free, less than --disk-reserve (%s)", left, limit);
	else if (available < watermark)
		doctor_tell(doctor, DOCTOR_FAIL, "free space: nothing can be written",
			    "%s are free, less than --disk-watermark (%s)", left, limit);
	else if (available / 4 < watermark)
		doctor_tell(doctor, DOCTOR_WARN, "free space before writing stops",
			    "%s are free; below %s (--disk-watermark) writes are refused", left, limit);
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "%s are free", left);
}

void doctor_space(struct doctor *doctor)
{
	struct statvfs fs;

	if (statvfs(doctor->settings->data, &fs) != 0)
		return; /* the directory's own check says why */
	judge_space(doctor, (uint64_t)fs.f_bavail * fs.f_frsize);
	if (fs.f_files > 0 && fs.f_favail < INODES_LOW)
		doctor_tell(doctor, DOCTOR_WARN, "remove files there", "only %lu more files can be made there",
			    (unsigned long)fs.f_favail);
	if (fs.f_flag & ST_RDONLY)
		doctor_tell(doctor, DOCTOR_FAIL, "mount it for writing", "the file system is mounted read-only");
}

/* ---- kind ---- */

static const char NETWORK[] = "SQLite's log needs memory shared by all who read: use a local disk";

static const struct {
	long magic;
	enum doctor_grade grade;
	const char *name, *advice;
} KINDS[] = {
	{NFS_SUPER_MAGIC, DOCTOR_FAIL, "NFS", NETWORK},
	{SMB_SUPER_MAGIC, DOCTOR_FAIL, "SMB", NETWORK},
	{CIFS_SUPER_MAGIC, DOCTOR_FAIL, "SMB", NETWORK},
	{SMB2_SUPER_MAGIC, DOCTOR_FAIL, "SMB", NETWORK},
	{AFS_SUPER_MAGIC, DOCTOR_FAIL, "AFS", NETWORK},
	{V9FS_MAGIC, DOCTOR_FAIL, "9p", NETWORK},
	{CEPH_SUPER_MAGIC, DOCTOR_WARN, "CephFS", "a file system of the network may lose locks: use a local disk"},
	{FUSE_SUPER_MAGIC, DOCTOR_WARN, "FUSE", "whether it keeps what is synced depends on the program behind it"},
	{TMPFS_MAGIC, DOCTOR_WARN, "tmpfs", "it is memory: everything is gone when the machine is"},
	{RAMFS_MAGIC, DOCTOR_WARN, "ramfs", "it is memory: everything is gone when the machine is"},
	{OVERLAYFS_SUPER_MAGIC, DOCTOR_WARN, "overlayfs", "a container's own layer goes with it: mount a volume"},
	{MSDOS_SUPER_MAGIC, DOCTOR_FAIL, "FAT", "it has no permissions: everybody could read the keys"},
};

void doctor_judge_filesystem(struct doctor *doctor, unsigned long magic)
{
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		if (magic == (unsigned long)KINDS[i].magic) {
			doctor_tell(doctor, KINDS[i].grade, KINDS[i].advice, "the data lie on %s", KINDS[i].name);
			return;
		}
	}
	doctor_tell(doctor, DOCTOR_OK, NULL, "the data lie on a local file system (type %lx)", magic);
}

void doctor_filesystem(struct doctor *doctor)
{
	struct statfs fs;

	if (statfs(doctor->settings->data, &fs) == 0)
		doctor_judge_filesystem(doctor, (unsigned long)fs.f_type);
}

/* ---- fsync ---- */

/* How long it took, in milliseconds; -1 with errno. A descriptor that only reads can be synced too. */
static int64_t sync_one(const char *path, int flags)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags);
	struct timespec before, after;
	int64_t took = -1;

	if (fd < 0)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &before);
	if (fsync(fd) == 0) {
		clock_gettime(CLOCK_MONOTONIC, &after);
		took = (int64_t)(after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
	} else {
		const int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	close(fd);
	return took;
}

void doctor_sync(struct doctor *doctor)
{
	char path[PATH_MAX];
	int64_t took, directory;

	if (!doctor_path(doctor, "coffer.db", path, sizeof(path)) || access(path, R_OK) != 0)
		return; /* nothing to sync yet, or not ours to read */
	took = sync_one(path, 0);
	directory = took < 0 ? -1 : sync_one(doctor->settings->data, O_DIRECTORY);
	if (took < 0 || directory < 0)
		doctor_tell(doctor, DOCTOR_FAIL, "what is acknowledged would not be on the disk: look at the disk",
			    "fsync fails there: %s", strerror(errno));
	else if (took > SYNC_SLOW_MS)
		doctor_tell(doctor, DOCTOR_NOTE, "each commit waits for one", "an fsync of the database took %lld ms",
			    (long long)took);
	else
		doctor_tell(doctor, DOCTOR_OK, NULL, "fsync works, in %lld ms", (long long)took);
}
