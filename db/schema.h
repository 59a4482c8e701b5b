/* The tables, and how a database of an earlier release becomes one of this. */
#ifndef COFFER_DB_SCHEMA_H
#define COFFER_DB_SCHEMA_H

#include "db/sql.h"

/* Runs the migrations that the database lacks, each in a transaction of its own. STORE_NEWER for a later schema. */
MUST_CHECK enum store_status schema_migrate(struct sql *sql);
/* STORE_OK when the schema is the current one; STORE_NEWER, STORE_OLDER, or STORE_CORRUPT when it has none. */
MUST_CHECK enum store_status schema_check(struct sql *sql);

#endif
