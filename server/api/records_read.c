/* GET and HEAD of /v1/records/{id} and /v1/records/{id}/versions/{version}. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/call.h"
#include "server/api/conditional.h"
#include "server/api/record_reply.h"
#include "server/core/clock.h"
#include "server/core/record.h"

struct reading {
	struct record_reader *reader;
	struct call *call;
	uint64_t first, length;
	uint64_t sent;
	bool streaming;
};

/* The version named in the path; 0 for the current one. False has set the 404. */
static bool read_version(struct call *call, uint64_t *ret_version)
{
	const char *text = http_param(call->x, 1);
	char *end;

	*ret_version = 0;
	if (!text)
		return true;
	if (text[0] < '1' || text[0] > '9' || strlen(text) > 18) {
		call_refuse(call, CORE_NOT_FOUND);
		return false;
	}
	*ret_version = strtoull(text, &end, 10);
	if (*end != '\0') {
		call_refuse(call, CORE_NOT_FOUND);
		return false;
	}
	return true;
}

static bool not_modified(const struct call *call, const struct record_info *info)
{
	const char *none_match = http_header(call->x, "If-None-Match", NULL);
	const char *since = http_header(call->x, "If-Modified-Since", NULL);
	int64_t since_ms;

	if (none_match)
		return etag_listed(none_match, info->version);
	return since && clock_parse_http_date(since, &since_ms) && info->updated_ms / 1000 * 1000 <= since_ms;
}

/* Evaluates the preconditions in RFC 9110's order (§13.2.2) and sets the outcome. False: refused. */
static bool decide(struct call *call, struct reading *reading, const struct record_info *info)
{
	size_t count = 0;
	const char *match = http_header(call->x, "If-Match", &count);
	const char *range = http_is_head(call->x) ? NULL : http_header(call->x, "Range", NULL);
	uint64_t wanted;
	char modified[30];

	if (match && strcmp(match, "*") != 0 &&
	    (count != 1 || !etag_parse_one(match, &wanted) || wanted != info->version)) {
		call_refuse(call, CORE_STALE);
		return false;
	}
	reading->first = 0;
	reading->length = info->size;
	call->event.outcome = 200;
	if (not_modified(call, info)) {
		call->event.outcome = 304;
		return true;
	}
	if (range) {
		clock_http_date(info->updated_ms, modified);
		if (!range_allowed(http_header(call->x, "If-Range", NULL), info->version, modified))
			range = NULL;
	}
	switch (range_parse(range, info->size, &reading->first, &reading->length)) {
	case RANGE_WHOLE:
		break;
	case RANGE_PART:
		call->event.outcome = 206;
		break;
	case RANGE_UNSATISFIABLE:
		http_problem(call->x, PROBLEM_RANGE_NOT_SATISFIABLE, "the record has %" PRIu64 " bytes", info->size);
		http_reply_header(call->x, "Content-Range", "bytes */%" PRIu64, info->size);
		call->refused = true;
		return false;
	}
	return true;
}

static void get_work(struct call *call)
{
	struct reading *reading = call->state;

	call->result = record_reader_unlock(reading->reader);
}

static void get_worked(struct call *call)
{
	struct reading *reading = call->state;

	if (call->result == CORE_OK)
		return;
	if (call->result == CORE_DAMAGED)
		call_alarm(call, record_reader_fault(reading->reader));
	call_refuse(call, call->result);
}

static enum call_next get_prepare(struct call *call)
{
	struct reading *reading;
	enum core_status status;
	uint8_t id[16];
	uint64_t version;

	if (!call_record_id(call, id) || !read_version(call, &version))
		return CALL_GO;
	reading = calloc(1, sizeof(*reading));
	if (!reading) {
		call_refuse(call, CORE_NOMEM);
		return CALL_GO;
	}
	reading->call = call;
	call->state = reading;
	status = record_reader_new(call->api->options.vault, call_reading_view(call), &call->principal, id, version,
				   &reading->reader);
	if (status == CORE_DAMAGED)
		call_alarm(call, "rows");
	if (status != CORE_OK) {
		call_refuse(call, status);
		return CALL_GO;
	}
	call->event.version = record_reader_info(reading->reader)->version;
	if (!decide(call, reading, record_reader_info(reading->reader)))
		return CALL_GO;
	if (call->event.outcome == 304)
		return CALL_GO;
	if (!record_reader_is_quick(reading->reader))
		return CALL_WORK;
	get_work(call);
	get_worked(call);
	return CALL_GO;
}

static size_t read_some(void *arg, uint64_t offset, uint8_t *buffer, size_t cap)
{
	struct reading *reading = arg;
	uint64_t left = reading->length - offset;
	size_t n = record_reader_get(reading->reader, call_view(reading->call), reading->first + offset, buffer,
				     left < cap ? (size_t)left : cap);

	reading->sent = offset + n;
	return n;
}

static enum store_status get_apply(struct call *call, struct store_txn *txn)
{
	struct reading *reading = call->state;

	return record_reader_backfill(reading->reader, txn);
}

static void get_finish(struct call *call)
{
	struct reading *reading = call->state;
	const struct record_info *info = record_reader_info(reading->reader);

	if (call->event.outcome == 304) {
		http_reply_empty(call->x, 304);
		record_reply_headers(call->x, info, false);
		return;
	}
	reading->streaming = !http_is_head(call->x) && reading->length > 0;
	http_reply_stream(call->x, call->event.outcome, info->media_type, reading->length, read_some, reading);
	record_reply_headers(call->x, info, true);
	http_reply_header(call->x, "Accept-Ranges", "bytes");
	if (call->event.outcome == 206)
		http_reply_header(call->x, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, reading->first,
				  reading->first + reading->length - 1, info->size);
}

static void get_close(struct call *call, bool completed)
{
	struct reading *reading = call->state;

	if (!reading)
		return;
	if (reading->streaming && (!completed || reading->sent < reading->length)) {
		call->interrupted = true;
		if (record_reader_failed(reading->reader))
			call_alarm(call, record_reader_fault(reading->reader));
	}
	record_reader_free(reading->reader);
	free(reading);
}

const struct api_steps RECORDS_GET = {
	.action = AUDIT_RECORD_READ,
	.unwraps = true,
	.break_glass = true,
	.prepare = get_prepare,
	.work = get_work,
	.worked = get_worked,
	.apply = get_apply,
	.finish = get_finish,
	.close = get_close,
};
