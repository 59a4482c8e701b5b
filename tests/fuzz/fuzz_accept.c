/*
 * Accept values (server/api/accept.h). The input is one. Its weight for a type is that of one of its elements, case
 * does not matter, and a first range that names the type itself decides.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/accept.h"
#include "tests/fuzz/fuzz.h"

static const char *const TYPES[] = {"application/x-pem-file", "application/jwk+json", "text/plain"};

/* Whether some element alone has this weight. */
static bool some_element_weighs(const char *accept, const char *type, unsigned weight)
{
	char *copy = strdup(accept), *rest = copy;
	bool found = false;

	FUZZ_CHECK(copy != NULL);
	for (char *one; (one = strsep(&rest, ",")) != NULL && !found;)
		found = accept_quality(one, type) == weight;
	free(copy);
	return found;
}

static void first_decides(const char *accept, const char *type)
{
	const size_t size = strlen(accept) + 64;
	char *longer = malloc(size);

	FUZZ_CHECK(longer != NULL);
	snprintf(longer, size, "%s;q=0.25,%s", type, accept);
	FUZZ_CHECK(accept_quality(longer, type) == 250);
	snprintf(longer, size, "*/*;q=0,%s", accept);
	FUZZ_CHECK(accept_quality(longer, type) == accept_quality(accept, type) || accept_quality(longer, type) == 0);
	free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *accept = fuzz_text(data, size), *upper = fuzz_text(data, size);

	for (char *c = upper; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
		const unsigned weight = accept_quality(accept, TYPES[i]);

		FUZZ_CHECK(weight <= 1000);
		FUZZ_CHECK(weight == 0 || some_element_weighs(accept, TYPES[i], weight));
		FUZZ_CHECK(accept_quality(upper, TYPES[i]) == weight);
		first_decides(accept, TYPES[i]);
	}
	free(accept);
	free(upper);
	return 0;
}
