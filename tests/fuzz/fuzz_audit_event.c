/* What decodes as an event encodes to the same bytes: the chain's hash is over one spelling. */
#include <string.h>

#include "server/core/audit.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct audit_event event = {0};
	uint8_t again[AUDIT_EVENT_MAX];
	uint64_t sequence = 0;

	if (!audit_decode(bytes, size, &sequence, &event))
		return 0;
	FUZZ_HOLDS(audit_encode(sequence, &event, again) == size);
	FUZZ_HOLDS(memcmp(again, bytes, size) == 0);
	return 0;
}
