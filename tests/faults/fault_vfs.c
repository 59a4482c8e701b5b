#include "tests/faults/fault_vfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_CHARS = 256, SECTOR = 512 };

/* A write, or for bytes == NULL a truncate, that no sync has followed. */
struct change {
	struct change *next;
	uint64_t offset;
	size_t size;
	uint8_t *bytes;
};

/* What a file would be after a power cut: `image`, and then some of the changes. */
struct shadow {
	struct shadow *next;
	char path[PATH_CHARS];
	uint8_t *image;
	size_t size, capacity;
	struct change *changes, **changes_end;
};

struct fault_file {
	sqlite3_file base; /* first */
	struct shadow *shadow;
	sqlite3_file *real;
};

enum call { CALL_WRITE, CALL_SYNC, CALL_TRUNCATE };

/* Under `lock`: all that follows. Held over a whole call, so that no other thread writes while the power fails. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault_plan plan;
static uint64_t calls;
static uint64_t dice;
static struct shadow *shadows;

static sqlite3_vfs *real_vfs;
static sqlite3_vfs fault_vfs;

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fault_vfs: %s failed\n", what);
	abort();
}

/* splitmix64: the same seed gives the same accident. */
static uint64_t draw(void)
{
	uint64_t z = (dice += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* ---- shadows ---------------------------------------------------------------------------------------------------- */

static void image_resize(struct shadow *shadow, size_t size)
{
	if (size > shadow->capacity) {
		shadow->capacity = size * 2;
		shadow->image = realloc(shadow->image, shadow->capacity);
		must(shadow->image != NULL, "realloc");
	}
	if (size > shadow->size)
		memset(shadow->image + shadow->size, 0, size - shadow->size);
	shadow->size = size;
}

static void image_load(struct shadow *shadow)
{
	FILE *file = fopen(shadow->path, "rb");
	uint8_t page[8192];
	size_t got;

	if (!file)
		return;
	while ((got = fread(page, 1, sizeof(page), file)) > 0) {
		image_resize(shadow, shadow->size + got);
		memcpy(shadow->image + shadow->size - got, page, got);
	}
	fclose(file);
}

static struct shadow *shadow_find(const char *path)
{
	struct shadow *shadow;

	for (shadow = shadows; shadow; shadow = shadow->next)
		if (strcmp(shadow->path, path) == 0)
			return shadow;
	shadow = calloc(1, sizeof(*shadow));
	must(shadow && strlen(path) < PATH_CHARS, "shadow");
	strcpy(shadow->path, path);
	shadow->changes_end = &shadow->changes;
	image_load(shadow);
	shadow->next = shadows;
	shadows = shadow;
	return shadow;
}

static void shadow_note(struct shadow *shadow, uint64_t offset, const void *bytes, size_t size)
{
	struct change *change;

	if (!shadow)
		return;
	change = calloc(1, sizeof(*change));
	must(change != NULL, "calloc");
	change->offset = offset;
	change->size = size;
	if (bytes) {
		change->bytes = malloc(size + 1);
		must(change->bytes != NULL, "malloc");
		memcpy(change->bytes, bytes, size);
	}
	*shadow->changes_end = change;
	shadow->changes_end = &change->next;
}

static void image_apply(struct shadow *shadow, const struct change *change, size_t size)
{
	size_t end = (size_t)change->offset + size;

	if (!change->bytes) {
		image_resize(shadow, (size_t)change->offset);
		return;
	}
	if (end > shadow->size)
		image_resize(shadow, end);
	memcpy(shadow->image + change->offset, change->bytes, size);
}

/* How much of an unsynced change a power cut leaves; a truncate has size 0 and is kept or not. */
static bool survives(const struct change *change, size_t *ret_size)
{
	*ret_size = change->size;
	if (plan.keep == FAULT_KEEP_NONE)
		return false;
	if (plan.keep == FAULT_KEEP_ALL) {
		if (!change->next)
			*ret_size /= 2;
		return true;
	}
	if (change->size > SECTOR && draw() % 4 == 0)
		*ret_size = draw() % (change->size / SECTOR) * SECTOR;
	return draw() % 2 == 0;
}

static bool certain(const struct change *change, size_t *ret_size)
{
	*ret_size = change->size;
	return true;
}

static bool by_lot(const struct change *change, size_t *ret_size)
{
	*ret_size = change->size;
	return draw() % 2 == 0;
}

static void shadow_settle(struct shadow *shadow, bool (*kept)(const struct change *change, size_t *ret_size))
{
	while (shadow->changes) {
		struct change *change = shadow->changes;
		size_t size;

		if (kept(change, &size))
			image_apply(shadow, change, size);
		shadow->changes = change->next;
		free(change->bytes);
		free(change);
	}
	shadow->changes_end = &shadow->changes;
}

/*
 * Beside the file, then renamed over it: other threads still read, and SQLite removes the log of a database that it
 * finds empty.
 */
static void write_image(const struct shadow *shadow)
{
	char beside[PATH_CHARS + 8];
	FILE *file;

	snprintf(beside, sizeof(beside), "%s.cut", shadow->path);
	file = fopen(beside, "wb");
	must(file != NULL, "cut");
	must(shadow->size == 0 || fwrite(shadow->image, 1, shadow->size, file) == shadow->size, "cut");
	must(fclose(file) == 0, "cut");
	must(rename(beside, shadow->path) == 0, "cut");
}

/* Under the lock, until the process is gone. */
static _Noreturn void cut(void)
{
	for (struct shadow *shadow = shadows; shadow; shadow = shadow->next) {
		shadow_settle(shadow, survives);
		if (access(shadow->path, F_OK) == 0)
			write_image(shadow);
	}
	_exit(FAULT_EXIT);
}

/* ---- the n-th call ---------------------------------------------------------------------------------------------- */

static bool reached(void)
{
	uint64_t number = calls++;

	if (plan.kind == FAULT_NONE || number < plan.at || (number > plan.at && !plan.lasting))
		return false;
	if (plan.hit)
		*plan.hit = true;
	return true;
}

/* Half of a write, also into the shadow. */
static void write_half(struct fault_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
	if (file->real->pMethods->xWrite(file->real, bytes, size / 2, offset) == SQLITE_OK)
		shadow_note(file->shadow, (uint64_t)offset, bytes, (size_t)size / 2);
}

static int fail(enum call call)
{
	if (plan.kind == FAULT_FULL)
		return call == CALL_WRITE ? SQLITE_FULL : SQLITE_OK;
	switch (call) {
	case CALL_WRITE:
		return SQLITE_IOERR_WRITE;
	case CALL_SYNC:
		return SQLITE_IOERR_FSYNC;
	case CALL_TRUNCATE:
		return SQLITE_IOERR_TRUNCATE;
	}
	return SQLITE_IOERR;
}

/* SQLITE_OK: the call is to go on. */
static int accident(struct fault_file *file, enum call call, const void *bytes, int size, sqlite3_int64 offset)
{
	if (!reached())
		return SQLITE_OK;
	if (plan.kind == FAULT_KILL)
		_exit(FAULT_EXIT);
	if (call == CALL_WRITE && plan.kind != FAULT_CUT)
		write_half(file, bytes, size, offset);
	if (plan.kind == FAULT_TEAR)
		_exit(FAULT_EXIT);
	if (plan.kind == FAULT_CUT) {
		if (call == CALL_WRITE)
			shadow_note(file->shadow, (uint64_t)offset, bytes, (size_t)size);
		cut();
	}
	if (call == CALL_SYNC && file->shadow && plan.kind == FAULT_EIO)
		shadow_settle(file->shadow, by_lot);
	return fail(call);
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

static struct fault_file *of(sqlite3_file *file)
{
	return (struct fault_file *)file;
}

static int file_write(sqlite3_file *base, const void *bytes, int size, sqlite3_int64 offset)
{
	struct fault_file *file = of(base);
	int code;

	pthread_mutex_lock(&lock);
	code = accident(file, CALL_WRITE, bytes, size, offset);
	if (code == SQLITE_OK)
		code = file->real->pMethods->xWrite(file->real, bytes, size, offset);
	if (code == SQLITE_OK)
		shadow_note(file->shadow, (uint64_t)offset, bytes, (size_t)size);
	pthread_mutex_unlock(&lock);
	return code;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct fault_file *file = of(base);
	int code;

	pthread_mutex_lock(&lock);
	code = accident(file, CALL_TRUNCATE, NULL, 0, size);
	if (code == SQLITE_OK)
		code = file->real->pMethods->xTruncate(file->real, size);
	if (code == SQLITE_OK)
		shadow_note(file->shadow, (uint64_t)size, NULL, 0);
	pthread_mutex_unlock(&lock);
	return code;
}

/* The disk below is not asked: what it would keep is the shadow. */
static int file_sync(sqlite3_file *base, int flags)
{
	struct fault_file *file = of(base);
	int code;

	(void)flags;
	pthread_mutex_lock(&lock);
	code = accident(file, CALL_SYNC, NULL, 0, 0);
	if (code == SQLITE_OK && file->shadow && !plan.no_sync)
		shadow_settle(file->shadow, certain);
	pthread_mutex_unlock(&lock);
	return code;
}

static int file_close(sqlite3_file *base)
{
	struct fault_file *file = of(base);
	int code = file->real->pMethods ? file->real->pMethods->xClose(file->real) : SQLITE_OK;

	base->pMethods = NULL;
	return code;
}

static int file_read(sqlite3_file *base, void *ret_bytes, int size, sqlite3_int64 offset)
{
	return of(base)->real->pMethods->xRead(of(base)->real, ret_bytes, size, offset);
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
	return of(base)->real->pMethods->xFileSize(of(base)->real, ret_size);
}

static int file_lock(sqlite3_file *base, int level)
{
	return of(base)->real->pMethods->xLock(of(base)->real, level);
}

static int file_unlock(sqlite3_file *base, int level)
{
	return of(base)->real->pMethods->xUnlock(of(base)->real, level);
}

static int file_reserved(sqlite3_file *base, int *ret_reserved)
{
	return of(base)->real->pMethods->xCheckReservedLock(of(base)->real, ret_reserved);
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
	return of(base)->real->pMethods->xFileControl(of(base)->real, op, arg);
}

static int file_sector(sqlite3_file *base)
{
	return of(base)->real->pMethods->xSectorSize(of(base)->real);
}

static int file_characteristics(sqlite3_file *base)
{
	return of(base)->real->pMethods->xDeviceCharacteristics(of(base)->real);
}

static int file_shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **ret_memory)
{
	return of(base)->real->pMethods->xShmMap(of(base)->real, page, size, extend, ret_memory);
}

static int file_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
	return of(base)->real->pMethods->xShmLock(of(base)->real, offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *base)
{
	of(base)->real->pMethods->xShmBarrier(of(base)->real);
}

static int file_shm_unmap(sqlite3_file *base, int remove)
{
	return of(base)->real->pMethods->xShmUnmap(of(base)->real, remove);
}

/* Version 2: without the memory-mapped reading of version 3. */
static const sqlite3_io_methods METHODS = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *ret_flags)
{
	struct fault_file *file = of(base);
	int code;

	(void)vfs;
	memset(file, 0, sizeof(*file));
	file->real = (sqlite3_file *)(file + 1);
	pthread_mutex_lock(&lock);
	code = real_vfs->xOpen(real_vfs, name, file->real, flags, ret_flags);
	if (file->real->pMethods)
		base->pMethods = &METHODS;
	if (code == SQLITE_OK && name && plan.kind != FAULT_NONE)
		file->shadow = shadow_find(name);
	pthread_mutex_unlock(&lock);
	return code;
}

/* A name that is gone is gone at once: SQLite deletes a log only after all of it is synced into the database. */
static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
	int code;

	(void)vfs;
	pthread_mutex_lock(&lock);
	code = real_vfs->xDelete(real_vfs, name, sync_directory);
	for (struct shadow *shadow = shadows; code == SQLITE_OK && shadow; shadow = shadow->next) {
		if (strcmp(shadow->path, name) == 0) {
			shadow_settle(shadow, certain);
			shadow->size = 0;
		}
	}
	pthread_mutex_unlock(&lock);
	return code;
}

void fault_vfs_install(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	must(real_vfs != NULL, "sqlite3_vfs_find");
	fault_vfs = *real_vfs;
	fault_vfs.pNext = NULL;
	fault_vfs.zName = "fault";
	fault_vfs.szOsFile = (int)sizeof(struct fault_file) + real_vfs->szOsFile;
	fault_vfs.xOpen = vfs_open;
	fault_vfs.xDelete = vfs_delete;
	must(sqlite3_vfs_register(&fault_vfs, 1) == SQLITE_OK, "sqlite3_vfs_register");
}

void fault_vfs_arm(const struct fault_plan *wanted)
{
	pthread_mutex_lock(&lock);
	plan = *wanted;
	calls = 0;
	dice = wanted->seed;
	pthread_mutex_unlock(&lock);
}

void fault_vfs_disarm(void)
{
	pthread_mutex_lock(&lock);
	plan.at = UINT64_MAX;
	pthread_mutex_unlock(&lock);
}

void fault_vfs_cut(void)
{
	pthread_mutex_lock(&lock);
	cut();
}
