/*
 * A part of the audit log as a file of its own: what stood in the rows of audit_event, in one piece.
 *
 * "cofaudt1" ‖ store id ‖ u64 stream (0) ‖ u64 first ‖ u64 last ‖ hash of the event before the first, and for each
 * event lp(event) ‖ hash ‖ mac. Nothing follows the last. The chain of hashes and the MACs vouch for events as they did
 * in the database; the header says nothing that they, or the segment's row, do not.
 */
#ifndef COFFER_CORE_AUDIT_SEGMENT_H
#define COFFER_CORE_AUDIT_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/wire.h"
#include "db/audit.h"
#include "server/core/audit.h"

enum {
	AUDIT_SEGMENT_HEADER = 80,
	AUDIT_SEGMENT_EVENTS = 10000, /* at most */
	AUDIT_SEGMENT_EVENT_MAX = 2 + AUDIT_EVENT_MAX + 2 * 32,
	AUDIT_SEGMENT_FILE_MAX = AUDIT_SEGMENT_HEADER + AUDIT_SEGMENT_EVENTS * AUDIT_SEGMENT_EVENT_MAX,
};

struct audit_segment {
	uint8_t store_id[16];
	uint64_t first, last;
	uint8_t previous[32];
};

void audit_segment_put_header(struct wire_out *out, const struct audit_segment *segment);
void audit_segment_put_event(struct wire_out *out, const struct store_audit_event *row);

/* Over a whole file, which must outlive it. */
struct audit_segment_reader {
	struct audit_segment segment;
	struct wire_in in;
	uint64_t next; /* the number of the event that comes next */
	bool failed;   /* the bytes are not what the header promises */
};

/* False when the bytes do not begin as a segment of AUDIT_SEGMENT_EVENTS or fewer does. */
bool audit_segment_open(const uint8_t *bytes, size_t size, struct audit_segment_reader *ret_reader);
/*
 * The next event, its bytes borrowed from the file: only its place is looked at. False at the end, and where the bytes
 * are no longer right: `failed` then tells, and `next` is the first event that is lost.
 */
bool audit_segment_next(struct audit_segment_reader *reader, struct store_audit_event *ret_row);

#endif
