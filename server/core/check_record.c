/* One record: whether its rows belong together, then each of its versions. */
#include <stdlib.h>
#include <string.h>

#include "server/core/check_internal.h"
#include "server/core/rowmac.h"

static enum core_status note(struct check_worker *w, const uint8_t id[static 16], enum check_failure failure,
			     uint64_t version, uint64_t last)
{
	struct check_fault fault = {.failure = failure, .version = version, .version_last = last};

	memcpy(fault.id, id, sizeof(fault.id));
	return check_note(w, &fault);
}

/* ---- reading the rows ------------------------------------------------------------------------------------------- */

struct listing {
	struct check_worker *worker;
	enum core_status status;
};

static enum core_status add_row(struct check_worker *w, struct check_row row)
{
	if (w->row_count == w->row_room) {
		const size_t room = w->row_room ? 2 * w->row_room : 64;
		struct check_row *rows = realloc(w->rows, room * sizeof(*rows));

		if (!rows)
			return CORE_NOMEM;
		w->rows = rows;
		w->row_room = room;
	}
	w->rows[w->row_count++] = row;
	return CORE_OK;
}

static bool list_row(void *arg, const struct store_version *row)
{
	struct listing *listing = arg;
	struct check_worker *w = listing->worker;
	const struct check_row found = {
		.version = row->version,
		.state = row->state,
		.condition = rowmac_check_version(w->vault, row) ? CHECK_ROW_GOOD : CHECK_ROW_FORGED,
	};

	listing->status = add_row(w, found);
	return listing->status == CORE_OK;
}

/*
 * A row that cannot be read ends a listing; it is taken for the one that should come next, and the rest is listed
 * after it. Where nothing can be read after it either, it stands for all that follow.
 */
static enum core_status list_rows(struct check_worker *w, const uint8_t id[static 16])
{
	struct listing listing = {.worker = w, .status = CORE_OK};
	bool lost = false;

	for (;;) {
		const size_t before = w->row_count;
		const uint64_t after = before > 0 ? w->rows[before - 1].version : 0;
		const enum store_status status = store_version_list(w->view, id, after, INT64_MAX, list_row, &listing);
		struct check_row next = {.condition = CHECK_ROW_LOST};

		if (listing.status != CORE_OK || status == STORE_OK)
			return listing.status;
		if (!check_is_finding(status))
			return core_from_store(status);
		if (lost && w->row_count == before)
			return CORE_OK;
		lost = true;
		next.version = (w->row_count > 0 ? w->rows[w->row_count - 1].version : 0) + 1;
		listing.status = add_row(w, next);
		if (listing.status != CORE_OK)
			return listing.status;
	}
}

/* ---- judging them ------------------------------------------------------------------------------------------------ */

/* Beside what a tombstone's MAC covers, which is all of it but these. */
static bool holds_more(const struct store_version *row)
{
	static const uint8_t NONE[32];
	const struct store_wrap *wrap = &row->wrap;

	return wrap->rsa.size > 0 || wrap->epoch.size > 0 || row->inline_chunk.size > 0 || wrap->revision != 0 ||
	       memcmp(wrap->kek_id, NONE, sizeof(NONE)) != 0 || memcmp(wrap->mac, NONE, sizeof(NONE)) != 0;
}

/* Of a deleted record the tombstone alone is left. */
static enum core_status judge_deleted(struct check_worker *w, const uint8_t id[static 16])
{
	const struct check_row *tombstone = &w->rows[w->row_count - 1];
	struct store_version *row = NULL;
	enum core_status status = CORE_OK;
	enum store_status found;

	for (size_t i = 0; i + 1 < w->row_count && status == CORE_OK; i++)
		status = note(w, id, CHECK_REMNANT, w->rows[i].version, w->rows[i].version);
	if (status != CORE_OK)
		return status;
	found = store_version_get(w->view, id, tombstone->version, &row);
	if (found != STORE_OK)
		return check_is_finding(found)
			       ? note(w, id, CHECK_ROW_UNREADABLE, tombstone->version, tombstone->version)
			       : core_from_store(found);
	if (holds_more(row))
		status = note(w, id, CHECK_REMNANT, tombstone->version, tombstone->version);
	free(row);
	return status;
}

/* Every version is there, and the latest alone is the current one. */
static enum core_status judge_live(struct check_worker *w, const uint8_t id[static 16])
{
	enum core_status status = CORE_OK;
	uint64_t next = 1;

	for (size_t i = 0; i < w->row_count && status == CORE_OK; i++) {
		const struct check_row *row = &w->rows[i];
		const bool last = i + 1 == w->row_count;

		if (row->version > next)
			status = note(w, id, CHECK_MISSING_VERSION, next, row->version - 1);
		next = row->version + 1;
		if (status != CORE_OK || row->condition != CHECK_ROW_GOOD)
			continue;
		if (last && row->state == STORE_VERSION_SUPERSEDED)
			status = note(w, id, CHECK_MISSING_VERSION, next, next);
		else if (row->state != (last ? STORE_VERSION_CURRENT : STORE_VERSION_SUPERSEDED))
			status = note(w, id, CHECK_STATE, row->version, row->version);
	}
	return status;
}

static enum core_status judge(struct check_worker *w, const uint8_t id[static 16])
{
	const struct check_row *latest = &w->rows[w->row_count - 1];
	enum core_status status = CORE_OK;

	for (size_t i = 0; i < w->row_count && status == CORE_OK; i++)
		if (w->rows[i].condition != CHECK_ROW_GOOD)
			status = note(w, id,
				      w->rows[i].condition == CHECK_ROW_LOST ? CHECK_ROW_UNREADABLE : CHECK_ROW_MAC,
				      w->rows[i].version, w->rows[i].version);
	if (status != CORE_OK)
		return status;
	/* A tombstone that does not verify: whether its record was deleted cannot be said, so neither what is missing.
	 */
	if (latest->condition == CHECK_ROW_FORGED && latest->state >= STORE_VERSION_TOMBSTONE)
		return CORE_OK;
	return latest->condition == CHECK_ROW_GOOD && latest->state >= STORE_VERSION_TOMBSTONE ? judge_deleted(w, id)
											       : judge_live(w, id);
}

static enum core_status look(struct check_worker *w, const uint8_t id[static 16])
{
	enum core_status status = check_begin(w);

	w->row_count = w->fault_count = 0;
	w->seen = (struct check_totals){0};
	if (status != CORE_OK)
		return status;
	status = list_rows(w, id);
	if (status == CORE_OK && w->row_count > 0)
		status = judge(w, id);
	check_end(w);
	w->seen.records = w->row_count > 0;
	for (size_t i = 0; i < w->row_count && status == CORE_OK && !check_stopped(w->check); i++) {
		w->seen.versions++;
		if (w->rows[i].condition == CHECK_ROW_GOOD && w->rows[i].state < STORE_VERSION_TOMBSTONE)
			status = check_version(w, id, w->rows[i].version);
	}
	return status;
}

/*
 * First without holding a snapshot for longer than the rows take, so that the server's checkpoints are not kept
 * waiting for a GiB to be read. What looks wrong then may be a record that was replaced or deleted meanwhile, and is
 * looked at again within one snapshot, in which every record is whole.
 */
enum core_status check_record(struct check_worker *w, const uint8_t record_id[static 16])
{
	struct check *check = w->check;
	enum core_status status = look(w, record_id);

	if (status == CORE_OK && w->fault_count > 0) {
		status = check_begin(w);
		if (status != CORE_OK)
			return status;
		w->in_snapshot = true;
		status = look(w, record_id);
		w->in_snapshot = false;
		check_end(w);
	}
	if (status != CORE_OK || check_stopped(check))
		return status;
	for (size_t i = 0; i < w->fault_count; i++)
		check_report(check, &w->faults[i]);
	pthread_mutex_lock(&check->lock);
	check->totals.records += w->seen.records;
	check->totals.versions += w->seen.versions;
	check->totals.bytes += w->seen.bytes;
	pthread_mutex_unlock(&check->lock);
	return CORE_OK;
}
