/* What every fallible function of db/ returns: a closed list. */
#ifndef COFFER_DB_STATUS_H
#define COFFER_DB_STATUS_H

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

enum store_status {
	STORE_OK = 0,
	STORE_NOT_FOUND, /* no such row */
	STORE_CONFLICT,	 /* a uniqueness constraint: a result, not a fault */
	STORE_BUSY,	 /* the queue is full: try again later */
	STORE_NO_SPACE,	 /* the disk is full, or its free space below the watermark that was asked about */
	STORE_CORRUPT,	 /* the file is no database, or SQLite finds it damaged */
	STORE_IO,	 /* reading or writing failed; what was asked for did not happen */
	STORE_UNKNOWN,	 /* COMMIT failed: what was asked for may or may not be durable */
	STORE_NOMEM,
	STORE_NEWER,   /* the schema is of a later release */
	STORE_OLDER,   /* the schema is of an earlier one, and was not to be written */
	STORE_LOCKED,  /* another process has the store open */
	STORE_STOPPED, /* the store is closing */
};

/* A lower-case phrase for messages; never NULL. */
const char *store_status_text(enum store_status status);

#endif
