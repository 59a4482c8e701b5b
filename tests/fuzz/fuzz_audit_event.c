/*
 * Events of the audit log, both ways: bytes that decode encode to themselves, and any event, made of the input's bytes,
 * decodes to itself.
 */
#include <string.h>

#include "crypto/wire.h"
#include "server/core/audit.h"
#include "tests/fuzz/fuzz.h"

static void from_bytes(const uint8_t *data, size_t size)
{
	struct audit_event event, untouched;
	uint8_t bytes[AUDIT_EVENT_MAX];
	uint64_t sequence = 77;

	memset(&event, 0xa5, sizeof(event));
	memcpy(&untouched, &event, sizeof(event));
	if (!audit_decode(data, size, &sequence, &event)) {
		FUZZ_CHECK(sequence == 77 && memcmp(&event, &untouched, sizeof(event)) == 0);
		return;
	}
	FUZZ_CHECK(audit_action_name(event.action) != NULL);
	FUZZ_CHECK(size <= sizeof(bytes));
	FUZZ_CHECK(audit_encode(sequence, &event, bytes) == size);
	FUZZ_CHECK(memcmp(bytes, data, size) == 0);
}

static void same(const struct audit_event *a, const struct audit_event *b)
{
	FUZZ_CHECK(a->time_ms == b->time_ms && a->version == b->version && a->revision == b->revision);
	FUZZ_CHECK(a->action == b->action && a->outcome == b->outcome);
	FUZZ_CHECK(memcmp(a->account_id, b->account_id, 16) == 0 && memcmp(a->token_id, b->token_id, 16) == 0);
	FUZZ_CHECK(memcmp(a->object_id, b->object_id, 16) == 0 && memcmp(a->request_id, b->request_id, 16) == 0);
	FUZZ_CHECK(memcmp(a->peer, b->peer, sizeof(a->peer)) == 0);
}

static void from_fields(const uint8_t *data, size_t size)
{
	struct audit_event event = {0}, back;
	uint8_t bytes[AUDIT_EVENT_MAX];
	struct wire_in in;
	uint64_t sequence, sequence_back;
	size_t peer_size, used;

	wire_in_init(&in, data, size);
	sequence = wire_get_u64(&in);
	event.time_ms = (int64_t)wire_get_u64(&in);
	event.action = (enum audit_action)wire_get_u8(&in);
	event.version = wire_get_u64(&in);
	event.revision = wire_get_u64(&in);
	event.outcome = wire_get_u16(&in);
	wire_get_bytes(&in, event.account_id, 16);
	wire_get_bytes(&in, event.token_id, 16);
	wire_get_bytes(&in, event.object_id, 16);
	wire_get_bytes(&in, event.request_id, 16);
	peer_size = in.failed ? 0 : in.size - in.at;
	if (peer_size >= sizeof(event.peer))
		peer_size = sizeof(event.peer) - 1;
	if (peer_size)
		strncpy(event.peer, (const char *)data + in.at, peer_size);
	used = audit_encode(sequence, &event, bytes);
	FUZZ_CHECK(used <= sizeof(bytes));
	if (!audit_action_name(event.action)) {
		FUZZ_CHECK(!audit_decode(bytes, used, &sequence_back, &back));
		return;
	}
	FUZZ_CHECK(audit_decode(bytes, used, &sequence_back, &back));
	FUZZ_CHECK(sequence_back == sequence);
	same(&back, &event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	from_bytes(data, size);
	from_fields(data, size);
	return 0;
}
