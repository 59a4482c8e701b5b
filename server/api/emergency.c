/* Breaking the glass: reading a record that is not one's own, for a reason, on the record. */
#include <stdio.h>

#include "crypto/digest.h"
#include "crypto/encode.h"
#include "server/api/call.h"
#include "server/core/clock.h"
#include "server/core/reason.h"

static void refuse(struct call *call, enum problem problem, const char *detail)
{
	http_problem(call->x, problem, "%s", detail);
	call->refused = true;
}

/* The log has no id of a record; the audit log does. */
static void tell(const struct call *call)
{
	char line[256], account[ENCODE_UUID_CHARS + 1], request[HTTP_REFERENCE_MAX];

	if (!call->api->options.log)
		return;
	encode_uuid(call->principal.account_id, account);
	http_reference(call->x, request);
	snprintf(line, sizeof(line), "BREAK-GLASS: account %s reads a record in an emergency; %s", account, request);
	call->api->options.log(line);
}

void call_emergency(struct call *call)
{
	size_t count = 0;
	const char *reason = http_header(call->x, "Coffer-Emergency-Reason", &count);
	enum core_status status;

	if (!reason)
		return;
	if (!call->steps->break_glass) {
		refuse(call, PROBLEM_BAD_REQUEST, "Coffer-Emergency-Reason is for reading a record or its versions");
	} else if (!(call->principal.scopes & SCOPE_BREAK_GLASS)) {
		refuse(call, PROBLEM_FORBIDDEN, "the token has no scope break-glass");
	} else if (call->principal.since_ms + call->api->options.break_glass_ms <= clock_unix_ms()) {
		refuse(call, PROBLEM_FORBIDDEN,
		       "the token is too old to break the glass with (--break-glass): have one made, or log in again");
	} else if (count != 1 || !reason_is_good(reason)) {
		refuse(call, PROBLEM_BAD_REQUEST,
		       "Coffer-Emergency-Reason must be one text of 10 to 500 bytes, printable UTF-8");
	} else {
		status = reason_seal(call->api->options.vault, call->event.request_id, reason, &call->reason,
				     &call->reason_size);
		if (status != CORE_OK) {
			call_refuse(call, status);
			return;
		}
		digest_sha256(call->reason, call->reason_size, call->event.note);
		call->event.has_note = true;
		call->event.action = AUDIT_RECORD_BREAK_GLASS;
		call->principal.emergency = true;
		tell(call);
	}
}
