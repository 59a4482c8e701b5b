/* DELETE /v1/records/{id}. */
#include <stdlib.h>
#include <string.h>

#include "server/api/call.h"
#include "server/api/conditional.h"
#include "server/core/record.h"

static void delete_begin(struct call *call)
{
	struct record_delete *request;
	size_t count = 0;
	const char *match = http_header(call->x, "If-Match", &count);
	uint64_t version = 0;
	uint8_t id[16];

	if (!call_record_id(call, id))
		return;
	if (match && (count != 1 || !etag_parse_one(match, &version))) {
		http_problem(call->x, PROBLEM_BAD_REQUEST,
			     "If-Match takes exactly one strong ETag, such as If-Match: \"1\"");
		call->refused = true;
		return;
	}
	request = calloc(1, sizeof(*request));
	if (!request) {
		call_refuse(call, CORE_NOMEM);
		return;
	}
	request->vault = call->api->options.vault;
	request->principal = call->principal;
	memcpy(request->record_id, id, sizeof(request->record_id));
	request->if_version = version;
	call->event.outcome = 204;
	call->state = request;
}

static enum store_status delete_apply(struct call *call, struct store_txn *txn)
{
	struct record_delete *request = call->state;
	enum store_status status = record_delete_apply(request, txn, &call->result);

	call->event.version = call->result == CORE_OK ? request->tombstone : 0;
	return status;
}

static void delete_finish(struct call *call)
{
	if (call->result == CORE_OK)
		http_reply_empty(call->x, 204);
	else
		call_refuse(call, call->result);
}

static void delete_close(struct call *call, bool completed)
{
	(void)completed;
	free(call->state);
}

const struct api_steps RECORDS_DELETE = {
	.action = AUDIT_RECORD_DELETE,
	.receipt = true,
	/* Not `writes`: deleting needs little space, and gives some back. */
	.begin = delete_begin,
	.apply = delete_apply,
	.finish = delete_finish,
	.close = delete_close,
};
