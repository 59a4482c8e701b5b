/*
 * Slots. A slot of the credential kind is made once; the input is a slot to be opened, and, XORed onto ours, a damaged
 * one. Only ours opens; passphrase slots are left out beyond their parameters, since stretching takes its time.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/slot.h"
#include "tests/fuzz/fuzz.h"

static const uint8_t STORE_ID[16] = {1, 2, 3};
static const uint8_t CREDENTIAL[32] = {9, 8, 7};
static const struct unlock_key UNLOCK = {{42}};

/* Whatever is wrong is told by one of two answers, and leaves the output alone. */
static enum crypto_status open_slot(enum slot_kind kind, const uint8_t *slot, size_t size)
{
	struct unlock_key key, untouched;
	enum crypto_status status;

	memset(&key, 0xa5, sizeof(key));
	memcpy(&untouched, &key, sizeof(key));
	status = slot_open(kind, STORE_ID, CREDENTIAL, sizeof(CREDENTIAL), slot, size, &key);
	FUZZ_CHECK(status == CRYPTO_OK || status == CRYPTO_LOCKED || status == CRYPTO_FORMAT);
	FUZZ_CHECK(memcmp(&key, status == CRYPTO_OK ? &UNLOCK : &untouched, sizeof(key)) == 0);
	return status;
}

static void any_slot(const uint8_t *data, size_t size)
{
	const bool magic = size == SLOT_SIZE && memcmp(data, "cofslot1", 8) == 0;

	FUZZ_CHECK((open_slot(SLOT_CREDENTIAL, data, size) == CRYPTO_FORMAT) == !magic);
	if (!magic || data[8] != SLOT_PASSPHRASE)
		FUZZ_CHECK(open_slot(SLOT_PASSPHRASE, data, size) == (magic ? CRYPTO_LOCKED : CRYPTO_FORMAT));
}

static void damaged_slot(const uint8_t *data, size_t size)
{
	static uint8_t ours[SLOT_SIZE];
	uint8_t slot[SLOT_SIZE];
	bool same = true;

	if (!ours[0])
		FUZZ_CHECK(slot_seal(SLOT_CREDENTIAL, STORE_ID, CREDENTIAL, sizeof(CREDENTIAL), 0, &UNLOCK, ours) ==
			   CRYPTO_OK);
	for (size_t i = 0; i < SLOT_SIZE; i++) {
		slot[i] = (uint8_t)(ours[i] ^ (i < size ? data[i] : 0));
		same = same && slot[i] == ours[i];
	}
	FUZZ_CHECK((open_slot(SLOT_CREDENTIAL, slot, SLOT_SIZE) == CRYPTO_OK) == same);
	if (same)
		FUZZ_CHECK(open_slot(SLOT_PASSPHRASE, slot, SLOT_SIZE) == CRYPTO_LOCKED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	any_slot(data, size);
	damaged_slot(data, size);
	return 0;
}
