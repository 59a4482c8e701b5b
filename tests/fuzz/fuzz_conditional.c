/* Headers of conditional requests and ranges: whatever the text, a part lies within the representation. */
#include <string.h>

#include "server/api/conditional.h"
#include "tests/fuzz/fuzz.h"

static const uint64_t SIZES[] = {0, 1, 1000, UINT64_MAX};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1);
	uint64_t version = 0, first = 0, length = 0;

	if (!text)
		return 0;
	if (size)
		memcpy(text, bytes, size);
	text[size] = '\0';
	for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++)
		if (range_parse(text, SIZES[i], &first, &length) == RANGE_PART)
			FUZZ_HOLDS(length > 0 && first < SIZES[i] && length <= SIZES[i] - first);
	if (etag_parse_one(text, &version))
		FUZZ_HOLDS(etag_listed(text, version) && range_allowed(text, version, ""));
	etag_listed(text, 17);
	range_allowed(text, 17, "Mon, 23 Nov 2026 10:00:00 GMT");
	free(text);
	return 0;
}
