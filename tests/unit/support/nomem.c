#include "tests/unit/support/nomem.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "tests/unit/support/nomem_internal.h"

/* What the linker calls the wrapped functions and those they stand for. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__real_secret_alloc(size_t size);
void __real_secret_free(void *secret, size_t size);
void *__real_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t size);
int __real_mlock(const void *address, size_t size);
int __real_madvise(void *address, size_t size, int advice);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);
char *__wrap_strdup(const char *text);
int __wrap_asprintf(char **ret_text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap___asprintf_chk(char **ret_text, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));
void *__wrap_secret_alloc(size_t size);
void __wrap_secret_free(void *secret, size_t size);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *address, size_t size);
int __wrap_mlock(const void *address, size_t size);
int __wrap_madvise(void *address, size_t size, int advice);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);

static atomic_long left = -1; /* allocations until the failing one; negative: disarmed, or past it */
static atomic_bool fails_after;
static atomic_bool failed;
static atomic_bool armed;
static atomic_long live;
static atomic_long mapped;

void nomem_arm(size_t n, enum nomem_mode mode)
{
	atomic_store(&left, (long)n);
	atomic_store(&fails_after, mode == NOMEM_AFTER);
	atomic_store(&failed, false);
	atomic_store(&armed, true);
}

bool nomem_disarm(void)
{
	atomic_store(&armed, false);
	return atomic_load(&failed);
}

bool nomem_failed(void)
{
	return atomic_load(&failed);
}

long nomem_live(void)
{
	return atomic_load(&live);
}

long nomem_mapped(void)
{
	return atomic_load(&mapped);
}

bool nomem_now(void)
{
	if (!atomic_load(&armed))
		return false;
	const long before = atomic_fetch_sub(&left, 1);
	if (before > 0 || (before < 0 && !atomic_load(&fails_after)))
		return false;
	atomic_store(&failed, true);
	errno = ENOMEM;
	return true;
}

static void *counted(void *block)
{
	if (block)
		atomic_fetch_add(&live, 1);
	return block;
}

void *__wrap_malloc(size_t size)
{
	return nomem_now() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return nomem_now() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return nomem_now() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

void *__wrap_realloc(void *block, size_t size)
{
	if (nomem_now())
		return NULL;
	return block ? __real_realloc(block, size) : counted(__real_realloc(NULL, size));
}

void __wrap_free(void *block)
{
	if (block)
		atomic_fetch_sub(&live, 1);
	__real_free(block);
}

char *__wrap_strdup(const char *text)
{
	const size_t size = strlen(text) + 1;
	char *copy = __wrap_malloc(size);

	return copy ? memcpy(copy, text, size) : NULL;
}

static int format_new(char **ret_text, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static int format_new(char **ret_text, const char *format, va_list args)
{
	if (nomem_now())
		return -1;
	const int length = vasprintf(ret_text, format, args);
	if (length >= 0)
		counted(*ret_text);
	return length;
}

int __wrap_asprintf(char **ret_text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const int length = format_new(ret_text, format, args);
	va_end(args);
	return length;
}

int __wrap___asprintf_chk(char **ret_text, int flag, const char *format, ...)
{
	va_list args;

	(void)flag;
	va_start(args, format);
	const int length = format_new(ret_text, format, args);
	va_end(args);
	return length;
}

void *__wrap_secret_alloc(size_t size)
{
	return nomem_now() ? NULL : counted(__real_secret_alloc(size));
}

void __wrap_secret_free(void *secret, size_t size)
{
	if (secret)
		atomic_fetch_sub(&live, 1);
	__real_secret_free(secret, size);
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (nomem_now())
		return MAP_FAILED;
	void *pages = __real_mmap(address, size, protection, flags, fd, offset);
	if (pages != MAP_FAILED)
		atomic_fetch_add(&mapped, 1);
	return pages;
}

int __wrap_munmap(void *address, size_t size)
{
	atomic_fetch_sub(&mapped, 1);
	return __real_munmap(address, size);
}

int __wrap_mlock(const void *address, size_t size)
{
	return nomem_now() ? -1 : __real_mlock(address, size);
}

int __wrap_madvise(void *address, size_t size, int advice)
{
	return nomem_now() ? -1 : __real_madvise(address, size, advice);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg)
{
	return nomem_now() ? EAGAIN : __real_pthread_create(thread, attributes, start, arg);
}
