#include "server/core/files.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "crypto/secret.h"

enum core_status files_fail(struct files_error *error, enum core_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, error->size, format, args);
	va_end(args);
	return status;
}

static enum core_status fail_errno(struct files_error *error, const char *what, const char *path)
{
	const int code = errno;

	return files_fail(error,
			  code == ENOENT   ? CORE_NOT_FOUND
			  : code == ENOSPC ? CORE_NO_SPACE
					   : CORE_UNAVAILABLE,
			  "%s %s: %s", what, path, strerror(code));
}

/* What was made or renamed is durable once the directory that it is in has been synced. */
static bool sync_parent(const char *path)
{
	char parent[PATH_MAX];
	char *slash;
	bool synced;
	int fd;

	if (snprintf(parent, sizeof(parent), "%s", path) >= (int)sizeof(parent))
		return false;
	slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent ? 1 : 0] = '\0';
	fd = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	synced = fsync(fd) == 0;
	close(fd);
	return synced;
}

enum core_status files_directory(const char *path, bool make, struct files_error *error)
{
	struct stat st;

	if (make && (mkdir(path, 0700) == 0 ? !sync_parent(path) : errno != EEXIST))
		return fail_errno(error, "cannot make", path);
	if (stat(path, &st) != 0)
		return fail_errno(error, "cannot open", path);
	if (!S_ISDIR(st.st_mode))
		return files_fail(error, CORE_UNAVAILABLE, "%s is not a directory", path);
	if (st.st_mode & 077)
		return files_fail(error, CORE_DENIED, "%s has mode %04o, so others can enter it: chmod 700 it", path,
				  (unsigned)st.st_mode & 07777u);
	return CORE_OK;
}

static void put_entry(struct posix_acl_xattr_entry *ret_entry, unsigned tag, unsigned permission, uint32_t id)
{
	ret_entry->e_tag = htole16((uint16_t)tag);
	ret_entry->e_perm = htole16((uint16_t)permission);
	ret_entry->e_id = htole32(id);
}

/*
 * Whether root has lent the file to this process alone, by an ACL: so systemd hands credentials to a service. The mask
 * shows as the group's bits then, mode 0440, though no group may read it. There is one such ACL, so it is compared.
 */
static bool lent_by_root(int fd, const struct stat *st)
{
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[5];
	} expected = {.header = {.a_version = htole32(POSIX_ACL_XATTR_VERSION)}}, found;

	put_entry(&expected.entries[0], ACL_USER_OBJ, ACL_READ, (uint32_t)ACL_UNDEFINED_ID);
	put_entry(&expected.entries[1], ACL_USER, ACL_READ, geteuid());
	put_entry(&expected.entries[2], ACL_GROUP_OBJ, 0, (uint32_t)ACL_UNDEFINED_ID);
	put_entry(&expected.entries[3], ACL_MASK, ACL_READ, (uint32_t)ACL_UNDEFINED_ID);
	put_entry(&expected.entries[4], ACL_OTHER, 0, (uint32_t)ACL_UNDEFINED_ID);
	return st->st_uid == 0 &&
	       fgetxattr(fd, "system.posix_acl_access", &found, sizeof(found)) == (ssize_t)sizeof(expected) &&
	       memcmp(&found, &expected, sizeof(expected)) == 0;
}

static enum core_status check_owner(int fd, const char *path, const struct stat *st, struct files_error *error)
{
	if ((st->st_mode & 077) == 040 && lent_by_root(fd, st))
		return CORE_OK;
	if (st->st_mode & 077)
		return files_fail(error, CORE_DENIED, "%s has mode %04o, so others can use it: chmod 600 it", path,
				  (unsigned)st->st_mode & 07777u);
	if (st->st_uid != geteuid() && geteuid() != 0)
		return files_fail(error, CORE_DENIED, "%s (mode %04o) belongs to another user", path,
				  (unsigned)st->st_mode & 07777u);
	return CORE_OK;
}

enum core_status files_read(const char *path, bool secret, char **ret_text, size_t *ret_size, struct files_error *error)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	enum core_status status;
	char *text = NULL;
	size_t size = 0, used = 0;

	if (fd < 0)
		return fail_errno(error, "cannot read", path);
	if (fstat(fd, &st) != 0) {
		status = fail_errno(error, "cannot read", path);
		goto out;
	}
	status = secret ? check_owner(fd, path, &st, error) : CORE_OK;
	if (status != CORE_OK)
		goto out;
	if (!S_ISREG(st.st_mode) || st.st_size > FILES_MAX) {
		status = files_fail(error, CORE_DAMAGED, "%s is not a small regular file", path);
		goto out;
	}
	size = (size_t)st.st_size;
	text = secret_alloc(size + 1);
	if (!text) {
		status = files_fail(error, CORE_NOMEM, "no memory that can be locked (RLIMIT_MEMLOCK) for %s", path);
		goto out;
	}
	while (used < size) {
		const ssize_t n = read(fd, text + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			status = files_fail(error, CORE_UNAVAILABLE, "cannot read %s whole", path);
			goto out;
		}
		used += (size_t)n;
	}
	*ret_text = text;
	*ret_size = size;
	text = NULL;
out:
	secret_free(text, size + 1);
	close(fd);
	return status;
}

static bool write_all(int fd, const char *bytes, size_t size)
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

enum core_status files_write(const char *path, unsigned mode, const void *bytes, size_t size, struct files_error *error)
{
	char temporary[PATH_MAX];
	bool good;
	int fd;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return files_fail(error, CORE_UNAVAILABLE, "the path %s is too long", path);
	/* What a crash left behind is nobody's. */
	(void)unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail_errno(error, "cannot write", temporary);
	good = write_all(fd, bytes, size) && fchmod(fd, (mode_t)mode) == 0 && fsync(fd) == 0;
	if (close(fd) != 0)
		good = false;
	if (!good || rename(temporary, path) != 0 || !sync_parent(path)) {
		const enum core_status status = fail_errno(error, "cannot write", path);

		(void)unlink(temporary);
		return status;
	}
	return CORE_OK;
}
