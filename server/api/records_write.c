/* POST /v1/records and PUT /v1/records/{id}. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "server/api/call.h"
#include "server/api/conditional.h"
#include "server/api/record_reply.h"
#include "server/core/record.h"

enum { IDEMPOTENCY_KEY_MAX = 255 };

static const char DEFAULT_MEDIA_TYPE[] = "application/octet-stream";

static void refuse(struct call *call, enum problem problem, const char *detail)
{
	http_problem(call->x, problem, "%s", detail);
	call->refused = true;
}

/* Whether `type` begins with this media type, alone or before parameters. */
static bool is_type(const char *type, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(type, name, n) == 0 && (type[n] == '\0' || strchr("; \t", type[n]));
}

/* Printable, within `max` characters, and there only once. */
static bool plain_value(const char *value, size_t count, size_t max)
{
	if (count > 1 || strlen(value) > max)
		return false;
	for (const unsigned char *p = (const unsigned char *)value; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}

static bool read_media_type(struct call *call, const char **ret_type)
{
	size_t count = 0;
	const char *type = http_header(call->x, "Content-Type", &count);

	if (!type) {
		*ret_type = DEFAULT_MEDIA_TYPE;
		return true;
	}
	if (is_type(type, "application/x-www-form-urlencoded") || is_type(type, "multipart/form-data")) {
		refuse(call, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
		       "a form is not a record: send the bytes as they are, with curl by --data-binary @FILE and "
		       "-H 'Content-Type: TYPE' that names the record's own type");
		return false;
	}
	if (!plain_value(type, count, RECORD_MEDIA_TYPE_MAX) || !strchr(type, '/')) {
		refuse(call, PROBLEM_BAD_REQUEST, "Content-Type must be one media type of at most 255 characters");
		return false;
	}
	*ret_type = type;
	return true;
}

static bool read_options(struct call *call, struct record_write_options *options)
{
	size_t count = 0;

	if (!read_media_type(call, &options->media_type))
		return false;
	options->labels = http_header(call->x, "Coffer-Labels", &count);
	if (!options->labels)
		options->labels = "";
	if (!plain_value(options->labels, count, RECORD_LABELS_MAX)) {
		refuse(call, PROBLEM_BAD_REQUEST, "Coffer-Labels must be one printable value of at most 4096 bytes");
		return false;
	}
	options->inflight = call->api->inflight;
	options->principal = &call->principal;
	options->route = http_route(call->x)->operation;
	options->wake = call_wake;
	options->arg = call;
	return true;
}

static void start_writer(struct call *call, const struct record_write_options *options)
{
	struct record_writer *writer = NULL;
	enum core_status status = record_writer_new(call->api->options.vault, options, &writer);

	if (status == CORE_BUSY) {
		refuse(call, PROBLEM_KEY_IN_FLIGHT, "wait for the answer to the first, or retry in a moment");
		return;
	}
	if (status != CORE_OK) {
		call_refuse(call, status);
		return;
	}
	call->state = writer;
}

static void post_begin(struct call *call)
{
	struct record_write_options options = {0};
	size_t count = 0;

	if (!read_options(call, &options))
		return;
	options.idempotency_key = http_header(call->x, "Idempotency-Key", &count);
	if (options.idempotency_key &&
	    (!plain_value(options.idempotency_key, count, IDEMPOTENCY_KEY_MAX) || options.idempotency_key[0] == '\0')) {
		refuse(call, PROBLEM_BAD_REQUEST, "Idempotency-Key must be one printable value of 1 to 255 characters");
		return;
	}
	call->event.outcome = 201;
	start_writer(call, &options);
}

static void put_begin(struct call *call)
{
	struct record_write_options options = {0};
	uint8_t id[16];
	size_t count = 0;
	const char *match = http_header(call->x, "If-Match", &count);
	uint64_t current = 0;
	enum core_status status;

	if (!call_record_id(call, id) || !read_options(call, &options))
		return;
	if (match &&
	    (count != 1 || !etag_parse_one(match, &options.if_version) || options.if_version >= (uint64_t)INT64_MAX)) {
		refuse(call, PROBLEM_BAD_REQUEST, "If-Match takes exactly one strong ETag, such as If-Match: \"1\"");
		return;
	}
	/* The look-up comes first: who may not see the record learns nothing from 428 or 412. */
	status = record_check_current(call->api->options.vault, call_view(call), &call->principal, id,
				      options.if_version, &current);
	if (status == CORE_STALE && !match) {
		http_problem(call->x, PROBLEM_PRECONDITION_REQUIRED,
			     "send the ETag of the version that you have read: If-Match: \"%" PRIu64 "\"", current);
		call->refused = true;
		return;
	}
	if (status != CORE_OK) {
		call_refuse(call, status);
		return;
	}
	options.record_id = id;
	call->event.outcome = 200;
	start_writer(call, &options);
}

static void write_body(struct call *call, const uint8_t *bytes, size_t size, size_t *ret_used)
{
	enum core_status status = record_writer_put(call->state, bytes, size, ret_used);

	if (status != CORE_OK)
		call_refuse(call, status);
}

static enum call_next write_prepare(struct call *call)
{
	bool full = false;
	enum core_status status = record_writer_finish(call->state, &full);

	if (status != CORE_OK)
		call_refuse(call, status);
	return full ? CALL_ROOM : CALL_GO;
}

static enum store_status write_apply(struct call *call, struct store_txn *txn)
{
	enum store_status status = record_writer_apply(call->state, txn, &call->result);
	const struct record_info *info = record_writer_info(call->state);

	if (status == STORE_OK && (call->result == CORE_OK || call->result == CORE_REPLAY)) {
		memcpy(call->event.object_id, info->record_id, sizeof(call->event.object_id));
		call->event.version = info->version;
		memcpy(call->written, info->sha256, sizeof(call->written));
	}
	return status;
}

static void write_finish(struct call *call)
{
	if (call->result == CORE_OK || call->result == CORE_REPLAY)
		record_reply_info(call->x, call->event.outcome, record_writer_info(call->state));
	else
		call_refuse(call, call->result);
}

static void write_close(struct call *call, bool completed)
{
	(void)completed;
	record_writer_free(call->state);
}

const struct api_steps RECORDS_POST = {
	.action = AUDIT_RECORD_CREATE,
	.writes = true,
	.receipt = true,
	.begin = post_begin,
	.body = write_body,
	.prepare = write_prepare,
	.apply = write_apply,
	.finish = write_finish,
	.close = write_close,
};

const struct api_steps RECORDS_PUT = {
	.action = AUDIT_RECORD_REPLACE,
	.writes = true,
	.receipt = true,
	.begin = put_begin,
	.body = write_body,
	.prepare = write_prepare,
	.apply = write_apply,
	.finish = write_finish,
	.close = write_close,
};
