#include "server/core/audit_indexer.h"

#include <stdlib.h>
#include <string.h>

#include "server/core/audit_index.h"
#include "server/core/audit_read.h"
#include "server/core/rowmac.h"

enum { PAGES_AT_ONCE = 32 /* a transaction, so that requests come between */ };

struct indexing {
	struct store_job job; /* first: apply() is handed a pointer to it */
	const struct vault *vault;
	struct store_view *view;
	struct files_error *error;
	struct store_audit_run last; /* of the index; last 0: it is empty */
	struct store_audit_run run;  /* that is being made */
	struct audit_entry *entries;
	size_t count, cap;
	size_t written; /* entries that are in pages */
	bool done;
	uint64_t clean_first, clean_last, removed;
};

static enum core_status fail(const struct indexing *indexing, enum core_status status, const char *what)
{
	return files_fail(indexing->error, status, "the index of the audit log cannot be made: %s", what);
}

static enum core_status fail_store(const struct indexing *indexing, enum store_status status)
{
	return status == STORE_OK ? CORE_OK
				  : fail(indexing, core_from_store(status), "the database cannot be read or written");
}

static bool is_wide(const struct store_audit_run *run)
{
	return run->last - run->first + 1 == AUDIT_INDEX_WIDE;
}

/* ---- writing a run ------------------------------------------------------------------------------------------------
 */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct audit_entry));
}

/* The page that begins with entry number `from`. */
static enum store_status put_page(const struct indexing *indexing, struct store_txn *txn, size_t from)
{
	struct store_audit_page page = {.first = indexing->run.first, .last = indexing->run.last};
	const size_t left = indexing->count - from;
	const size_t count = left < AUDIT_INDEX_PAGE ? left : AUDIT_INDEX_PAGE;

	page.entries =
		(struct store_bytes){(const uint8_t *)(indexing->entries + from), count * sizeof(struct audit_entry)};
	if (from > 0)
		memcpy(page.low, indexing->entries[from].b, sizeof(page.low));
	if (count < left)
		memcpy(page.high, indexing->entries[from + count].b, sizeof(page.high));
	else
		memset(page.high, 0xff, sizeof(page.high));
	return rowmac_seal_audit_page(indexing->vault, &page) ? store_audit_page_put(txn, &page) : STORE_IO;
}

/* Some pages; with the last of them the row, in place of those of the runs that it was merged from. */
static enum store_status write_apply(struct store_job *job, struct store_txn *txn)
{
	struct indexing *indexing = (struct indexing *)job;
	size_t at = indexing->written;
	enum store_status status = STORE_OK;

	for (int i = 0; i < PAGES_AT_ONCE && status == STORE_OK && (at < indexing->count || at == 0); i++) {
		status = put_page(indexing, txn, at);
		at += AUDIT_INDEX_PAGE;
	}
	indexing->done = at >= indexing->count;
	if (status != STORE_OK || !indexing->done)
		return status;
	status = store_audit_run_remove(txn, indexing->run.first, indexing->run.last);
	return status == STORE_OK ? store_audit_run_insert(txn, &indexing->run) : status;
}

static enum core_status write_run(struct indexing *indexing)
{
	enum store_status status = STORE_OK;

	qsort(indexing->entries, indexing->count, sizeof(indexing->entries[0]), compare);
	indexing->run.entries = indexing->count;
	if (!rowmac_seal_audit_run(indexing->vault, &indexing->run))
		return fail(indexing, CORE_INTERNAL, "a row is too long");
	indexing->job.apply = write_apply;
	for (; status == STORE_OK && !indexing->done; indexing->written += PAGES_AT_ONCE * AUDIT_INDEX_PAGE)
		status = store_run(indexing->vault->store, &indexing->job);
	return fail_store(indexing, status);
}

static enum core_status make_room(struct indexing *indexing, size_t cap)
{
	indexing->entries = malloc(cap * sizeof(indexing->entries[0]));
	indexing->cap = cap;
	return indexing->entries ? CORE_OK : fail(indexing, CORE_NOMEM, "out of memory");
}

/* ---- of events ----------------------------------------------------------------------------------------------------
 */

static bool take_event(void *arg, uint64_t sequence, const struct audit_event *event, const uint8_t hash[static 32])
{
	struct indexing *indexing = arg;

	(void)hash;
	indexing->count += audit_index_entries(sequence, event, indexing->entries + indexing->count);
	return true;
}

static enum core_status index_block(struct indexing *indexing)
{
	uint64_t after = indexing->last.last;
	enum core_status status = make_room(indexing, 2 * (size_t)AUDIT_INDEX_BLOCK);

	if (status != CORE_OK)
		return status;
	indexing->run = (struct store_audit_run){.first = after + 1, .last = after + AUDIT_INDEX_BLOCK};
	status = audit_read(indexing->view, indexing->vault, &after, AUDIT_INDEX_BLOCK, take_event, indexing);
	if (status == CORE_OK && after != indexing->run.last)
		status = CORE_DAMAGED; /* the head is behind it */
	if (status != CORE_OK)
		return fail(indexing, status, "the log does not verify; coffer audit verify names the event");
	return write_run(indexing);
}

/* ---- of runs ------------------------------------------------------------------------------------------------------
 */

static void take_entries(void *arg, const struct audit_entry *entries, size_t count)
{
	struct indexing *indexing = arg;

	if (count > indexing->cap - indexing->count)
		count = indexing->cap - indexing->count; /* the number of the run's entries will tell */
	memcpy(indexing->entries + indexing->count, entries, count * sizeof(*entries));
	indexing->count += count;
}

static enum core_status merge(struct indexing *indexing, uint64_t first)
{
	enum core_status status = make_room(indexing, 2 * (size_t)AUDIT_INDEX_WIDE);

	indexing->run = (struct store_audit_run){.first = first, .last = first + AUDIT_INDEX_WIDE - 1};
	for (uint64_t next = first; status == CORE_OK && next < indexing->run.last; next += AUDIT_INDEX_BLOCK) {
		struct store_audit_run run;

		status = fail_store(indexing, store_audit_run_from(indexing->view, next, &run));
		if (status != CORE_OK)
			break;
		if (audit_index_run_good(indexing->vault, &run) && run.first == next && !is_wide(&run))
			status = audit_index_walk(indexing->view, indexing->vault, &run, take_entries, indexing);
		else
			status = CORE_DAMAGED;
		if (status != CORE_OK)
			status = fail(indexing, status, "it was altered; coffer audit index makes it anew");
	}
	return status == CORE_OK ? write_run(indexing) : status;
}

static enum store_status clean_apply(struct store_job *job, struct store_txn *txn)
{
	struct indexing *indexing = (struct indexing *)job;

	return store_audit_page_remove(txn, indexing->clean_first, indexing->clean_last, AUDIT_INDEX_BLOCK,
				       PAGES_AT_ONCE, &indexing->removed);
}

/* ---- steps --------------------------------------------------------------------------------------------------------
 */

/* What stands in [first, last] of merged runs' pages. *ret_clean: nothing does any more. */
static enum core_status clean(struct indexing *indexing, uint64_t first, uint64_t last, bool *ret_clean)
{
	enum store_status status;

	indexing->clean_first = first;
	indexing->clean_last = last;
	indexing->job.apply = clean_apply;
	status = store_run(indexing->vault->store, &indexing->job);
	*ret_clean = status == STORE_OK && indexing->removed < PAGES_AT_ONCE;
	return fail_store(indexing, status);
}

/* `wide`: the end of the last whole stretch that one merged run tells of. */
static enum core_status step(struct audit_indexer *indexer, struct indexing *indexing, uint64_t wide, bool *ret_more)
{
	uint64_t head;
	uint8_t hash[DIGEST_SIZE];
	struct store_audit_run run;
	enum core_status status = CORE_OK;
	bool is_clean = true;

	*ret_more = true;
	if (wide > indexer->cleaned) {
		const uint64_t first = wide - AUDIT_INDEX_WIDE + 1;

		status = fail_store(indexing, store_audit_run_from(indexing->view, first, &run));
		if (status != CORE_OK)
			return status;
		if (!is_wide(&run))
			return merge(indexing, first);
		status = clean(indexing, first, wide, &is_clean);
		if (is_clean)
			indexer->cleaned = wide;
		return status;
	}
	audit_head(indexing->vault, &head, hash);
	if (indexing->last.last + AUDIT_INDEX_BLOCK <= head)
		return index_block(indexing);
	*ret_more = false;
	return CORE_OK;
}

enum core_status audit_indexer_step(struct audit_indexer *indexer, const struct vault *vault, struct store_view *view,
				    bool *ret_more, struct files_error *error)
{
	struct indexing indexing = {.vault = vault, .view = view, .error = error};
	const enum store_status found = store_audit_run_last(view, &indexing.last);
	enum core_status status;

	*ret_more = false;
	if (found != STORE_OK && found != STORE_NOT_FOUND)
		return fail_store(&indexing, found);
	if (found == STORE_OK && !audit_index_run_good(vault, &indexing.last))
		return fail(&indexing, CORE_DAMAGED, "it was altered; coffer audit index makes it anew");
	status = step(indexer, &indexing, indexing.last.last - indexing.last.last % AUDIT_INDEX_WIDE, ret_more);
	free(indexing.entries);
	*ret_more = *ret_more && status == CORE_OK;
	return status;
}

static enum store_status forget_apply(struct store_job *job, struct store_txn *txn)
{
	(void)job;
	return store_audit_run_remove(txn, 0, INT64_MAX);
}

static enum store_status reset_apply(struct store_job *job, struct store_txn *txn)
{
	struct indexing *indexing = (struct indexing *)job;

	return store_audit_page_remove(txn, 0, INT64_MAX, INT64_MAX, PAGES_AT_ONCE, &indexing->removed);
}

enum core_status audit_indexer_reset(const struct vault *vault)
{
	struct indexing indexing = {.job = {.apply = forget_apply}};
	enum store_status status = store_run(vault->store, &indexing.job);

	indexing.job.apply = reset_apply;
	do {
		indexing.removed = 0;
		if (status == STORE_OK)
			status = store_run(vault->store, &indexing.job);
	} while (status == STORE_OK && indexing.removed == PAGES_AT_ONCE);
	return core_from_store(status);
}
