#include "crypto/secret.h"

#include <nettle/memops.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Locked memory is scarce (RLIMIT_MEMLOCK), so small secrets share regions of a few pages. Free blocks are kept in a
 * list in order of address, the list's links inside the blocks themselves; callers know their sizes, so used blocks
 * carry no header. Regions stay mapped until the process ends: keys are few, and places are used again.
 */
enum {
	GRAIN = 16,
	REGION_SIZE = 16384,
};

struct block {
	struct block *next; /* at a higher address */
	size_t size;	    /* a multiple of GRAIN */
};
_Static_assert(sizeof(struct block) <= GRAIN, "a free block must fit into the smallest piece");

/* Process-wide by nature: the lock limit that it husbands is the process's. */
static struct {
	pthread_mutex_t mutex;
	struct block *first; /* invariant: ascending addresses, no two blocks adjacent */
} arena = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* 0 when the sum would overflow. */
static size_t round_up(size_t size, size_t unit)
{
	if (size > SIZE_MAX - (unit - 1))
		return 0;
	return (size + unit - 1) / unit * unit;
}

static size_t block_size(size_t size)
{
	return round_up(size ? size : 1, GRAIN);
}

static bool adjacent(const struct block *low, const struct block *high)
{
	return (const uint8_t *)low + low->size == (const uint8_t *)high;
}

static void arena_insert(void *place, size_t size)
{
	struct block *block = place;
	struct block *before = NULL;
	struct block *after = arena.first;

	while (after && after < block) {
		before = after;
		after = after->next;
	}
	block->size = size;
	block->next = after;
	if (after && adjacent(block, after)) {
		block->size += after->size;
		block->next = after->next;
		memset(after, 0, sizeof(*after));
	}
	if (!before) {
		arena.first = block;
	} else if (adjacent(before, block)) {
		before->size += block->size;
		before->next = block->next;
		memset(block, 0, sizeof(*block));
	} else {
		before->next = block;
	}
}

/* First fit; the rest of a larger block stays in the list. */
static void *arena_take(size_t size)
{
	for (struct block **link = &arena.first; *link; link = &(*link)->next) {
		struct block *block = *link;
		if (block->size < size)
			continue;
		struct block *next = block->next;
		if (block->size > size) {
			struct block *rest = (struct block *)(void *)((uint8_t *)block + size);
			rest->size = block->size - size;
			rest->next = next;
			next = rest;
		}
		*link = next;
		memset(block, 0, sizeof(*block));
		return block;
	}
	return NULL;
}

static bool arena_grow(size_t size)
{
	size_t region = round_up(size, REGION_SIZE);
	if (!region)
		return false;
	void *pages = mmap(NULL, region, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return false;
	if (mlock(pages, region) != 0 || madvise(pages, region, MADV_DONTDUMP) != 0) {
		munmap(pages, region);
		return false;
	}
	arena_insert(pages, region);
	return true;
}

void *secret_alloc(size_t size)
{
	size_t rounded = block_size(size);
	if (!rounded)
		return NULL;
	pthread_mutex_lock(&arena.mutex);
	void *secret = arena_take(rounded);
	if (!secret && arena_grow(rounded))
		secret = arena_take(rounded);
	pthread_mutex_unlock(&arena.mutex);
	return secret;
}

void secret_free(void *secret, size_t size)
{
	if (!secret)
		return;
	secret_wipe(secret, size);
	pthread_mutex_lock(&arena.mutex);
	arena_insert(secret, block_size(size));
	pthread_mutex_unlock(&arena.mutex);
}

void secret_wipe(void *secret, size_t size)
{
	if (size)
		explicit_bzero(secret, size);
}

bool secret_equal(const void *a, const void *b, size_t size)
{
	return memeql_sec(a, b, size);
}
