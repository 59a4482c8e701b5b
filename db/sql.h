/* SQLite, thinly: connections with cached statements, and calls whose errors stick until they end. */
#ifndef COFFER_DB_SQL_H
#define COFFER_DB_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/statements.h"
#include "db/store.h"

struct sql;

enum sql_mode {
	SQL_WRITE, /* makes the file when it is missing */
	SQL_READ,
	SQL_SERVE, /* as SQL_READ, without a look at every cell of each page that is read: an eighth of a GET */
};

MUST_CHECK enum store_status sql_open(const char *path, enum sql_mode mode, struct sql **ret_sql);
void sql_close(struct sql *sql);

/* Runs a text without results. */
MUST_CHECK enum store_status sql_exec(struct sql *sql, const char *text);
/* Whether a transaction is open: some failures end it. */
bool sql_in_transaction(const struct sql *sql);
/* Rows that this connection has inserted, changed or deleted since it was opened. */
uint64_t sql_rows_written(const struct sql *sql);
/* Bytes of pages in the write-ahead log after the last commit of this connection, one that writes. */
size_t sql_wal_bytes(const struct sql *sql);
enum sql_checkpoint { SQL_PASSIVE, SQL_RESTART, SQL_TRUNCATE };
MUST_CHECK enum store_status sql_checkpoint(struct sql *sql, enum sql_checkpoint kind);
/* Calls `stop` now and then while a statement runs; true interrupts it. */
void sql_set_interrupt(struct sql *sql, bool (*stop)(void *arg), void *arg);

/* From any thread: what the connection runs ends with STORE_BUSY. */
void sql_interrupt(struct sql *sql);

/*
 * One execution of a statement: put its parameters, borrowed until the end, in order, then step and get columns in
 * order, then end. Failures stick; sql_end() gives the first of them. A column of another length than asked for is
 * STORE_CORRUPT.
 */
struct sql_call {
	void *statement;
	int bound, column;
	bool done;
	enum store_status status;
};

void sql_call(struct sql *sql, enum statement id, struct sql_call *ret_call);
void sql_put_u64(struct sql_call *call, uint64_t value);
void sql_put_i64(struct sql_call *call, int64_t value);
void sql_put_blob(struct sql_call *call, const void *bytes, size_t size);
void sql_put_text(struct sql_call *call, const char *text);
/* Without NUL, valid UTF-8. */
void sql_put_text_bytes(struct sql_call *call, struct store_bytes text);
/* True when there is a row. */
bool sql_step(struct sql_call *call);
uint64_t sql_get_u64(struct sql_call *call);
int64_t sql_get_i64(struct sql_call *call);
/* STORE_CORRUPT outside their range: a low byte must not pass for the whole. */
uint8_t sql_get_u8(struct sql_call *call);
uint32_t sql_get_u32(struct sql_call *call);
void sql_get_fixed(struct sql_call *call, void *ret_bytes, size_t size);
/* Valid until the next step or the end. */
struct store_bytes sql_get_bytes(struct sql_call *call);
/* Resets the statement. */
MUST_CHECK enum store_status sql_end(struct sql_call *call);
/* Steps to the end and ends; *ret_changed (may be NULL): rows written. */
MUST_CHECK enum store_status sql_run(struct sql *sql, struct sql_call *call, uint64_t *ret_changed);

/* Runs a statement without parameters and results, one that is run often: it stays prepared. */
MUST_CHECK enum store_status sql_do(struct sql *sql, enum statement id);

/* The library's version that this was built with, and the one that runs. */
void sql_library(char ret_built[static 32], char ret_runs[static 32]);

#endif
