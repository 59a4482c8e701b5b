/* A version's metadata: what decodes encodes to the very bytes again, and what does not leaves the output alone. */
#include <string.h>

#include "server/core/record_meta.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct record_info info, untouched;
	static uint8_t bytes[RECORD_META_MAX];

	memset(&info, 0xa5, sizeof(info));
	memset(&untouched, 0xa5, sizeof(untouched));
	if (!record_meta_decode(data, size, &info)) {
		FUZZ_CHECK(memcmp(&info, &untouched, sizeof(info)) == 0);
		return 0;
	}
	FUZZ_CHECK(memchr(info.media_type, 0, sizeof(info.media_type)) && memchr(info.labels, 0, sizeof(info.labels)));
	FUZZ_CHECK(size <= sizeof(bytes));
	FUZZ_CHECK(record_meta_encode(&info, bytes) == size);
	FUZZ_CHECK(memcmp(bytes, data, size) == 0);
	FUZZ_CHECK(info.version == untouched.version && info.updated_ms == untouched.updated_ms);
	return 0;
}
