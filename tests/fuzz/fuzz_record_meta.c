/* What decodes encodes to the same bytes: a metadata block has one spelling. */
#include <string.h>

#include "server/core/record_meta.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct record_info info = {0};
	uint8_t again[RECORD_META_MAX];

	if (!record_meta_decode(bytes, size, &info))
		return 0;
	FUZZ_HOLDS(record_meta_encode(&info, again) == size);
	FUZZ_HOLDS(memcmp(again, bytes, size) == 0);
	return 0;
}
