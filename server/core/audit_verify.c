/* The whole audit log, from its first event: files of the archive, then the database. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/audit.h"
#include "server/core/audit_archive.h"
#include "server/core/rowmac.h"

enum { WALK_PAGE = 1000, WHERE_MAX = 4 + AUDIT_ARCHIVE_NAME };

struct audit_walk {
	const struct vault *vault;
	struct store_view *view;
	FILE *report;
	const struct audit_watch *watch;
	uint64_t sequence; /* of the last event that fitted, or that is given up */
	uint64_t verified;
	uint8_t hash[DIGEST_SIZE];
	bool good;
	enum core_status failure; /* of look_at_stray() */
	char where[WHERE_MAX];	  /* " (audit-archive/…)" while a file is walked */
	bool stopped;		  /* by a row that does not fit: what follows it says nothing */
	/* Events of this page beside which something is kept: looked at when the view is free. */
	size_t note_count;
	struct {
		uint64_t sequence;
		uint8_t digest[DIGEST_SIZE];
	} notes[WALK_PAGE];
};

/* ---- one event ----------------------------------------------------------------------------------------------------
 */

/* Of an event alone: it says nothing about those that follow. */
static void fault(struct audit_walk *walk, uint64_t sequence, const char *what)
{
	fprintf(walk->report, "audit event %" PRIu64 ": %s%s\n", sequence, what, walk->where);
	walk->good = false;
}

/* Of the chain. */
static bool walk_fault(struct audit_walk *walk, uint64_t sequence, const char *what)
{
	fault(walk, sequence, what);
	walk->stopped = true;
	return false;
}

static const char *misfit(enum audit_fit fit)
{
	switch (fit) {
	case AUDIT_FITS:
		break;
	case AUDIT_NO_EVENT:
		return "is not an event";
	case AUDIT_MISPLACED:
		return "stands in another's place";
	case AUDIT_ALTERED:
		return "was altered, or does not follow the one before it";
	case AUDIT_FOREIGN:
		return "was not written by this store";
	}
	return NULL;
}

static bool walk_event(void *arg, const struct store_audit_event *row)
{
	struct audit_walk *walk = arg;
	struct audit_event event;
	const char *wrong;

	if (row->sequence != walk->sequence + 1)
		return walk_fault(walk, walk->sequence + 1, "is missing");
	wrong = misfit(audit_fit(walk->vault, walk->hash, row, &event));
	if (wrong)
		return walk_fault(walk, row->sequence, wrong);
	memcpy(walk->hash, row->hash, sizeof(walk->hash));
	walk->sequence = row->sequence;
	walk->verified++;
	if (event.has_note) {
		walk->notes[walk->note_count].sequence = row->sequence;
		memcpy(walk->notes[walk->note_count++].digest, event.note, DIGEST_SIZE);
	}
	if (walk->watch && walk->watch->event)
		walk->watch->event(walk->watch->arg, row->sequence, &event);
	return true;
}

static enum core_status walk_notes(struct audit_walk *walk)
{
	for (size_t i = 0; i < walk->note_count; i++) {
		uint8_t *note = NULL, digest[DIGEST_SIZE];
		size_t size;
		const enum store_status status =
			store_audit_note_get(walk->view, walk->notes[i].sequence, &note, &size);

		if (status == STORE_NOT_FOUND) {
			fault(walk, walk->notes[i].sequence, "lacks its reason, which was removed");
			continue;
		}
		if (status != STORE_OK)
			return core_from_store(status);
		digest_sha256(note, size, digest);
		free(note);
		if (memcmp(digest, walk->notes[i].digest, sizeof(digest)) != 0)
			fault(walk, walk->notes[i].sequence, "has not its own reason: it was altered");
	}
	walk->note_count = 0;
	return CORE_OK;
}

/* ---- a file -------------------------------------------------------------------------------------------------------
 */

/* What was not yet dropped from the database stands in both places. */
struct twice {
	struct audit_walk *walk;
	struct audit_segment_reader reader;
};

static bool compare_twice(void *arg, const struct store_audit_event *row)
{
	struct twice *twice = arg;
	struct store_audit_event archived = {.sequence = 0};

	if (row->sequence > twice->reader.segment.last)
		return false;
	while (archived.sequence < row->sequence)
		if (!audit_segment_next(&twice->reader, &archived))
			return false; /* the walk of the file will tell */
	if (archived.event.size == row->event.size &&
	    memcmp(archived.event.data, row->event.data, row->event.size) == 0 &&
	    memcmp(archived.hash, row->hash, sizeof(row->hash)) == 0 &&
	    memcmp(archived.mac, row->mac, sizeof(row->mac)) == 0)
		return true;
	fault(twice->walk, row->sequence, "is another in the database than in its file");
	return true;
}

static enum core_status walk_file_events(struct audit_walk *walk, struct audit_segment_reader *reader)
{
	struct store_audit_event row;
	enum core_status status = CORE_OK;

	while (status == CORE_OK && audit_segment_next(reader, &row)) {
		if (row.sequence <= walk->sequence)
			continue;
		if (!walk_event(walk, &row))
			return CORE_OK;
		if (walk->note_count == WALK_PAGE)
			status = walk_notes(walk);
	}
	if (status == CORE_OK && reader->failed && reader->next > reader->segment.last)
		walk_fault(walk, reader->segment.last, "is followed by what is no event");
	else if (status == CORE_OK && reader->failed)
		walk_fault(walk, reader->next, "is cut off, or not an event");
	return status;
}

/* Whatever became of it, the walk then stands at its end: its row, which has a MAC, says how the chain goes on. */
static enum core_status walk_segment(struct audit_walk *walk, const struct store_audit_segment *row)
{
	struct audit_archive_file file = {.bytes = NULL};
	struct twice twice = {.walk = walk};
	char name[AUDIT_ARCHIVE_NAME];
	enum core_status status = audit_archive_open(walk->vault, row, &file);

	audit_archive_name(row->first, name);
	snprintf(walk->where, sizeof(walk->where), " (%s)", name);
	if (status == CORE_OK) {
		twice.reader = file.reader;
		status = core_from_store(
			store_audit_list(walk->view, row->first - 1, AUDIT_SEGMENT_EVENTS, compare_twice, &twice));
		if (status == CORE_OK)
			status = walk_file_events(walk, &file.reader);
		/* Whole as it may be, it must be the one that was made then: a store that was put back makes others. */
		if (status == CORE_OK && !walk->stopped && memcmp(walk->hash, row->hash, sizeof(walk->hash)) != 0)
			walk_fault(walk, row->last, "is another than its segment was made with");
	} else if (status == CORE_NOT_FOUND || status == CORE_DAMAGED) {
		walk_fault(walk, walk->sequence + 1,
			   status == CORE_NOT_FOUND ? "is missing, with the file of its segment"
						    : "is missing: its file is not that of its segment");
		status = CORE_OK;
	}
	audit_archive_close(&file);
	walk->sequence = row->last;
	memcpy(walk->hash, row->hash, sizeof(walk->hash));
	walk->stopped = false;
	walk->where[0] = '\0';
	return status;
}

/* ---- all of it ----------------------------------------------------------------------------------------------------
 */

/*
 * One file, or one page of rows. In one snapshot: events that are moved meanwhile must be in one place or the other.
 * *ret_more: there may be more behind.
 */
static enum core_status walk_on(struct audit_walk *walk, bool *ret_more)
{
	const uint64_t before = walk->sequence;
	struct store_audit_segment row;
	enum store_status status = store_view_begin(walk->view);
	bool archived;

	if (status != STORE_OK)
		return core_from_store(status);
	status = store_audit_segment_from(walk->view, walk->sequence + 1, &row);
	archived = status == STORE_OK;
	if (status == STORE_NOT_FOUND)
		status = store_audit_list(walk->view, walk->sequence, WALK_PAGE, walk_event, walk);
	store_view_end(walk->view);
	*ret_more = archived || (walk->sequence == before + WALK_PAGE && !walk->stopped);
	if (status != STORE_OK || !archived)
		return core_from_store(status);
	if (!rowmac_check_audit_segment(walk->vault, &row)) {
		walk_fault(walk, walk->sequence + 1,
			   "the row of its segment was altered, so nothing behind it is vouched for");
		*ret_more = false;
		return CORE_OK;
	}
	if (row.first > walk->sequence + 1) {
		walk_fault(walk, walk->sequence + 1, "is missing, with the row of its segment");
		walk->sequence = row.first - 1;
		memcpy(walk->hash, row.previous, sizeof(walk->hash));
		walk->stopped = false;
	}
	return walk_segment(walk, &row);
}

/*
 * Files that no row tells of. One that begins where the database does is what a crash, or this very moment, left of a
 * segment that is being made.
 */
static bool look_at_stray(void *arg, uint64_t first)
{
	struct audit_walk *walk = arg;
	struct store_audit_segment row, last = {.last = 0};
	char name[AUDIT_ARCHIVE_NAME];
	enum store_status status = store_audit_segment_from(walk->view, first, &row);

	if (status == STORE_OK && row.first == first)
		return true;
	if (status == STORE_OK || status == STORE_NOT_FOUND)
		status = store_audit_segment_last(walk->view, &last);
	if (status != STORE_OK && status != STORE_NOT_FOUND) {
		walk->failure = core_from_store(status);
		return false;
	}
	if (first == last.last + 1)
		return true;
	audit_archive_name(first, name);
	fprintf(walk->report,
		"%s: the database does not know this segment: a row of it was removed, or an earlier database put "
		"back\n",
		name);
	walk->good = false;
	return true;
}

enum core_status audit_verify(struct store_view *view, const struct vault *vault, FILE *report,
			      const struct audit_watch *watch, uint64_t *ret_count, bool *ret_good)
{
	struct audit_walk *walk = calloc(1, sizeof(*walk));
	enum core_status status = CORE_OK;
	bool more = true;

	if (!walk)
		return CORE_NOMEM;
	walk->vault = vault;
	walk->view = view;
	walk->report = report;
	walk->watch = watch;
	walk->good = true;
	while (more && status == CORE_OK) {
		status = walk_on(walk, &more);
		if (status == CORE_OK)
			status = walk_notes(walk);
		if (status == CORE_OK && watch && watch->progress && !watch->progress(watch->arg, walk->sequence))
			status = CORE_BUSY;
	}
	/* The making of the store is the first event, so a trail without events was removed. */
	if (status == CORE_OK && walk->good && walk->sequence == 0)
		walk_fault(walk, 1, "is missing");
	if (status == CORE_OK)
		status = audit_archive_list(vault, look_at_stray, walk);
	if (status == CORE_OK)
		status = walk->failure;
	if (status == CORE_OK) {
		*ret_count = walk->verified;
		*ret_good = walk->good;
	}
	free(walk);
	return status;
}
