/* What only a check of the whole store reads. */
#include <string.h>

#include "db/internal.h"

static const uint8_t FIRST_ID[16];

enum store_status store_record_walk(struct store_view *view, const uint8_t *after, size_t limit, uint8_t (*ret_ids)[16],
				    size_t *ret_count)
{
	struct sql_call call;
	size_t count = 0;

	sql_call(view->sql, STATEMENT_RECORD_WALK, &call);
	sql_put_blob(&call, after ? after : FIRST_ID, 16);
	sql_put_u64(&call, limit);
	while (count < limit && sql_step(&call))
		sql_get_fixed(&call, ret_ids[count++], 16);
	*ret_count = count;
	return sql_end(&call);
}

enum store_status store_record_last(struct store_view *view, uint8_t ret_id[static 16])
{
	struct sql_call call;
	enum store_status status;
	bool found;

	sql_call(view->sql, STATEMENT_RECORD_LAST, &call);
	found = sql_step(&call);
	if (found)
		sql_get_fixed(&call, ret_id, 16);
	status = sql_end(&call);
	return status == STORE_OK && !found ? STORE_NOT_FOUND : status;
}

enum store_status store_record_version(struct store_view *view, const uint8_t record_id[static 16],
				       uint64_t *ret_version)
{
	struct sql_call call;
	enum store_status status;
	bool found;

	sql_call(view->sql, STATEMENT_RECORD_VERSION, &call);
	sql_put_blob(&call, record_id, 16);
	found = sql_step(&call);
	if (found)
		*ret_version = sql_get_u64(&call);
	status = sql_end(&call);
	return status == STORE_OK && !found ? STORE_NOT_FOUND : status;
}

enum store_status store_blob_get(struct store_view *view, uint64_t blob_id, bool *ret_linked, uint64_t *ret_chunks)
{
	enum { BLOB_LINKED = 1 };
	struct sql_call call;
	enum store_status status;
	bool found;

	sql_call(view->sql, STATEMENT_BLOB_GET, &call);
	sql_put_u64(&call, blob_id);
	found = sql_step(&call);
	if (found) {
		*ret_linked = sql_get_u64(&call) == BLOB_LINKED;
		*ret_chunks = sql_get_u64(&call);
	}
	status = sql_end(&call);
	return status == STORE_OK && !found ? STORE_NOT_FOUND : status;
}

static const enum statement ORPHANS[] = {
	[STORE_ORPHAN_WRAP_KEK] = STATEMENT_ORPHAN_WRAP_KEKS, [STORE_ORPHAN_VERSION] = STATEMENT_ORPHAN_VERSIONS,
	[STORE_ORPHAN_OWNER] = STATEMENT_ORPHAN_OWNERS,	      [STORE_ORPHAN_TOKEN] = STATEMENT_ORPHAN_TOKENS,
	[STORE_ORPHAN_ANSWER] = STATEMENT_ORPHAN_ANSWERS,     [STORE_ORPHAN_KEY] = STATEMENT_ORPHAN_KEYS,
	[STORE_ORPHAN_GRANT] = STATEMENT_ORPHAN_GRANTS,	      [STORE_ORPHAN_BLOB] = STATEMENT_ORPHAN_BLOBS,
	[STORE_ORPHAN_CHUNK] = STATEMENT_ORPHAN_CHUNKS,
};
_Static_assert(sizeof(ORPHANS) / sizeof(ORPHANS[0]) == STORE_ORPHAN_KINDS, "each kind has one statement");

enum store_status store_orphan_list(struct store_view *view, enum store_orphan kind, store_orphan_visit *each,
				    void *arg)
{
	struct sql_call call;

	sql_call(view->sql, ORPHANS[kind], &call);
	while (sql_step(&call)) {
		uint8_t id[16];
		uint64_t number;

		sql_get_fixed(&call, id, sizeof(id));
		number = sql_get_u64(&call);
		if (call.status != STORE_OK)
			break;
		each(arg, kind, id, number);
	}
	return sql_end(&call);
}

enum store_status store_integrity(struct store_view *view, void (*each)(void *arg, const char *line), void *arg)
{
	struct sql_call call;

	sql_call(view->sql, STATEMENT_INTEGRITY_CHECK, &call);
	while (sql_step(&call)) {
		const struct store_bytes bytes = sql_get_bytes(&call);
		char line[256];
		const size_t size = bytes.size < sizeof(line) ? bytes.size : sizeof(line) - 1;

		memcpy(line, bytes.data, size);
		line[size] = '\0';
		if (strcmp(line, "ok") != 0)
			each(arg, line);
	}
	return sql_end(&call);
}

void store_view_interrupt(struct store_view *view)
{
	sql_interrupt(view->sql);
}
