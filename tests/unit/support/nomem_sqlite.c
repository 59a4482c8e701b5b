#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/support/nomem.h"
#include "tests/unit/support/nomem_internal.h"

static sqlite3_mem_methods real;

static void *hooked_malloc(int size)
{
	return nomem_now() ? NULL : real.xMalloc(size);
}

static void *hooked_realloc(void *block, int size)
{
	return nomem_now() ? NULL : real.xRealloc(block, size);
}

void nomem_sqlite(void)
{
	sqlite3_mem_methods hooked;

	/* SQLite's methods exist only once it has been started, and can be replaced only once it has been stopped. */
	if (sqlite3_initialize() != SQLITE_OK || sqlite3_shutdown() != SQLITE_OK ||
	    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK) {
		fprintf(stderr, "nomem: SQLite does not show its allocator\n");
		abort();
	}
	hooked = real;
	hooked.xMalloc = hooked_malloc;
	hooked.xRealloc = hooked_realloc;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &hooked) != SQLITE_OK || sqlite3_initialize() != SQLITE_OK) {
		fprintf(stderr, "nomem: SQLite does not take an allocator\n");
		abort();
	}
}
