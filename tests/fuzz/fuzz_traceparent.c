/*
 * traceparent (server/http/traceparent.h). The input is a value. What is taken is hexadecimal, not all zeros, and where
 * it was in the input; taken again under version 00 it gives the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/traceparent.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct traceparent one, other;
	char *text = malloc(size + 1), again[64];

	FUZZ_CHECK(text != NULL);
	memcpy(text, data, size);
	if (traceparent_parse(text, size, &one)) {
		FUZZ_CHECK(strlen(one.trace_id) == 32 && strspn(one.trace_id, "0123456789abcdef") == 32);
		FUZZ_CHECK(strlen(one.parent_id) == 16 && strspn(one.parent_id, "0123456789abcdef") == 16);
		FUZZ_CHECK(strspn(one.trace_id, "0") < 32 && strspn(one.parent_id, "0") < 16);
		FUZZ_CHECK(memcmp(one.trace_id, text + 3, 32) == 0 && memcmp(one.parent_id, text + 36, 16) == 0);
		snprintf(again, sizeof(again), "00-%s-%s-00", one.trace_id, one.parent_id);
		FUZZ_CHECK(traceparent_parse(again, strlen(again), &other));
		FUZZ_CHECK(memcmp(&one, &other, sizeof(one)) == 0);
		/* In other letters it is malformed. */
		text[3] = 'A';
		FUZZ_CHECK(!traceparent_parse(text, size, &other));
	}
	free(text);
	return 0;
}
