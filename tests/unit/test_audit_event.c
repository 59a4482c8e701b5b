#include <criterion/criterion.h>
#include <string.h>

#include "server/core/audit.h"

static struct audit_event sample(void)
{
	struct audit_event event = {
		.time_ms = 1771234567890,
		.peer = "2001:db8::1",
		.action = AUDIT_RECORD_REPLACE,
		.version = 7,
		.revision = 3,
		.outcome = 412,
	};

	memset(event.account_id, 1, sizeof(event.account_id));
	memset(event.token_id, 2, sizeof(event.token_id));
	memset(event.object_id, 3, sizeof(event.object_id));
	memset(event.request_id, 4, sizeof(event.request_id));
	return event;
}

Test(audit_event, what_is_encoded_is_decoded)
{
	struct audit_event event = sample(), back;
	uint8_t bytes[AUDIT_EVENT_MAX];
	uint64_t sequence = 0;
	size_t size = audit_encode(42, &event, bytes);

	cr_assert(audit_decode(bytes, size, &sequence, &back));
	cr_assert_eq(sequence, 42);
	cr_assert_eq(back.time_ms, event.time_ms);
	cr_assert_str_eq(back.peer, event.peer);
	cr_assert_eq(back.action, event.action);
	cr_assert_eq(back.outcome, event.outcome);
	cr_assert_eq(back.version, event.version);
	cr_assert_eq(back.revision, event.revision);
	cr_assert_arr_eq(back.account_id, event.account_id, 16);
	cr_assert_arr_eq(back.token_id, event.token_id, 16);
	cr_assert_arr_eq(back.object_id, event.object_id, 16);
	cr_assert_arr_eq(back.request_id, event.request_id, 16);
}

Test(audit_event, truncated_lengthened_and_unknown_events_are_refused)
{
	struct audit_event event = sample(), back;
	uint8_t bytes[AUDIT_EVENT_MAX + 1] = {0};
	uint64_t sequence;
	size_t size = audit_encode(42, &event, bytes);

	for (size_t n = 0; n < size; n++)
		cr_assert_not(audit_decode(bytes, n, &sequence, &back), "at %zu bytes", n);
	cr_assert_not(audit_decode(bytes, size + 1, &sequence, &back));
	event.action = 999;
	size = audit_encode(42, &event, bytes);
	cr_assert_not(audit_decode(bytes, size, &sequence, &back));
}

/* The address is written up to its NUL, so an event that held one would not be the bytes that it came from. */
Test(audit_event, an_address_with_a_nul_is_refused)
{
	struct audit_event event = sample(), back;
	uint8_t bytes[AUDIT_EVENT_MAX];
	uint64_t sequence;
	const size_t size = audit_encode(42, &event, bytes);
	uint8_t *peer = memmem(bytes, size, event.peer, strlen(event.peer));

	cr_assert_not_null(peer);
	peer[strlen(event.peer) - 1] = '\0';
	cr_assert_not(audit_decode(bytes, size, &sequence, &back));
}
