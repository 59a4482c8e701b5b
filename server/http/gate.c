/* The request gate: what libmicrohttpd's lax parser lets through and coffer does not (RFC 9112). */
#include <string.h>
#include <strings.h>

#include "server/http/internal.h"

struct tally {
	unsigned hosts, lengths, codings;
	bool chunked_only, bad_name;
};

static bool is_token(const char *text, size_t size)
{
	static const char EXTRA[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c && strchr(EXTRA, c))))
			return false;
	}
	return size > 0;
}

static enum MHD_Result count_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_size,
				    const char *value, size_t value_size)
{
	struct tally *tally = arg;

	(void)kind;
	if (!is_token(name, name_size))
		tally->bad_name = true;
	if (strcasecmp(name, "Host") == 0)
		tally->hosts++;
	if (strcasecmp(name, "Content-Length") == 0)
		tally->lengths++;
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		tally->codings++;
		tally->chunked_only = value && value_size == 7 && strcasecmp(value, "chunked") == 0;
	}
	return MHD_YES;
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

bool gate_check(struct http_exchange *x, const char *url)
{
	struct tally tally = {0};
	const char *expect = http_header(x, "Expect", NULL);

	MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, count_header, &tally);
	if (strcmp(x->method, "TRACE") == 0 || strcmp(x->method, "CONNECT") == 0 ||
	    (tally.codings > 0 && !(tally.codings == 1 && tally.chunked_only)))
		http_problem(x, PROBLEM_NOT_IMPLEMENTED, NULL);
	else if (tally.bad_name)
		http_problem(x, PROBLEM_BAD_REQUEST, "a header field's name is no token");
	else if (tally.hosts != 1)
		http_problem(x, PROBLEM_BAD_REQUEST, "a request has exactly one Host");
	else if (tally.lengths > 1 || (tally.lengths && tally.codings) || !read_framing(x, &tally))
		http_problem(x, PROBLEM_BAD_REQUEST, "the body's length is given by one Content-Length, or by chunks");
	else if (url[0] != '/')
		http_problem(x, PROBLEM_BAD_REQUEST, "the target must begin with a slash");
	else if (expect && strcasecmp(expect, "100-continue") != 0)
		http_problem(x, PROBLEM_EXPECTATION_FAILED, NULL);
	return x->reply.status == 0;
}
