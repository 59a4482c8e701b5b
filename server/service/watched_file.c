#include "server/service/watched_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whoever copies a file over another has done so after this long, or will have it read twice. */
enum { SETTLE_MS = 100 };

static struct file_mark mark_of(const struct stat *st)
{
	return (struct file_mark){.device = st->st_dev,
				  .inode = st->st_ino,
				  .size = st->st_size,
				  .modified = st->st_mtim,
				  .changed = st->st_ctim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_mark(const struct file_mark *a, const struct file_mark *b)
{
	return a->fault == b->fault && a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}

static bool is_recent(const struct timespec *changed)
{
	struct timespec now;
	int64_t age_ms;

	clock_gettime(CLOCK_REALTIME, &now);
	age_ms = ((int64_t)now.tv_sec - changed->tv_sec) * 1000 + (now.tv_nsec - changed->tv_nsec) / 1000000;
	return age_ms >= 0 && age_ms < SETTLE_MS;
}

static bool is_named(const struct watched_file *file)
{
	return file->path && file->path[0];
}

enum watched_state watched_file_look(const struct watched_file *file)
{
	struct file_mark mark = {0};
	struct stat st;

	if (!is_named(file))
		return WATCHED_SAME;
	if (stat(file->path, &st) != 0)
		mark.fault = errno;
	else
		mark = mark_of(&st);
	if (same_mark(&mark, &file->mark))
		return WATCHED_SAME;
	return mark.fault == 0 && is_recent(&mark.changed) ? WATCHED_SETTLING : WATCHED_CHANGED;
}

static bool check(const struct watched_file *file, const struct stat *st, char *ret_error, size_t error_size)
{
	const unsigned mode = (unsigned)st->st_mode & 07777u;

	if (!S_ISREG(st->st_mode) || st->st_size <= 0 || (size_t)st->st_size > file->max) {
		snprintf(ret_error, error_size, "%s is not a regular file of 1 to %zu bytes", file->path, file->max);
		return false;
	}
	if (file->secret && (mode & 027) != 0) {
		snprintf(ret_error, error_size,
			 "%s holds a private key and has mode %04o, so others can use it: chmod 600 it, or 640",
			 file->path, mode);
		return false;
	}
	if (file->secret && st->st_uid != 0 && st->st_uid != geteuid() && geteuid() != 0) {
		snprintf(ret_error, error_size, "%s holds a private key and belongs to another user", file->path);
		return false;
	}
	return true;
}

static bool read_whole(int fd, struct cert_text *text)
{
	size_t used = 0;

	while (used < text->size) {
		const ssize_t n = read(fd, text->bytes + used, text->size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		used += (size_t)n;
	}
	return true;
}

bool watched_file_read(struct watched_file *file, struct cert_text *ret_text, char *ret_error, size_t error_size)
{
	const int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct cert_text text = {.bytes = NULL};
	struct stat st;
	bool good = false;

	if (fd < 0 || fstat(fd, &st) != 0) {
		file->mark = (struct file_mark){.fault = errno};
		snprintf(ret_error, error_size, "cannot read %s: %s", file->path, strerror(errno));
		goto out;
	}
	file->mark = mark_of(&st);
	if (!check(file, &st, ret_error, error_size))
		goto out;
	if (!cert_text_alloc((size_t)st.st_size, file->secret, &text)) {
		snprintf(ret_error, error_size, "no memory for %s", file->path);
		goto out;
	}
	good = read_whole(fd, &text);
	if (!good) {
		snprintf(ret_error, error_size, "cannot read %s whole", file->path);
		goto out;
	}
	*ret_text = text;
	text = (struct cert_text){.bytes = NULL};
out:
	cert_text_done(&text);
	if (fd >= 0)
		close(fd);
	return good;
}
