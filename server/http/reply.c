#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "crypto/secret.h"
#include "server/http/internal.h"
#include "server/json/json.h"
#include "server/tls/context.h"

/*
 * From a Unix socket's reader only its calls tell of progress: hence smaller ones there. A stream no longer than WHOLE
 * fits in one record of TLS.
 */
enum { STREAM_BLOCK = 64 * 1024, UNIX_BLOCK = 16 * 1024, WHOLE = 16 * 1024 };

void reply_clear(struct reply *reply)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		free(reply->headers[i].name);
		free(reply->headers[i].value);
	}
	free(reply->media_type);
	if (reply->streamed)
		secret_wipe(reply->bytes, reply->size);
	if (!reply->borrowed)
		free(reply->bytes);
	*reply = (struct reply){0};
}

static struct reply *begin(struct http_exchange *x, unsigned status, const char *media_type)
{
	struct reply *reply = &x->reply;

	reply_clear(reply);
	reply->status = status;
	if (media_type) {
		reply->media_type = strdup(media_type);
		reply->failed = !reply->media_type;
	}
	return reply;
}

void http_reply_empty(struct http_exchange *x, unsigned status)
{
	(void)begin(x, status, NULL);
}

void http_reply_bytes(struct http_exchange *x, unsigned status, const char *media_type, const void *bytes, size_t size)
{
	struct reply *reply = begin(x, status, media_type);

	reply->bytes = malloc(size + 1);
	if (!reply->bytes) {
		reply->failed = true;
		return;
	}
	memcpy(reply->bytes, bytes, size);
	reply->size = size;
}

void http_reply_static(struct http_exchange *x, unsigned status, const char *media_type, const void *bytes, size_t size)
{
	struct reply *reply = begin(x, status, media_type);
	union {
		const void *in;
		char *out;
	} borrowed = {.in = bytes}; /* libmicrohttpd takes a pointer to non-const, and does not write */

	reply->bytes = borrowed.out;
	reply->borrowed = true;
	reply->size = size;
}

void http_reply_stream(struct http_exchange *x, unsigned status, const char *media_type, uint64_t size,
		       http_reader *reader, void *arg)
{
	struct reply *reply = begin(x, status, media_type);

	reply->reader = reader;
	reply->reader_arg = arg;
	reply->stream_size = size;
}

/* Where the field of this name stands, or the place after the last. */
static struct header *find_header(struct reply *reply, const char *name)
{
	struct header *header = reply->headers;

	while (header < reply->headers + reply->header_count && header->name && strcmp(header->name, name) != 0)
		header++;
	return header;
}

void http_reply_header(struct http_exchange *x, const char *name, const char *value, ...)
{
	struct reply *reply = &x->reply;
	struct header *header = find_header(reply, name);
	va_list arguments;

	if (header == reply->headers + HEADERS_MAX) {
		reply->failed = true;
		return;
	}
	if (header < reply->headers + reply->header_count) {
		free(header->name);
		free(header->value);
	} else {
		reply->header_count++;
	}
	header->name = strdup(name);
	va_start(arguments, value);
	if (vasprintf(&header->value, value, arguments) < 0)
		header->value = NULL;
	va_end(arguments);
	if (!header->name || !header->value)
		reply->failed = true;
}

void http_problem(struct http_exchange *x, enum problem problem, const char *detail, ...)
{
	struct json *doc = json_new();
	unsigned status = problem_status(problem);
	char type[96], text[512];
	char *body;
	size_t size = 0;
	va_list arguments;

	snprintf(type, sizeof(type), "urn:coffer:problem:%s", problem_slug(problem));
	json_text(doc, "type", type);
	json_text(doc, "title", problem_title(problem));
	json_number(doc, "status", status);
	if (detail) {
		va_start(arguments, detail);
		vsnprintf(text, sizeof(text), detail, arguments);
		va_end(arguments);
		json_text(doc, "detail", text);
	}
	json_text(doc, "request_id", x->request_id);
	body = json_print(doc, &size);
	json_free(doc);
	http_reply_bytes(x, status, "application/problem+json", body ? body : "", size);
	free(body);
	if (status == 401)
		http_reply_header(x, "WWW-Authenticate", "Bearer realm=\"coffer\"");
	x->reply.busy = problem == PROBLEM_BUSY;
	if (status == 503 || status == 429)
		http_reply_header(x, "Retry-After", "1");
}

unsigned http_reply_status(const struct http_exchange *x)
{
	return x->reply.status;
}

/* What came before has left libmicrohttpd's hands. */
static void count_sent(struct http_exchange *x, uint64_t offset)
{
	if (x->connection->plain)
		x->connection->traffic.sent = offset;
}

static ssize_t read_stream(void *arg, uint64_t offset, char *buffer, size_t cap)
{
	struct http_exchange *x = arg;
	size_t n = x->reply.reader(x->reply.reader_arg, offset, (uint8_t *)buffer, cap);

	x->loop->turns_progress++;
	count_sent(x, offset);
	return n ? (ssize_t)n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t read_bytes(void *arg, uint64_t offset, char *buffer, size_t cap)
{
	struct http_exchange *x = arg;
	const size_t left = x->reply.size - (size_t)offset, n = left < cap ? left : cap;

	memcpy(buffer, x->reply.bytes + offset, n);
	count_sent(x, offset);
	return (ssize_t)n;
}

/*
 * Reads a short stream at once: libmicrohttpd then sends head and body together, and not each in a turn and a packet of
 * its own. False when it cannot be had whole.
 */
static bool read_whole(struct reply *reply)
{
	const size_t size = (size_t)reply->stream_size;

	reply->bytes = malloc(size);
	if (!reply->bytes)
		return false;
	reply->streamed = true;
	while (reply->size < size) {
		const size_t n = reply->reader(reply->reader_arg, reply->size, (uint8_t *)reply->bytes + reply->size,
					       size - reply->size);

		if (n == 0)
			return false;
		reply->size += n;
	}
	reply->reader = NULL;
	return true;
}

static struct MHD_Response *make_response(struct http_exchange *x)
{
	struct reply *reply = &x->reply;
	const bool local = x->connection->address.ss_family == AF_UNIX;
	const size_t block = local ? UNIX_BLOCK : STREAM_BLOCK;

	if (reply->reader && !x->is_head && reply->stream_size > 0 && reply->stream_size <= WHOLE && !read_whole(reply))
		return NULL;
	/* The library allocates a whole block, and zeroes it; it refuses one of no bytes. */
	if (reply->reader && reply->stream_size > 0)
		return MHD_create_response_from_callback(reply->stream_size,
							 reply->stream_size < block ? reply->stream_size : block,
							 read_stream, x, NULL);
	if (local && reply->size > block)
		return MHD_create_response_from_callback(reply->size, block, read_bytes, x, NULL);
	/* The bytes outlive the response: they go with the exchange, which ends after it has been sent. */
	return MHD_create_response_from_buffer(reply->size, reply->size ? reply->bytes : NULL, MHD_RESPMEM_PERSISTENT);
}

/*
 * On every reply that does not say otherwise. A browser that is sent here by a link, and shows a client certificate,
 * must not run what it finds: hence the policy, and the rule of one's own origin.
 */
static const struct {
	const char *name, *value;
} ALWAYS[] = {
	{.name = "Cache-Control", .value = "no-store"},
	{.name = "X-Content-Type-Options", .value = "nosniff"},
	{.name = "Content-Security-Policy", .value = "default-src 'none'; frame-ancestors 'none'; sandbox"},
	{.name = "Cross-Origin-Resource-Policy", .value = "same-origin"},
	{.name = "Strict-Transport-Security", .value = "max-age=31536000"}, /* the last: only to TLS */
};
enum { ALWAYS_COUNT = sizeof(ALWAYS) / sizeof(ALWAYS[0]) };

static size_t always_count(const struct http_exchange *x)
{
	return x->secure ? ALWAYS_COUNT : ALWAYS_COUNT - 1;
}

static bool is_set(const struct reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		if (strcasecmp(reply->headers[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool add_headers(struct http_exchange *x, struct MHD_Response *response)
{
	const struct reply *reply = &x->reply;
	bool good = MHD_add_response_header(response, "Coffer-Request-Id", x->request_id) == MHD_YES;

	for (size_t i = 0; good && i < always_count(x); i++)
		good = is_set(reply, ALWAYS[i].name) ||
		       MHD_add_response_header(response, ALWAYS[i].name, ALWAYS[i].value) == MHD_YES;
	if (good && reply->media_type)
		good = MHD_add_response_header(response, "Content-Type", reply->media_type) == MHD_YES;
	for (size_t i = 0; good && i < reply->header_count; i++)
		good = MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value) == MHD_YES;
	return good;
}

static void print_reply(const struct http_exchange *x, FILE *out)
{
	const struct reply *reply = &x->reply;
	char date[40];
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &utc);
	fprintf(out, "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\nCoffer-Request-Id: %s\r\n", reply->status,
		MHD_get_reason_phrase_for(reply->status), date, x->request_id);
	for (size_t i = 0; i < always_count(x); i++) {
		if (!is_set(reply, ALWAYS[i].name))
			fprintf(out, "%s: %s\r\n", ALWAYS[i].name, ALWAYS[i].value);
	}
	if (reply->media_type)
		fprintf(out, "Content-Type: %s\r\n", reply->media_type);
	for (size_t i = 0; i < reply->header_count; i++)
		fprintf(out, "%s: %s\r\n", reply->headers[i].name, reply->headers[i].value);
	fprintf(out, "Content-Length: %zu\r\n\r\n", reply->size);
	fwrite(reply->bytes, 1, reply->size, out);
}

static bool send_past(struct http_exchange *x, const char *text, size_t size)
{
	const union MHD_ConnectionInfo *info;

	if (x->connection->plain)
		return send(x->connection->fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
	info = MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info && tls_session_send(info->tls_session, text, size);
}

bool reply_send_now(struct http_exchange *x)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = !x->reply.failed && !x->reply.reader ? open_memstream(&text, &size) : NULL;
	bool good = false;

	if (!out)
		return false;
	print_reply(x, out);
	good = ferror(out) == 0;
	good = fclose(out) == 0 && good && send_past(x, text, size);
	x->sent = good ? x->reply.size : 0;
	free(text);
	return good;
}

enum MHD_Result reply_queue(struct http_exchange *x)
{
	struct MHD_Response *response = x->reply.failed || !x->reply.status ? NULL : make_response(x);
	enum MHD_Result result = MHD_NO;

	x->state = X_ANSWERED;
	if (!response)
		return MHD_NO;
	if (add_headers(x, response))
		result = MHD_queue_response(x->mhd, x->reply.status, response);
	x->sent = x->reply.reader ? x->reply.stream_size : x->reply.size;
	/* libmicrohttpd sends the head, and from 1,400 bytes on it would leave alone, and then the body. */
	x->connection->traffic.joins = result == MHD_YES && !x->reply.reader && x->reply.size > 0 && !x->is_head;
	MHD_destroy_response(response);
	return result;
}
