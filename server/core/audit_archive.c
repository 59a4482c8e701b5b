#include "server/core/audit_archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char SUFFIX[] = ".audit";

void audit_archive_name(uint64_t first, char ret_name[static AUDIT_ARCHIVE_NAME])
{
	snprintf(ret_name, AUDIT_ARCHIVE_NAME, "audit-archive/%020" PRIu64 "%s", first, SUFFIX);
}

enum core_status audit_archive_path(const struct vault *vault, uint64_t first, char ret_path[static PATH_MAX])
{
	if (!vault->archive)
		return CORE_NOT_FOUND;
	return snprintf(ret_path, PATH_MAX, "%s/%020" PRIu64 "%s", vault->archive, first, SUFFIX) < PATH_MAX
		       ? CORE_OK
		       : CORE_UNAVAILABLE;
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

static enum core_status read_whole(int fd, uint8_t **ret_bytes, size_t *ret_size)
{
	struct stat st;
	size_t used = 0, size;
	uint8_t *bytes;

	if (fstat(fd, &st) != 0)
		return CORE_UNAVAILABLE;
	if (!S_ISREG(st.st_mode) || st.st_size > AUDIT_SEGMENT_FILE_MAX)
		return CORE_DAMAGED;
	size = (size_t)st.st_size;
	bytes = malloc(size + 1);
	if (!bytes)
		return CORE_NOMEM;
	while (used < size) {
		const ssize_t n = read(fd, bytes + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(bytes);
			return CORE_UNAVAILABLE;
		}
		if (n == 0)
			break; /* somebody cuts it just now: what is there will tell */
		used += (size_t)n;
	}
	*ret_bytes = bytes;
	*ret_size = used;
	return CORE_OK;
}

static bool belongs(const struct vault *vault, const struct audit_segment *found, const struct store_audit_segment *row)
{
	return memcmp(found->store_id, vault->store_id, sizeof(found->store_id)) == 0 && found->first == row->first &&
	       found->last == row->last && memcmp(found->previous, row->previous, sizeof(found->previous)) == 0;
}

enum core_status audit_archive_open(const struct vault *vault, const struct store_audit_segment *row,
				    struct audit_archive_file *ret_file)
{
	struct audit_archive_file file = {.bytes = NULL};
	char path[PATH_MAX];
	size_t size = 0;
	enum core_status status = audit_archive_path(vault, row->first, path);
	int fd;

	if (status != CORE_OK)
		return status;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? CORE_NOT_FOUND : errno == ELOOP ? CORE_DAMAGED : CORE_UNAVAILABLE;
	status = read_whole(fd, &file.bytes, &size);
	close(fd);
	if (status == CORE_OK &&
	    (!audit_segment_open(file.bytes, size, &file.reader) || !belongs(vault, &file.reader.segment, row)))
		status = CORE_DAMAGED;
	if (status != CORE_OK) {
		audit_archive_close(&file);
		return status;
	}
	*ret_file = file;
	return CORE_OK;
}

void audit_archive_close(struct audit_archive_file *file)
{
	free(file->bytes);
	file->bytes = NULL;
}

enum core_status audit_archive_has(const struct vault *vault, const struct store_audit_segment *row)
{
	struct audit_archive_file file;
	struct store_audit_event event = {.sequence = 0};
	enum core_status status = audit_archive_open(vault, row, &file);

	if (status != CORE_OK)
		return status;
	while (audit_segment_next(&file.reader, &event))
		continue;
	if (file.reader.failed || event.sequence != row->last || memcmp(event.hash, row->hash, sizeof(row->hash)) != 0)
		status = CORE_DAMAGED;
	audit_archive_close(&file);
	return status;
}

/* ---- the directory ------------------------------------------------------------------------------------------------
 */

/* "00000000000000000001.audit". */
static bool parse_name(const char *name, uint64_t *ret_first)
{
	char *end;

	if (strlen(name) != 20 + sizeof(SUFFIX) - 1 || strspn(name, "0123456789") != 20 ||
	    strcmp(name + 20, SUFFIX) != 0)
		return false;
	errno = 0;
	*ret_first = strtoull(name, &end, 10);
	return errno == 0;
}

enum core_status audit_archive_list(const struct vault *vault, audit_archive_visit *each, void *arg)
{
	DIR *directory = vault->archive ? opendir(vault->archive) : NULL;
	enum core_status status = CORE_OK;
	uint64_t first;

	if (!directory)
		return !vault->archive || errno == ENOENT ? CORE_OK : CORE_UNAVAILABLE;
	for (;;) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(directory);
		if (!entry) {
			status = errno == 0 ? CORE_OK : CORE_UNAVAILABLE;
			break;
		}
		if (parse_name(entry->d_name, &first) && !each(arg, first))
			break;
	}
	closedir(directory);
	return status;
}
