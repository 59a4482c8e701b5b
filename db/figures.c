#include "db/figures.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "db/internal.h"

static uint64_t size_of(const char *path, const char *suffix)
{
	char name[PATH_MAX];
	struct stat found;

	if (snprintf(name, sizeof(name), "%s%s", path, suffix) >= (int)sizeof(name) || stat(name, &found) != 0)
		return 0;
	return (uint64_t)found.st_size;
}

void store_figures(struct store *store, struct store_figures *ret_figures)
{
	size_t waiting;

	pthread_mutex_lock(&store->lock);
	waiting = store->job_count;
	pthread_mutex_unlock(&store->lock);
	*ret_figures = (struct store_figures){
		.database_bytes = size_of(store->path, ""),
		.wal_bytes = size_of(store->path, "-wal"),
		.free_bytes = atomic_load(&store->free_bytes),
		.watermark_bytes = store->options.watermark_bytes,
		.reserve_bytes = store->options.reserve_bytes,
		.waiting = waiting,
		.queue_depth = store->options.queue_depth,
	};
}

void store_library(char ret_built[static 32], char ret_runs[static 32])
{
	sql_library(ret_built, ret_runs);
}
