/*
 * Files of the audit log's archive: whatever opens gives at most as many events as it says, each within the file, and
 * what was read to its end is written again as the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "server/core/audit_segment.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct audit_segment_reader reader, untouched;
	struct store_audit_event row;
	struct wire_out out;
	uint8_t *again;
	uint64_t expected;

	memset(&reader, 0xa5, sizeof(reader));
	memcpy(&untouched, &reader, sizeof(reader));
	if (!audit_segment_open(data, size, &reader)) {
		FUZZ_CHECK(memcmp(&reader, &untouched, sizeof(reader)) == 0);
		return 0;
	}
	FUZZ_CHECK(reader.segment.first >= 1 && reader.segment.last >= reader.segment.first);
	FUZZ_CHECK(reader.segment.last - reader.segment.first < AUDIT_SEGMENT_EVENTS);
	again = malloc(size);
	FUZZ_CHECK(again != NULL);
	wire_out_init(&out, again, size);
	audit_segment_put_header(&out, &reader.segment);
	expected = reader.segment.first;
	while (audit_segment_next(&reader, &row)) {
		FUZZ_CHECK(row.sequence == expected++);
		FUZZ_CHECK(row.event.data >= data && row.event.data + row.event.size <= data + size);
		FUZZ_CHECK(row.event.size <= AUDIT_EVENT_MAX);
		audit_segment_put_event(&out, &row);
	}
	FUZZ_CHECK(!audit_segment_next(&reader, &row));
	FUZZ_CHECK(expected <= reader.segment.last + 1 && reader.next == expected);
	if (!reader.failed) {
		FUZZ_CHECK(expected == reader.segment.last + 1);
		FUZZ_CHECK(!out.failed && out.used == size && memcmp(again, data, size) == 0);
	}
	free(again);
	return 0;
}
