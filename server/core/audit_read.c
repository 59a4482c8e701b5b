#include "server/core/audit_read.h"

#include <string.h>

#include "server/core/rowmac.h"

struct reading {
	const struct vault *vault;
	audit_visit *each;
	void *arg;
	size_t left;
	uint64_t after;	 /* the last that was looked at */
	uint64_t anchor; /* an event of which only the hash is wanted: the one before the first; 0: the hash is known */
	uint8_t hash[DIGEST_SIZE]; /* of the event `after` */
	bool good, stopped;
};

static bool read_event(void *arg, const struct store_audit_event *row)
{
	struct reading *reading = arg;
	struct audit_event event;

	if (reading->anchor != 0) {
		reading->good =
			row->sequence == reading->anchor &&
			mac_verify(&reading->vault->keys->audit, row->hash, sizeof(row->hash), row->mac) == CRYPTO_OK;
		memcpy(reading->hash, row->hash, DIGEST_SIZE);
		reading->anchor = 0;
		return reading->good;
	}
	reading->good = row->sequence == reading->after + 1 &&
			audit_fit(reading->vault, reading->hash, row, &event) == AUDIT_FITS;
	if (!reading->good)
		return false;
	memcpy(reading->hash, row->hash, DIGEST_SIZE);
	reading->after = row->sequence;
	reading->left--;
	reading->stopped = !reading->each(reading->arg, row->sequence, &event, row->hash) || reading->left == 0;
	return !reading->stopped;
}

/* The file stays at the last event that was looked at: whoever reads on begins with that, or behind it. */
static void read_file(struct reading *reading, struct audit_read_state *state)
{
	struct audit_segment_reader *reader = &state->file.reader, at;
	struct store_audit_event row;

	if (reading->after + 1 == state->segment.first)
		memcpy(reading->hash, state->segment.previous, DIGEST_SIZE);
	else
		reading->anchor = reading->after;
	for (;;) {
		at = *reader;
		if (!audit_segment_next(reader, &row))
			break;
		if (row.sequence >= (reading->anchor ? reading->anchor : reading->after + 1) &&
		    !read_event(reading, &row))
			break;
	}
	if (reader->failed ||
	    (reading->after == state->segment.last && memcmp(reading->hash, state->segment.hash, DIGEST_SIZE) != 0))
		reading->good = false;
	*reader = at;
}

static enum core_status take_file(struct audit_read_state *state, const struct store_audit_segment *segment)
{
	enum core_status status;

	if (state->file.bytes && state->segment.first == segment->first && state->segment.last == segment->last)
		return CORE_OK;
	audit_archive_close(&state->file);
	status = audit_archive_open(state->vault, segment, &state->file);
	state->segment = *segment;
	state->files += status == CORE_OK;
	return status == CORE_NOT_FOUND ? CORE_DAMAGED : status;
}

static enum store_status read_rows(struct store_view *view, struct reading *reading)
{
	struct store_audit_segment base = {.last = 0};
	const enum store_status status = store_audit_segment_last(view, &base);

	if (status != STORE_OK && status != STORE_NOT_FOUND)
		return status;
	if (status == STORE_OK && !rowmac_check_audit_segment(reading->vault, &base))
		return STORE_CORRUPT;
	if (reading->after == base.last)
		memcpy(reading->hash, base.hash, DIGEST_SIZE);
	else
		reading->anchor = reading->after;
	return store_audit_list(view, reading->after - (reading->anchor ? 1 : 0),
				reading->left + (reading->anchor ? 1 : 0), read_event, reading);
}

/* In one snapshot: events that are moved meanwhile must be in one place or the other. *ret_archived: in a file. */
static enum core_status find(struct store_view *view, struct reading *reading, struct store_audit_segment *ret_segment,
			     bool *ret_archived)
{
	enum store_status status = store_view_begin(view);

	if (status != STORE_OK)
		return core_from_store(status);
	status = store_audit_segment_from(view, reading->after + 1, ret_segment);
	*ret_archived = status == STORE_OK;
	if (status == STORE_NOT_FOUND)
		status = read_rows(view, reading);
	store_view_end(view);
	if (status == STORE_OK && *ret_archived &&
	    (!rowmac_check_audit_segment(reading->vault, ret_segment) || ret_segment->first > reading->after + 1))
		return CORE_DAMAGED;
	return core_from_store(status);
}

void audit_read_begin(struct store_view *view, const struct vault *vault, struct audit_read_state *ret_state)
{
	*ret_state = (struct audit_read_state){.view = view, .vault = vault};
}

enum core_status audit_read_on(struct audit_read_state *state, uint64_t *after, size_t limit, audit_visit *each,
			       void *arg)
{
	struct reading reading = {
		.vault = state->vault, .each = each, .arg = arg, .after = *after, .left = limit, .good = true};
	enum core_status status = CORE_OK;
	bool archived = true;

	while (archived && status == CORE_OK && reading.good && !reading.stopped) {
		struct store_audit_segment segment;

		status = find(state->view, &reading, &segment, &archived);
		if (status == CORE_OK && archived)
			status = take_file(state, &segment);
		if (status == CORE_OK && archived)
			read_file(&reading, state);
	}
	*after = reading.after;
	return status == CORE_OK && !reading.good ? CORE_DAMAGED : status;
}

void audit_read_end(struct audit_read_state *state)
{
	audit_archive_close(&state->file);
}

enum core_status audit_read(struct store_view *view, const struct vault *vault, uint64_t *after, size_t limit,
			    audit_visit *each, void *arg)
{
	struct audit_read_state state;
	enum core_status status;

	audit_read_begin(view, vault, &state);
	status = audit_read_on(&state, after, limit, each, arg);
	audit_read_end(&state);
	return status;
}
