#include "server/cli/message_io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "server/cli/arguments.h"

enum {
	MIB = 1 << 20,
	LIMIT_MAX_MIB = 65536,
	FIRST_RESERVE = 1 << 16,
};

static bool fail(char *ret_error, size_t error_size, const char *what, const char *path)
{
	snprintf(ret_error, error_size, "%s %s: %s", what, path, strerror(errno));
	return false;
}

static bool is_standard(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

bool message_io_limit(const char *text, size_t *ret_limit, char *ret_error, size_t error_size)
{
	unsigned mib = MESSAGE_IO_LIMIT_MIB;

	if (text && !arguments_number(text, 1, LIMIT_MAX_MIB, &mib)) {
		snprintf(ret_error, error_size, "--limit is a number of MiB from 1 to 65536");
		return false;
	}
	*ret_limit = (size_t)mib * MIB;
	return true;
}

/* ---- reading ---- */

/* Pages move with their contents, so that growing leaves no copy of a plaintext behind. */
static bool grow(struct message_io *io)
{
	const size_t reserved = io->reserved ? 2 * io->reserved : FIRST_RESERVE;
	void *pages = io->reserved ? mremap(io->bytes, io->reserved, reserved, MREMAP_MAYMOVE)
				   : mmap(NULL, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		return false;
	(void)madvise(pages, reserved, MADV_DONTDUMP);
	io->bytes = pages;
	io->reserved = reserved;
	return true;
}

static bool read_all(int fd, const char *name, size_t limit, struct message_io *io, char *ret_error, size_t error_size)
{
	for (;;) {
		const size_t used = io->front + io->size;

		if (used >= io->reserved) {
			if (!grow(io))
				return fail(ret_error, error_size, "no memory for", name);
			continue;
		}
		const ssize_t n = read(fd, io->bytes + used, io->reserved - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(ret_error, error_size, "cannot read", name);
		if (n == 0)
			return true;
		io->size += (size_t)n;
		if (io->size > limit) {
			snprintf(ret_error, error_size, "%s holds more than %zu MiB: --limit allows more", name,
				 limit / MIB);
			return false;
		}
	}
}

bool message_io_read(const char *path, size_t front, size_t limit, struct message_io *ret_io, char *ret_error,
		     size_t error_size)
{
	const char *name = is_standard(path) ? "standard input" : path;
	const int fd = is_standard(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct message_io io = {.front = front};

	if (fd < 0)
		return fail(ret_error, error_size, "cannot read", name);
	const bool good = read_all(fd, name, limit, &io, ret_error, error_size);
	if (fd != STDIN_FILENO)
		close(fd);
	if (good)
		*ret_io = io;
	else
		message_io_done(&io);
	return good;
}

void message_io_done(struct message_io *io)
{
	if (io->bytes) {
		const size_t used = io->front + io->size;

		secret_wipe(io->bytes, used < io->reserved ? used : io->reserved);
		munmap(io->bytes, io->reserved);
	}
	*io = (struct message_io){0};
}

/* ---- writing ---- */

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		const ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		size -= (size_t)n;
	}
	return true;
}

/* Closes fd whatever happens. */
static bool write_and_close(int fd, const void *bytes, size_t size, bool sync)
{
	const bool good = write_all(fd, bytes, size) && (!sync || fsync(fd) == 0);
	const int code = errno;

	if (close(fd) != 0)
		return false;
	errno = code;
	return good;
}

static bool replace(const char *path, const void *bytes, size_t size)
{
	char temporary[PATH_MAX];
	int fd, code;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return false;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return false;
	if (write_and_close(fd, bytes, size, true) && rename(temporary, path) == 0)
		return true;
	code = errno;
	(void)unlink(temporary);
	errno = code;
	return false;
}

bool message_io_write(const char *path, const void *bytes, size_t size, char *ret_error, size_t error_size)
{
	struct stat st;
	bool good;

	if (is_standard(path)) {
		if (write_all(STDOUT_FILENO, bytes, size))
			return true;
		return fail(ret_error, error_size, "cannot write", "standard output");
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		const int fd = open(path, O_WRONLY | O_CLOEXEC);

		good = fd >= 0 && write_and_close(fd, bytes, size, false);
	} else {
		good = replace(path, bytes, size);
	}
	return good || fail(ret_error, error_size, "cannot write", path);
}

bool message_io_is_terminal(const char *path)
{
	return is_standard(path) && isatty(STDOUT_FILENO);
}

bool message_io_create(const char *path, unsigned mode, const void *bytes, size_t size, char *ret_error,
		       size_t error_size)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
	int code;

	if (fd < 0)
		return fail(ret_error, error_size, "cannot make", path);
	if (write_and_close(fd, bytes, size, true))
		return true;
	code = errno;
	(void)unlink(path);
	errno = code;
	return fail(ret_error, error_size, "cannot write", path);
}
