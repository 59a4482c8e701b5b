#include "db/sql.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 5000, CHECKPOINT_BUSY_MS = 500, PROGRESS_STEPS = 10000 };

struct sql {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	size_t page_size, wal_pages;
	bool (*stop)(void *arg);
	void *stop_arg;
};

static enum store_status from_sqlite(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return STORE_OK;
	case SQLITE_CONSTRAINT:
		/* CHECK, NOT NULL and the like are a row that no caller should have made. */
		return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
				       code == SQLITE_CONSTRAINT_ROWID
			       ? STORE_CONFLICT
			       : STORE_IO;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_INTERRUPT:
		return STORE_BUSY;
	case SQLITE_FULL:
		return STORE_NO_SPACE;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return STORE_CORRUPT;
	case SQLITE_NOMEM:
		return STORE_NOMEM;
	default:
		return STORE_IO;
	}
}

static int note_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct sql *sql = arg;

	(void)db;
	(void)name;
	sql->wal_pages = (size_t)pages;
	return SQLITE_OK;
}

/*
 * The file is made here, so that it never exists with a mode that others can read. One that exists is not opened:
 * closing any descriptor of it would drop the locks that all of this process's connections hold on it, and another
 * program's connection would then take itself for the last one and remove the write-ahead log.
 */
static enum store_status make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EEXIST ? STORE_OK : STORE_IO;
	return close(fd) == 0 ? STORE_OK : STORE_IO;
}

static enum store_status read_page_size(struct sql *sql)
{
	struct sql_call call;

	sql_call(sql, STATEMENT_PAGE_SIZE, &call);
	if (sql_step(&call))
		sql->page_size = (size_t)sql_get_u64(&call);
	return sql_end(&call);
}

static enum store_status configure(struct sql *sql, enum sql_mode mode)
{
	/* Whoever reads a record copies three pages that it does not share with the one before: small ones. A database
	 * that exists keeps the size that it was made with. */
	static const char PRAGMAS[] = "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
				      "PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=ON;";
	/* Temporary tables in memory: a read-only root has no place for files. */
	static const char COMMON[] = "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=0; PRAGMA temp_store=MEMORY;";
	enum store_status status;

	sqlite3_extended_result_codes(sql->db, 1);
	sqlite3_busy_timeout(sql->db, BUSY_MS);
	sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	status = sql_exec(sql, COMMON);
	/* Whoever serves reads rows that MACs and tags vouch for; damage is looked for by the others. */
	if (status == STORE_OK && mode != SQL_SERVE)
		status = sql_exec(sql, "PRAGMA cell_size_check=ON;");
	if (status == STORE_OK && mode == SQL_WRITE)
		status = sql_exec(sql, PRAGMAS);
	if (status == STORE_OK && mode == SQL_WRITE)
		status = read_page_size(sql);
	sqlite3_wal_hook(sql->db, note_wal, sql);
	return status;
}

enum store_status sql_open(const char *path, enum sql_mode mode, struct sql **ret_sql)
{
	const int flags = (mode == SQL_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) |
			  SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW;
	struct sql *sql = calloc(1, sizeof(*sql));
	enum store_status status = STORE_OK;

	if (!sql)
		return STORE_NOMEM;
	if (mode == SQL_WRITE)
		status = make_file(path);
	if (status == STORE_OK)
		status = from_sqlite(sqlite3_open_v2(path, &sql->db, flags, NULL));
	if (status == STORE_OK)
		status = configure(sql, mode);
	if (status != STORE_OK) {
		sql_close(sql);
		return status;
	}
	*ret_sql = sql;
	return STORE_OK;
}

void sql_close(struct sql *sql)
{
	if (!sql)
		return;
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(sql->statements[i]);
	sqlite3_close_v2(sql->db);
	free(sql);
}

enum store_status sql_exec(struct sql *sql, const char *text)
{
	return from_sqlite(sqlite3_exec(sql->db, text, NULL, NULL, NULL));
}

bool sql_in_transaction(const struct sql *sql)
{
	return !sqlite3_get_autocommit(sql->db);
}

uint64_t sql_rows_written(const struct sql *sql)
{
	return (uint64_t)sqlite3_total_changes64(sql->db);
}

size_t sql_wal_bytes(const struct sql *sql)
{
	return sql->wal_pages * sql->page_size;
}

enum store_status sql_checkpoint(struct sql *sql, enum sql_checkpoint kind)
{
	static const int MODES[] = {[SQL_PASSIVE] = SQLITE_CHECKPOINT_PASSIVE,
				    [SQL_RESTART] = SQLITE_CHECKPOINT_RESTART,
				    [SQL_TRUNCATE] = SQLITE_CHECKPOINT_TRUNCATE};
	enum store_status status;

	/* Writers wait meanwhile. A snapshot of coffer's own lasts milliseconds; one that lasts longer is a check of
	 * the whole store, or another program's, and would be waited for in vain. */
	sqlite3_busy_timeout(sql->db, CHECKPOINT_BUSY_MS);
	status = from_sqlite(sqlite3_wal_checkpoint_v2(sql->db, NULL, MODES[kind], NULL, NULL));
	sqlite3_busy_timeout(sql->db, BUSY_MS);
	if (status == STORE_OK && kind != SQL_PASSIVE)
		sql->wal_pages = 0;
	return status;
}

static int ask_stop(void *arg)
{
	struct sql *sql = arg;

	return sql->stop(sql->stop_arg);
}

void sql_set_interrupt(struct sql *sql, bool (*stop)(void *arg), void *arg)
{
	sql->stop = stop;
	sql->stop_arg = arg;
	sqlite3_progress_handler(sql->db, stop ? PROGRESS_STEPS : 0, stop ? ask_stop : NULL, sql);
}

void sql_interrupt(struct sql *sql)
{
	sqlite3_interrupt(sql->db);
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

static void stick(struct sql_call *call, enum store_status status)
{
	if (call->status == STORE_OK)
		call->status = status;
}

void sql_call(struct sql *sql, enum statement id, struct sql_call *ret_call)
{
	*ret_call = (struct sql_call){.status = STORE_OK};
	if (!sql->statements[id])
		stick(ret_call, from_sqlite(sqlite3_prepare_v3(sql->db, statement_text(id), -1,
							       SQLITE_PREPARE_PERSISTENT, &sql->statements[id], NULL)));
	ret_call->statement = sql->statements[id];
}

void sql_put_u64(struct sql_call *call, uint64_t value)
{
	sql_put_i64(call, (int64_t)value);
}

void sql_put_i64(struct sql_call *call, int64_t value)
{
	if (call->status == STORE_OK)
		stick(call, from_sqlite(sqlite3_bind_int64(call->statement, ++call->bound, value)));
}

void sql_put_blob(struct sql_call *call, const void *bytes, size_t size)
{
	/* A NULL pointer would bind NULL; an empty blob is meant. */
	if (call->status == STORE_OK)
		stick(call, from_sqlite(sqlite3_bind_blob64(call->statement, ++call->bound, bytes ? bytes : "", size,
							    SQLITE_STATIC)));
}

void sql_put_text(struct sql_call *call, const char *text)
{
	if (call->status == STORE_OK)
		stick(call, from_sqlite(sqlite3_bind_text(call->statement, ++call->bound, text, -1, SQLITE_STATIC)));
}

void sql_put_text_bytes(struct sql_call *call, struct store_bytes text)
{
	if (call->status == STORE_OK)
		stick(call, from_sqlite(sqlite3_bind_text(call->statement, ++call->bound,
							  text.size ? (const char *)text.data : "", (int)text.size,
							  SQLITE_STATIC)));
}

bool sql_step(struct sql_call *call)
{
	int code;

	if (call->status != STORE_OK || call->done)
		return false;
	code = sqlite3_step(call->statement);
	call->column = 0;
	call->done = code != SQLITE_ROW;
	stick(call, from_sqlite(code));
	return code == SQLITE_ROW;
}

uint64_t sql_get_u64(struct sql_call *call)
{
	return (uint64_t)sql_get_i64(call);
}

int64_t sql_get_i64(struct sql_call *call)
{
	if (sqlite3_column_type(call->statement, call->column) != SQLITE_INTEGER)
		stick(call, STORE_CORRUPT);
	return sqlite3_column_int64(call->statement, call->column++);
}

uint8_t sql_get_u8(struct sql_call *call)
{
	uint64_t value = sql_get_u64(call);

	if (value > UINT8_MAX)
		stick(call, STORE_CORRUPT);
	return (uint8_t)value;
}

uint32_t sql_get_u32(struct sql_call *call)
{
	uint64_t value = sql_get_u64(call);

	if (value > UINT32_MAX)
		stick(call, STORE_CORRUPT);
	return (uint32_t)value;
}

struct store_bytes sql_get_bytes(struct sql_call *call)
{
	struct store_bytes bytes;

	bytes.data = sqlite3_column_blob(call->statement, call->column);
	bytes.size = (size_t)sqlite3_column_bytes(call->statement, call->column++);
	return bytes;
}

void sql_get_fixed(struct sql_call *call, void *ret_bytes, size_t size)
{
	struct store_bytes bytes = sql_get_bytes(call);

	if (bytes.size != size) {
		stick(call, STORE_CORRUPT);
		return;
	}
	for (size_t i = 0; i < size; i++)
		((uint8_t *)ret_bytes)[i] = bytes.data[i];
}

enum store_status sql_end(struct sql_call *call)
{
	if (call->statement) {
		sqlite3_reset(call->statement); /* its code was seen by step */
		sqlite3_clear_bindings(call->statement);
	}
	return call->status;
}

enum store_status sql_run(struct sql *sql, struct sql_call *call, uint64_t *ret_changed)
{
	enum store_status status;

	while (sql_step(call))
		continue;
	status = sql_end(call);
	if (status == STORE_OK && ret_changed)
		*ret_changed = (uint64_t)sqlite3_changes64(sql->db);
	return status;
}

enum store_status sql_do(struct sql *sql, enum statement id)
{
	struct sql_call call;

	sql_call(sql, id, &call);
	return sql_run(sql, &call, NULL);
}

void sql_library(char ret_built[static 32], char ret_runs[static 32])
{
	snprintf(ret_built, 32, "%s", SQLITE_VERSION);
	snprintf(ret_runs, 32, "%s", sqlite3_libversion());
}
