#include "server/http/port80_request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 255 };

static const char CHALLENGES[] = "/.well-known/acme-challenge/";
static const char END[] = "\r\n\r\n";

static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
static const char IPV6[] = "0123456789abcdefABCDEF:.";

/* Some characters of the request; not terminated. */
struct view {
	const char *at;
	size_t size;
};

struct request {
	struct view method, target, host;
	bool hosts;	  /* a Host has come */
	bool credentials; /* sent in clear */
	bool body;
};

enum outcome {
	REDIRECT,
	PROOF,
	BAD,
	CREDENTIALS,
	NO_PROOF,
	NOT_ALLOWED,
	TOO_LARGE,
	MISDIRECTED,
	BAD_VERSION,
	OUTCOMES
};

static const struct {
	const char *status;
	const char *text;
} ANSWERS[] = {
	[REDIRECT] = {.status = "301 Moved Permanently", .text = "This service speaks HTTPS.\n"},
	[PROOF] = {.status = "200 OK"},
	[BAD] = {.status = "400 Bad Request", .text = "This is no request that this port takes.\n"},
	[CREDENTIALS] = {.status = "403 Forbidden",
			 .text = "Credentials came in clear: have them replaced, and use https.\n"},
	[NO_PROOF] = {.status = "404 Not Found", .text = "There is no such challenge.\n"},
	[NOT_ALLOWED] = {.status = "405 Method Not Allowed", .text = "This service speaks HTTPS.\n"},
	[TOO_LARGE] = {.status = "431 Request Header Fields Too Large", .text = "The request is too long.\n"},
	[MISDIRECTED] = {.status = "421 Misdirected Request", .text = "This host is none of this server's.\n"},
	[BAD_VERSION] = {.status = "505 HTTP Version Not Supported", .text = "HTTP/1.1 is spoken here.\n"},
};
_Static_assert(sizeof(ANSWERS) / sizeof(ANSWERS[0]) == OUTCOMES, "each outcome has one row");

static bool is_letter(char c)
{
	return c && strchr(LETTERS, c);
}

static bool one_of(char c, const char *characters)
{
	return c && strchr(characters, c);
}

static bool same(struct view view, const char *text)
{
	return view.size == strlen(text) && memcmp(view.at, text, view.size) == 0;
}

static bool same_name(struct view view, const char *text)
{
	return view.size == strlen(text) && strncasecmp(view.at, text, view.size) == 0;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

/* Whether each byte may stand in a head, and each CR before a LF and the other way round, as far as it has come. */
static bool clean(const char *bytes, size_t size, size_t seen)
{
	for (size_t i = seen; i < size; i++) {
		const char c = bytes[i];
		const bool behind_cr = i > 0 && bytes[i - 1] == '\r';

		if (behind_cr != (c == '\n') || (c != '\r' && c != '\n' && c != '\t' && (c < ' ' || c > '~')))
			return false;
	}
	return true;
}

/* ---- request ----------------------------------------------------------------------------------------------------- */

/* The text up to `end`, which is passed over. False: it does not come. */
static bool take(struct view *rest, const char *end, struct view *ret_view)
{
	const char *found = memmem(rest->at, rest->size, end, strlen(end));

	if (!found)
		return false;
	*ret_view = (struct view){rest->at, (size_t)(found - rest->at)};
	rest->size -= ret_view->size + strlen(end);
	rest->at = found + strlen(end);
	return true;
}

static struct view trim(struct view view)
{
	for (; view.size > 0 && one_of(*view.at, " \t"); view.at++)
		view.size--;
	while (view.size > 0 && one_of(view.at[view.size - 1], " \t"))
		view.size--;
	return view;
}

static bool is_token(struct view view)
{
	for (size_t i = 0; i < view.size; i++)
		if (!is_letter(view.at[i]) && !one_of(view.at[i], "!#$%&'*+-.^_`|~"))
			return false;
	return view.size > 0;
}

/* RFC 3986 path and query: they go into Location as they came. */
static bool is_target(struct view view)
{
	for (size_t i = 0; i < view.size; i++) {
		const char c = view.at[i];

		if (c == '%' && i + 2 < view.size && one_of(view.at[i + 1], "0123456789abcdefABCDEF") &&
		    one_of(view.at[i + 2], "0123456789abcdefABCDEF"))
			continue;
		if (!is_letter(c) && !one_of(c, "-._~!$&'()*+,;=:@/?"))
			return false;
	}
	return view.size > 0 && view.at[0] == '/';
}

/* HOST or HOST:PORT, an IPv6 address in brackets; gives the host, without them. */
static bool parse_host(struct view value, struct view *ret_host)
{
	const char *const bracket = value.size && *value.at == '[' ? memchr(value.at, ']', value.size) : NULL;
	const char *const from = bracket ? bracket + 1 : value.at;
	const char *const colon = memchr(from, ':', value.size - (size_t)(from - value.at));
	struct view host = {value.at, colon ? (size_t)(colon - value.at) : value.size};
	const size_t digits = colon ? value.size - host.size - 1 : 0;

	if (bracket) {
		if (host.size != (size_t)(bracket + 1 - value.at))
			return false;
		host = (struct view){value.at + 1, host.size - 2};
	}
	if (host.size == 0 || host.size > HOST_MAX || digits > 5 || (colon && digits == 0))
		return false;
	for (size_t i = 0; i < host.size; i++)
		if (!one_of(host.at[i], bracket ? IPV6 : LETTERS) && (bracket || !one_of(host.at[i], "-.")))
			return false;
	for (size_t i = 0; i < digits; i++)
		if (!one_of(colon[1 + i], "0123456789"))
			return false;
	*ret_host = host;
	return true;
}

static bool parse_field(struct view line, struct request *request)
{
	struct view name, value = line;

	if (!take(&value, ":", &name) || !is_token(name))
		return false;
	value = trim(value);
	if (same_name(name, "Host")) {
		if (request->hosts || !parse_host(value, &request->host))
			return false;
		request->hosts = true;
	} else if (same_name(name, "Authorization")) {
		request->credentials = true;
	} else if (same_name(name, "Transfer-Encoding") || (same_name(name, "Content-Length") && !same(value, "0"))) {
		request->body = true;
	}
	return true;
}

/* head: all but the empty line at its end. PROOF stands for "goes on". */
static enum outcome parse(struct view head, struct request *ret_request)
{
	struct request request = {.hosts = false};
	struct view line, version;

	if (!take(&head, "\r\n", &line) || !take(&line, " ", &request.method) || !is_token(request.method) ||
	    !take(&line, " ", &request.target))
		return BAD;
	version = line;
	if (version.size != 8 || memcmp(version.at, "HTTP/", 5) != 0 || version.at[6] != '.' ||
	    !one_of(version.at[5], "0123456789") || !one_of(version.at[7], "0123456789"))
		return BAD;
	if (!same(version, "HTTP/1.1") && !same(version, "HTTP/1.0"))
		return BAD_VERSION;
	while (take(&head, "\r\n", &line))
		if (!parse_field(line, &request))
			return BAD;
	if (!request.hosts)
		return BAD;
	*ret_request = request;
	return PROOF;
}

/* ---- answer ------------------------------------------------------------------------------------------------------ */

static const struct port80_name *find(const struct port80_site *site, struct view host)
{
	for (size_t i = 0; i < site->count; i++)
		if (same_name(host, site->names[i].host))
			return &site->names[i];
	return NULL;
}

static bool is_challenge(struct view target)
{
	return target.size >= sizeof(CHALLENGES) - 1 && memcmp(target.at, CHALLENGES, sizeof(CHALLENGES) - 1) == 0;
}

/* target: one that is_challenge(). */
static bool prove(const struct port80_site *site, struct view target, char ret_proof[static PORT80_PROOF_MAX])
{
	const struct view view = {target.at + sizeof(CHALLENGES) - 1, target.size - (sizeof(CHALLENGES) - 1)};
	char token[PORT80_TOKEN_MAX + 1];

	if (view.size == 0 || view.size > PORT80_TOKEN_MAX || !site->proof)
		return false;
	for (size_t i = 0; i < view.size; i++)
		if (!is_letter(view.at[i]) && !one_of(view.at[i], "-_"))
			return false;
	memcpy(token, view.at, view.size);
	token[view.size] = '\0';
	return site->proof(site->arg, token, ret_proof);
}

static enum outcome decide(const struct port80_site *site, const struct request *request,
			   const struct port80_name **ret_name, char ret_proof[static PORT80_PROOF_MAX])
{
	*ret_name = find(site, request->host);
	if (!*ret_name)
		return MISDIRECTED;
	if (!same(request->method, "GET") && !same(request->method, "HEAD"))
		return NOT_ALLOWED;
	if (!is_target(request->target) || request->body)
		return BAD;
	if (is_challenge(request->target))
		return prove(site, request->target, ret_proof) ? PROOF : NO_PROOF;
	return request->credentials ? CREDENTIALS : REDIRECT;
}

struct writer {
	char *text;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *writer, const char *format, ...)
{
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(writer->text + writer->size, PORT80_ANSWER_MAX - writer->size, format, args);
	va_end(args);
	writer->size += size > 0 ? (size_t)size : 0;
	if (writer->size >= PORT80_ANSWER_MAX)
		writer->size = PORT80_ANSWER_MAX - 1;
}

static size_t write_answer(enum outcome outcome, const struct request *request, const struct port80_name *name,
			   const char *proof, time_t now, char ret_answer[static PORT80_ANSWER_MAX])
{
	static const char *const DAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	const char *const body = outcome == PROOF ? proof : ANSWERS[outcome].text;
	struct writer writer = {ret_answer, 0};
	struct tm tm = {0};

	gmtime_r(&now, &tm);
	put(&writer, "HTTP/1.1 %s\r\nDate: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", ANSWERS[outcome].status,
	    DAYS[tm.tm_wday], tm.tm_mday, MONTHS[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	put(&writer, "Content-Type: %s\r\nContent-Length: %zu\r\nX-Content-Type-Options: nosniff\r\n",
	    outcome == PROOF ? "application/octet-stream" : "text/plain", strlen(body));
	put(&writer, "Cache-Control: no-store\r\nConnection: close\r\n");
	if (outcome == REDIRECT)
		put(&writer, "Location: %s%.*s\r\n", name->origin, (int)request->target.size, request->target.at);
	if (outcome == NOT_ALLOWED)
		put(&writer, "Allow: GET, HEAD\r\n");
	put(&writer, "\r\n%s", request && same(request->method, "HEAD") ? "" : body);
	return writer.size;
}

size_t port80_answer(const struct port80_site *site, const char *bytes, size_t size, size_t seen, time_t now,
		     char ret_answer[static PORT80_ANSWER_MAX])
{
	const size_t from = seen < sizeof(END) - 1 ? 0 : seen - (sizeof(END) - 2);
	const struct port80_name *name = NULL;
	char proof[PORT80_PROOF_MAX] = "";
	struct request request;
	const char *end;
	enum outcome outcome;

	end = size > from ? memmem(bytes + from, size - from, END, sizeof(END) - 1) : NULL;
	if (end)
		size = (size_t)(end - bytes) + sizeof(END) - 1; /* what comes behind is never looked at */
	if (seen < size && !clean(bytes, size, seen))
		return write_answer(BAD, NULL, NULL, NULL, now, ret_answer);
	if (!end && size < PORT80_HEAD_MAX)
		return 0;
	if (!end || size > PORT80_HEAD_MAX)
		return write_answer(TOO_LARGE, NULL, NULL, NULL, now, ret_answer);
	outcome = parse((struct view){bytes, size - 2}, &request);
	if (outcome != PROOF)
		return write_answer(outcome, NULL, NULL, NULL, now, ret_answer);
	outcome = decide(site, &request, &name, proof);
	return write_answer(outcome, &request, name, proof, now, ret_answer);
}
