/* What a running store tells of itself: for those who watch it. */
#ifndef COFFER_DB_FIGURES_H
#define COFFER_DB_FIGURES_H

#include "db/store.h"

struct store_figures {
	uint64_t database_bytes; /* of the file; 0 when it cannot be looked at */
	uint64_t wal_bytes;	 /* of the write-ahead log beside it */
	uint64_t free_bytes;	 /* on its file system, at most a second old */
	uint64_t watermark_bytes, reserve_bytes;
	size_t waiting;	    /* jobs */
	size_t queue_depth; /* as many may wait */
};

/* Any thread. */
void store_figures(struct store *store, struct store_figures *ret_figures);

/* The version of SQLite that this was built with, and the one that runs: "3.40.1". */
void store_library(char ret_built[static 32], char ret_runs[static 32]);

#endif
