#include "server/core/audit_segment.h"

#include <string.h>

static const char MAGIC[8] = {'c', 'o', 'f', 'a', 'u', 'd', 't', '1'};

void audit_segment_put_header(struct wire_out *out, const struct audit_segment *segment)
{
	wire_put_bytes(out, MAGIC, sizeof(MAGIC));
	wire_put_bytes(out, segment->store_id, sizeof(segment->store_id));
	wire_put_u64(out, 0); /* stream: one a node, and there is one node */
	wire_put_u64(out, segment->first);
	wire_put_u64(out, segment->last);
	wire_put_bytes(out, segment->previous, sizeof(segment->previous));
}

void audit_segment_put_event(struct wire_out *out, const struct store_audit_event *row)
{
	wire_put_lp(out, row->event.data, row->event.size);
	wire_put_bytes(out, row->hash, sizeof(row->hash));
	wire_put_bytes(out, row->mac, sizeof(row->mac));
}

bool audit_segment_open(const uint8_t *bytes, size_t size, struct audit_segment_reader *ret_reader)
{
	struct audit_segment_reader reader = {.failed = false};
	struct audit_segment *segment = &reader.segment;
	const uint8_t *magic;
	uint64_t stream;

	wire_in_init(&reader.in, bytes, size);
	magic = wire_get_view(&reader.in, sizeof(MAGIC));
	wire_get_bytes(&reader.in, segment->store_id, sizeof(segment->store_id));
	stream = wire_get_u64(&reader.in);
	segment->first = wire_get_u64(&reader.in);
	segment->last = wire_get_u64(&reader.in);
	wire_get_bytes(&reader.in, segment->previous, sizeof(segment->previous));
	if (reader.in.failed || memcmp(magic, MAGIC, sizeof(MAGIC)) != 0 || stream != 0 || segment->first == 0 ||
	    segment->last > INT64_MAX || segment->last < segment->first ||
	    segment->last - segment->first >= AUDIT_SEGMENT_EVENTS)
		return false;
	reader.next = segment->first;
	*ret_reader = reader;
	return true;
}

bool audit_segment_next(struct audit_segment_reader *reader, struct store_audit_event *ret_row)
{
	struct store_audit_event row = {.sequence = reader->next};

	if (reader->failed)
		return false;
	if (reader->next > reader->segment.last) {
		reader->failed = !wire_in_done(&reader->in);
		return false;
	}
	row.event.data = wire_get_lp(&reader->in, &row.event.size);
	wire_get_bytes(&reader->in, row.hash, sizeof(row.hash));
	wire_get_bytes(&reader->in, row.mac, sizeof(row.mac));
	reader->failed = reader->in.failed || row.event.size > AUDIT_EVENT_MAX;
	if (reader->failed)
		return false;
	reader->next++;
	*ret_row = row;
	return true;
}
