/* The request gate: what libmicrohttpd's lax parser lets through and coffer does not (RFC 9112). */
#include <string.h>
#include <strings.h>

#include "server/http/field.h"
#include "server/http/internal.h"

enum { HEADERS_MAX_IN = 100 };

struct tally {
	unsigned fields, hosts, lengths, codings;
	bool chunked_only, bad_name, bad_value, bad_host, framing;
	unsigned traces;
	const char *trace; /* the value of traceparent, and its size */
	size_t trace_size;
};

static enum MHD_Result count_field(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size,
				   const char *value, size_t value_size)
{
	struct tally *tally = arg;

	(void)kind;
	tally->fields++;
	if (!field_is_token(name, name_size))
		tally->bad_name = true;
	if (value && !field_is_value(value, value_size))
		tally->bad_value = true;
	if (strcasecmp(name, "Host") == 0) {
		tally->hosts++;
		tally->bad_host = value && !field_is_host(value, value_size);
	}
	if (strcasecmp(name, "Content-Length") == 0)
		tally->lengths++;
	if (value && strcasecmp(name, "traceparent") == 0) {
		tally->traces++;
		tally->trace = value;
		tally->trace_size = value_size;
	}
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		tally->codings++;
		tally->chunked_only = value && value_size == 7 && strcasecmp(value, "chunked") == 0;
	}
	/* What may not come after the body, since it would change what came before (RFC 9110 §6.5.1). */
	if (strcasecmp(name, "Host") == 0 || strcasecmp(name, "Content-Length") == 0 ||
	    strcasecmp(name, "Transfer-Encoding") == 0 || strcasecmp(name, "Authorization") == 0)
		tally->framing = true;
	return MHD_YES;
}

/* A path in origin-form: visible ASCII, well-formed escapes, none of them a NUL or a slash in disguise. */
static bool is_path(const char *path)
{
	if (path[0] != '/')
		return false;
	for (const char *p = path; *p; p++) {
		char byte;

		if (*p <= 0x20 || *p >= 0x7f || *p == '#')
			return false;
		if (*p != '%')
			continue;
		if (!route_unescape(p, &byte))
			return false;
		p += 2;
	}
	return true;
}

/* Bytes of a query: visible ASCII, and the space, which libmicrohttpd makes of a plus. */
static bool is_query(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] < ' ' || text[i] >= 0x7f || text[i] == '#')
			return false;
	return true;
}

static enum MHD_Result check_parameter(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size,
				       const char *value, size_t value_size)
{
	bool *good = arg;

	(void)kind;
	*good = *good && is_query(name, name_size) && (!value || is_query(value, value_size));
	return MHD_YES;
}

static bool query_is_clean(const struct http_exchange *x)
{
	bool good = true;

	MHD_get_connection_values_n(x->mhd, MHD_GET_ARGUMENT_KIND, check_parameter, &good);
	return good;
}

/* Sets has_body, has_length and length. */
static bool read_framing(struct http_exchange *x, const struct tally *tally)
{
	const char *text = http_header(x, "Content-Length", NULL);
	uint64_t length = 0;

	x->has_body = tally->codings > 0;
	x->has_length = tally->codings == 0;
	if (!text)
		return true;
	if (!*text || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
		return false;
	for (; *text; text++)
		length = length * 10 + (uint64_t)(*text - '0');
	x->length = length;
	x->has_body = x->has_body || length > 0;
	return true;
}

#if MHD_VERSION < 0x00097701
/*
 * libmicrohttpd reads a header in place, with NUL for each delimiter, and hides what it forgave: a bare LF, a folded
 * line, a NUL that ends a target, a name or a value early, a line without a name (which it takes for the header's end,
 * and what follows it for the next request). So the bytes that it left are walked once more, from the method, where
 * they begin, for the size that it tells: each parameter and each field has to begin where the one before it ended.
 * Should the layout ever differ, everything is refused, and every test fails. A NUL in a delimiter's place cannot be
 * told from it: before a bare LF it makes a CRLF, before the version a `?`.
 */
struct walk {
	const char *at; /* where the next one has to begin */
	const char *end;
	bool whole;
};

static enum MHD_Result walk_parameter(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size,
				      const char *value, size_t value_size)
{
	struct walk *walk = arg;

	(void)kind;
	walk->whole = walk->whole && name == walk->at && (!value || value == name + name_size + 1);
	walk->at = value ? value + value_size + 1 : name + name_size + 1;
	return MHD_YES;
}

/* Over the query's parameters, from the path to the version. */
static bool target_is_whole(const struct http_exchange *x, const char *url, const char *version)
{
	struct walk walk = {.at = url + strlen(url) + 1, .whole = true};

	MHD_get_connection_values_n(x->mhd, MHD_GET_ARGUMENT_KIND, walk_parameter, &walk);
	/* A last `?` or `&` with nothing behind it is no parameter. */
	return walk.whole && (walk.at == version || (walk.at + 1 == version && *walk.at == '\0'));
}

static bool take_line_end(struct walk *walk)
{
	walk->whole = walk->whole && walk->end - walk->at >= 2 && !walk->at[0] && !walk->at[1];
	walk->at += walk->whole ? 2 : 0;
	return walk->whole;
}

/* A name, the colon's NUL, blanks and a value, and the line's end. */
static enum MHD_Result walk_field(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size,
				  const char *value, size_t value_size)
{
	struct walk *walk = arg;

	(void)kind;
	(void)value;
	(void)value_size;
	walk->whole = walk->whole && name == walk->at && (size_t)(walk->end - name) > name_size && !name[name_size];
	if (!walk->whole)
		return MHD_NO;
	walk->at += name_size + 1;
	walk->at += strnlen(walk->at, (size_t)(walk->end - walk->at));
	return take_line_end(walk) ? MHD_YES : MHD_NO;
}

static bool lines_are_whole(const struct http_exchange *x, const char *url, const char *version)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct walk walk = {.at = version + strlen(version), .whole = info != NULL};

	if (!info || url != x->method + strlen(x->method) + 1 || !target_is_whole(x, url, version))
		return false;
	walk.end = x->method + info->header_size;
	if (take_line_end(&walk))
		MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, walk_field, &walk);
	return take_line_end(&walk) && walk.at == walk.end;
}
#else
/* The discipline that the daemon is started with refuses all that. */
static bool lines_are_whole(const struct http_exchange *x, const char *url, const char *version)
{
	(void)x;
	(void)url;
	(void)version;
	return true;
}
#endif

static bool check_request_line(struct http_exchange *x, const char *url, const char *version)
{
	if (strcmp(x->method, "TRACE") == 0 || strcmp(x->method, "CONNECT") == 0) {
		http_problem(x, PROBLEM_METHOD_NOT_ALLOWED, NULL);
		http_reply_header(x, "Allow", "GET, HEAD, POST, PUT, DELETE");
	} else if (!field_is_token(x->method, strlen(x->method)) || strncmp(version, "HTTP/1.", 7) != 0) {
		http_problem(x, PROBLEM_BAD_REQUEST, "the request line is malformed");
	} else if (!lines_are_whole(x, url, version)) {
		http_problem(x, PROBLEM_BAD_REQUEST,
			     "a line of the header is folded, nameless, not ended by CRLF, or holds a NUL");
	} else if (!is_path(url) || !query_is_clean(x)) {
		http_problem(
			x, PROBLEM_BAD_REQUEST,
			"the target must be a path that begins with a slash, in visible ASCII, without a malformed "
			"escape, a NUL or an encoded slash");
	}
	return x->reply.status == 0;
}

static bool check_fields(struct http_exchange *x, const struct tally *tally, const char *version)
{
	const char *expect = http_header(x, "Expect", NULL);
	bool old = strcmp(version, "HTTP/1.0") == 0; /* which knows no chunks (RFC 9112 §6.1) */

	if (tally->fields > HEADERS_MAX_IN)
		http_problem(x, PROBLEM_HEADERS_TOO_LARGE, "at most %d header fields are read", HEADERS_MAX_IN);
	else if (tally->bad_name)
		http_problem(x, PROBLEM_BAD_REQUEST, "a header field's name is no token");
	else if (tally->bad_value)
		http_problem(x, PROBLEM_BAD_REQUEST, "a header field's value holds a control character");
	else if (tally->hosts != 1 || tally->bad_host)
		http_problem(x, PROBLEM_BAD_REQUEST, "a request has exactly one Host");
	else if (tally->codings > 0 && (tally->codings > 1 || !tally->chunked_only || old))
		http_problem(x, PROBLEM_BAD_REQUEST, "the only transfer coding is chunked, with HTTP/1.1");
	else if (tally->lengths > 1 || (tally->lengths && tally->codings) || !read_framing(x, tally))
		http_problem(x, PROBLEM_BAD_REQUEST, "the body's length is given by one Content-Length, or by chunks");
	else if (expect && strcasecmp(expect, "100-continue") != 0)
		http_problem(x, PROBLEM_EXPECTATION_FAILED, NULL);
	return x->reply.status == 0;
}

bool gate_check(struct http_exchange *x, const char *url, const char *version)
{
	struct tally tally = {0};

	MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, count_field, &tally);
	/* One that comes twice, or is malformed, is none. */
	if (tally.traces != 1 || !traceparent_parse(tally.trace, tally.trace_size, &x->trace))
		x->trace = (struct traceparent){.trace_id = ""};
	return check_request_line(x, url, version) && check_fields(x, &tally, version);
}

bool gate_check_trailer(struct http_exchange *x)
{
	struct tally tally = {0};

	MHD_get_connection_values_n(x->mhd, MHD_FOOTER_KIND, count_field, &tally);
	if (tally.fields > HEADERS_MAX_IN || tally.bad_name || tally.bad_value || tally.framing)
		http_problem(x, PROBLEM_BAD_REQUEST, "the trailer holds a field that may not be there");
	return x->reply.status == 0;
}
