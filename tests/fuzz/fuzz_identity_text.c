/* What a server says of its identity keys: whatever is taken has a store and keys whose states fit their members. */
#include "server/core/identity_text.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct identities identities;
	uint8_t store_id[16];

	if (!identity_text_parse((const char *)data, size, store_id, &identities))
		return 0;
	FUZZ_CHECK(identities.count >= 1 && identities.count <= IDENTITIES_MAX);
	for (size_t i = 0; i < identities.count; i++) {
		const struct store_identity *key = &identities.keys[i];

		FUZZ_CHECK(key->state == STORE_IDENTITY_CURRENT || key->state == STORE_IDENTITY_RETIRED);
		FUZZ_CHECK(key->state == STORE_IDENTITY_RETIRED || key->last_event == 0);
		(void)identities_is_endorsed(store_id, key);
	}
	return 0;
}
