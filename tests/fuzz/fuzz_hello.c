/*
 * Whether a ClientHello is complete (server/http/hello.c), against a reader that first joins the records' contents.
 * The answer is the same for what has come so far and for more: it only ever goes from "more" to one of the others.
 */
#include <stdlib.h>
#include <string.h>

#include "server/http/internal.h"
#include "tests/fuzz/fuzz.h"

struct joined {
	uint8_t bytes[1024];
	size_t have;  /* handshake bytes so far */
	size_t whole; /* those of complete records */
	bool bad;     /* then comes something that is no handshake record */
};

static struct joined join(const uint8_t *data, size_t size)
{
	struct joined joined = {.bad = size > 0 && data[0] != 22};
	size_t at = 0;

	while (!joined.bad && size - at >= 5) {
		const size_t length = (size_t)(data[at + 3] * 256 + data[at + 4]), start = joined.have;

		joined.bad = data[at] != 22 || data[at + 1] != 3 || length == 0;
		at += 5;
		while (!joined.bad && joined.have - start < length && at < size)
			joined.bytes[joined.have++] = data[at++];
		if (joined.have - start == length)
			joined.whole = joined.have;
	}
	return joined;
}

static void compare(const uint8_t *data, size_t size, int answer)
{
	const struct joined joined = join(data, size);
	const uint8_t *head = joined.bytes;
	const bool known = joined.have >= 4;
	const size_t want = known ? 4 + (size_t)(head[1] * 65536 + head[2] * 256 + head[3]) : SIZE_MAX;
	const bool hello = !known || (head[0] == 1 && want <= 65536);

	if (answer == 1)
		FUZZ_CHECK(known && hello && joined.whole >= want);
	else if (answer == 0)
		FUZZ_CHECK(!joined.bad && hello && joined.whole < want);
	else
		FUZZ_CHECK(joined.bad || !hello);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int before = 0;

	if (size > sizeof(((struct joined *)NULL)->bytes))
		return 0;
	for (size_t n = 0; n <= size; n++) {
		uint8_t *part = malloc(n ? n : 1);
		int answer;

		FUZZ_CHECK(part != NULL);
		memcpy(part, data, n);
		answer = hello_complete(part, n);
		FUZZ_CHECK(answer >= -1 && answer <= 1);
		FUZZ_CHECK(before == 0 || answer == before);
		before = answer;
		free(part);
	}
	compare(data, size, before);
	return 0;
}
