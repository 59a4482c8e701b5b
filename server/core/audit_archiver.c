#include "server/core/audit_archiver.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/audit.h"
#include "server/core/audit_archive.h"
#include "server/core/clock.h"
#include "server/core/rowmac.h"

/* Events a transaction, so that requests come between. */
enum { REMOVE_AT_ONCE = 1000 };

struct archiving {
	struct store_job job; /* first: apply() is handed a pointer to it */
	const struct vault *vault;
	struct store_view *view;
	const struct audit_archiver_options *options;
	struct files_error *error;
	struct store_audit_segment base; /* the last that was archived; last 0: none was */
	struct store_audit_segment row;	 /* the next; last 0: there is none */
	uint64_t head;			 /* the last event that is durable */
	uint64_t removed;
	/* While events are taken. */
	uint8_t hash[DIGEST_SIZE];
	uint64_t taken;
	bool bad;
	struct wire_out out;
	size_t size; /* of `out`, up to row.last */
};

static enum core_status fail(const struct archiving *archiving, enum core_status status, const char *what)
{
	return files_fail(archiving->error, status, "the audit log cannot be archived: %s", what);
}

static enum core_status fail_store(const struct archiving *archiving, enum store_status status)
{
	return status == STORE_OK ? CORE_OK
				  : fail(archiving, core_from_store(status), "the database cannot be read or written");
}

/* ---- what the database need not keep ------------------------------------------------------------------------------
 */

static bool note_sequence(void *arg, const struct store_audit_event *row)
{
	*(uint64_t *)arg = row->sequence;
	return false;
}

static enum store_status remove_apply(struct store_job *job, struct store_txn *txn)
{
	struct archiving *archiving = (struct archiving *)job;

	return store_audit_remove(txn, archiving->base.last, REMOVE_AT_ONCE, &archiving->removed);
}

/* A backup may have been put back without its archive. */
static enum core_status need_file(const struct archiving *archiving)
{
	const enum core_status status = audit_archive_has(archiving->vault, &archiving->base);
	char name[AUDIT_ARCHIVE_NAME];

	if (status != CORE_NOT_FOUND && status != CORE_DAMAGED)
		return status == CORE_OK ? status : fail(archiving, status, "its last segment cannot be read");
	audit_archive_name(archiving->base.first, name);
	return files_fail(archiving->error, CORE_DAMAGED,
			  "the audit log cannot be archived: %s is missing or damaged, so its events stay in the "
			  "database",
			  name);
}

/* *ret_more: there were some. */
static enum core_status drop_archived(struct archiving *archiving, bool *ret_more)
{
	enum core_status file;
	uint64_t first = UINT64_MAX;
	enum store_status status = store_audit_list(archiving->view, 0, 1, note_sequence, &first);

	*ret_more = status == STORE_OK && first <= archiving->base.last;
	if (*ret_more) {
		file = need_file(archiving);
		if (file != CORE_OK)
			return file;
		archiving->job.apply = remove_apply;
		status = store_run(archiving->vault->store, &archiving->job);
	}
	return fail_store(archiving, status);
}

/* ---- what is due ---------------------------------------------------------------------------------------------------
 */

static bool note_time(void *arg, const struct store_audit_event *row)
{
	struct audit_event event;
	uint64_t sequence;
	const bool good = audit_decode(row->event.data, row->event.size, &sequence, &event);

	*(int64_t *)arg = good ? event.time_ms : INT64_MIN; /* taking it will say what is wrong */
	return false;
}

/* Whether the event with this number was made before then. */
static enum core_status is_before(const struct archiving *archiving, uint64_t sequence, int64_t ms, bool *ret_before)
{
	int64_t time_ms = INT64_MAX;
	const enum store_status status = store_audit_list(archiving->view, sequence - 1, 1, note_time, &time_ms);

	*ret_before = time_ms < ms;
	return fail_store(archiving, status);
}

static enum core_status is_due(const struct archiving *archiving, bool *ret_due)
{
	const uint64_t first = archiving->base.last + 1, full = archiving->base.last + AUDIT_SEGMENT_EVENTS;
	enum core_status status = CORE_OK;

	*ret_due = false;
	if (first < archiving->head)
		status = is_before(archiving, first, archiving->options->late_ms, ret_due);
	if (status == CORE_OK && !*ret_due && full < archiving->head)
		status = is_before(archiving, full, archiving->options->before_ms, ret_due);
	return status;
}

/* ---- a segment -----------------------------------------------------------------------------------------------------
 */

/*
 * An event is no younger than one that follows it, whatever its own time says: a clock that once ran ahead must not
 * keep the log from being archived.
 */
static bool take_event(void *arg, const struct store_audit_event *row)
{
	struct archiving *archiving = arg;
	struct audit_event event;

	if (row->sequence >= archiving->head)
		return false;
	archiving->bad = row->sequence != archiving->row.first + archiving->taken ||
			 audit_fit(archiving->vault, archiving->hash, row, &event) != AUDIT_FITS;
	if (archiving->bad)
		return false;
	archiving->taken++;
	memcpy(archiving->hash, row->hash, sizeof(archiving->hash));
	audit_segment_put_event(&archiving->out, row);
	if (event.time_ms < archiving->options->before_ms) {
		archiving->row.last = row->sequence;
		memcpy(archiving->row.hash, row->hash, sizeof(archiving->row.hash));
		archiving->size = archiving->out.used;
	}
	return true;
}

/* To the buffer, which is AUDIT_SEGMENT_FILE_MAX bytes. */
static enum core_status take_events(struct archiving *archiving, uint8_t *buffer)
{
	struct wire_out header;
	struct audit_segment segment = {.first = archiving->base.last + 1};
	enum store_status status;

	archiving->row = (struct store_audit_segment){.first = segment.first, .created_ms = clock_unix_ms()};
	memcpy(archiving->row.previous, archiving->base.hash, sizeof(archiving->row.previous));
	memcpy(archiving->hash, archiving->base.hash, sizeof(archiving->hash));
	wire_out_init(&archiving->out, buffer, AUDIT_SEGMENT_FILE_MAX);
	audit_segment_put_header(&archiving->out, &segment); /* its place: the end is not known yet */
	status = store_audit_list(archiving->view, archiving->base.last, AUDIT_SEGMENT_EVENTS, take_event, archiving);
	if (status != STORE_OK)
		return fail_store(archiving, status);
	if (archiving->bad)
		return fail(archiving, CORE_DAMAGED, "it does not verify; coffer audit verify names the event");
	segment.last = archiving->row.last;
	memcpy(segment.store_id, archiving->vault->store_id, sizeof(segment.store_id));
	memcpy(segment.previous, archiving->row.previous, sizeof(segment.previous));
	wire_out_init(&header, buffer, AUDIT_SEGMENT_HEADER);
	audit_segment_put_header(&header, &segment);
	return CORE_OK;
}

static enum core_status write_file(const struct archiving *archiving, const uint8_t *bytes)
{
	struct audit_archive_file file = {.bytes = NULL};
	char path[PATH_MAX];
	enum core_status status = audit_archive_path(archiving->vault, archiving->row.first, path);

	if (status != CORE_OK)
		return fail(archiving, status, "the path of its archive is too long");
	status = files_directory(archiving->vault->archive, true, archiving->error);
	if (status == CORE_OK)
		status = files_write(path, 0600, bytes, archiving->size, archiving->error);
	if (status != CORE_OK)
		return status;
	status = audit_archive_open(archiving->vault, &archiving->row, &file);
	if (status == CORE_OK &&
	    (file.reader.in.size != archiving->size || memcmp(file.bytes, bytes, archiving->size) != 0))
		status = CORE_DAMAGED;
	audit_archive_close(&file);
	return status == CORE_OK ? status : fail(archiving, status, "what was written cannot be read back");
}

static enum store_status segment_apply(struct store_job *job, struct store_txn *txn)
{
	return store_audit_segment_insert(txn, &((struct archiving *)job)->row);
}

static enum core_status make_segment(struct archiving *archiving)
{
	uint8_t *buffer = malloc(AUDIT_SEGMENT_FILE_MAX);
	enum core_status status =
		buffer ? take_events(archiving, buffer) : fail(archiving, CORE_NOMEM, "out of memory");

	if (status == CORE_OK && archiving->row.last != 0)
		status = write_file(archiving, buffer);
	free(buffer);
	if (status != CORE_OK || archiving->row.last == 0)
		return status;
	if (!rowmac_seal_audit_segment(archiving->vault, &archiving->row))
		return fail(archiving, CORE_INTERNAL, "a row is too long");
	archiving->job.apply = segment_apply;
	return fail_store(archiving, store_run(archiving->vault->store, &archiving->job));
}

enum core_status audit_archiver_step(const struct vault *vault, struct store_view *view,
				     const struct audit_archiver_options *options, bool *ret_more,
				     struct files_error *error)
{
	struct archiving archiving = {.vault = vault, .view = view, .options = options, .error = error};
	uint8_t hash[DIGEST_SIZE];
	bool due = false;
	enum core_status status;
	const enum store_status found = store_audit_segment_last(view, &archiving.base);

	*ret_more = false;
	audit_head(vault, &archiving.head, hash);
	if (found != STORE_OK && found != STORE_NOT_FOUND)
		return fail_store(&archiving, found);
	if (found == STORE_OK && !rowmac_check_audit_segment(vault, &archiving.base))
		return fail(&archiving, CORE_DAMAGED, "the row of its last segment was altered");
	status = drop_archived(&archiving, ret_more);
	if (status != CORE_OK || *ret_more)
		return status;
	status = is_due(&archiving, &due);
	if (status != CORE_OK || !due)
		return status;
	status = make_segment(&archiving);
	*ret_more = status == CORE_OK && archiving.row.last != 0;
	return status;
}
