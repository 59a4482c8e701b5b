/*
 * The request gate behind libmicrohttpd's real parser, which reads the input, a request's head, from a socket pair. A
 * second reader looks at the same bytes with nothing forgiven: the gate lets through just what that one does, and both
 * see the same framing. That is what keeps two requests from being made of one.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/support/exchange.h"

enum { TURNS_TO_READ = 8, TURNS_TO_CLOSE = 64, FIELDS_MAX = 100, INPUT_MAX = 4096 };

/* ---- the second reader ------------------------------------------------------------------------------------------- */

struct span {
	const char *at;
	size_t size;
};

struct head {
	bool good;
	struct span method, version;
	unsigned fields, hosts, lengths, codings;
	bool expects;
	uint64_t length;
};

static bool all_of(struct span text, const char *extra)
{
	for (size_t i = 0; i < text.size; i++) {
		const char c = text.at[i], lower = c | 0x20;

		if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z') && !(c && strchr(extra, c)))
			return false;
	}
	return true;
}

static bool is_token(struct span text)
{
	return text.size > 0 && all_of(text, "!#$%&'*+-.^_`|~");
}

static bool is(struct span text, const char *other)
{
	return text.size == strlen(other) && strncasecmp(text.at, other, text.size) == 0;
}

#if MHD_VERSION < 0x00097701
static bool is_delimiter(char c)
{
	return !c || c == '\r' || c == '\n';
}

/* Whether a NUL stands within three or more delimiters: which of them end a line is then libmicrohttpd's secret. */
static bool is_unsure(const char *text, size_t size)
{
	for (size_t i = 0; i + 2 < size; i++)
		if (is_delimiter(text[i]) && is_delimiter(text[i + 1]) && is_delimiter(text[i + 2]) &&
		    (!text[i] || !text[i + 1] || !text[i + 2]))
			return true;
	return false;
}

/* Empty lines before the request, also such as end with LF, or that a NUL begins, are skipped. */
static struct span skip_empty(const char *text, size_t size)
{
	while (size > 1 && (!*text || *text == '\n' || memcmp(text, "\r\n", 2) == 0)) {
		const char *line_end = memchr(text, '\n', size);

		if (!line_end)
			break;
		size -= (size_t)(line_end + 1 - text);
		text = line_end + 1;
	}
	return (struct span){text, size};
}

/*
 * What cannot be seen in libmicrohttpd's memory, where a NUL stands for each delimiter: a NUL before a bare LF makes a
 * CRLF, and one that ends the target makes a `?`; a line of just a colon, with a bare LF before or behind it, ends the
 * head as an empty line does.
 */
static struct span forgive(char *text, size_t size)
{
	const struct span left = skip_empty(text, size);
	char *start = text + size - left.size;
	char *line_end = memmem(start, left.size, "\r\n", 2);
	char *last = line_end ? memrchr(start, ' ', (size_t)(line_end - start)) : NULL;

	if (last && last > start && !last[-1])
		last[-1] = '?';
	for (size_t i = 0; i + 1 < left.size; i++)
		if (!start[i] && start[i + 1] == '\n')
			start[i] = '\r';
	for (size_t i = 1; i + 3 < left.size; i++)
		if (memcmp(start + i, "\r\n:\n", 4) == 0 ||
		    (memcmp(start + i, "\n:\r\n", 4) == 0 && !is_delimiter(start[i - 1])))
			memcpy(start + i, "\r\n\r\n", 4);
	return left;
}
#else
static bool is_unsure(const char *text, size_t size)
{
	(void)text;
	(void)size;
	return false;
}

/* One empty line before the request is skipped (RFC 9112 §2.2), and nothing is hidden. */
static struct span forgive(char *text, size_t size)
{
	const size_t empty = size >= 2 && memcmp(text, "\r\n", 2) == 0 ? 2 : 0;

	return (struct span){text + empty, size - empty};
}
#endif

/* Up to the next CRLF, which is taken too; false when there is none, or a CR, LF or NUL stands elsewhere. */
static bool take_line(struct span *left, struct span *ret_line)
{
	for (size_t i = 0; i + 1 < left->size; i++) {
		if (left->at[i] == '\r' && left->at[i + 1] == '\n') {
			*ret_line = (struct span){left->at, i};
			*left = (struct span){left->at + i + 2, left->size - i - 2};
			return true;
		}
		if (left->at[i] == '\r' || left->at[i] == '\n' || !left->at[i])
			return false;
	}
	return false;
}

/* Up to the separator, which is taken too. */
static bool take_until(struct span *left, char separator, struct span *ret_part)
{
	const char *found = memchr(left->at, separator, left->size);

	if (!found)
		return false;
	*ret_part = (struct span){left->at, (size_t)(found - left->at)};
	*left = (struct span){found + 1, left->size - ret_part->size - 1};
	return true;
}

static bool is_path(struct span path)
{
	for (size_t i = 0; i < path.size; i++) {
		const char c = path.at[i];

		if (c <= ' ' || c >= 0x7f || c == '#')
			return false;
		if (c != '%')
			continue;
		if (path.size - i < 3 || !strchr("0123456789abcdefABCDEF", path.at[i + 1]) ||
		    !strchr("0123456789abcdefABCDEF", path.at[i + 2]))
			return false;
		if (memcmp(path.at + i, "%00", 3) == 0 || strncasecmp(path.at + i, "%2f", 3) == 0)
			return false;
	}
	return path.size > 0 && path.at[0] == '/';
}

/* Opaque. An old libmicrohttpd lets a space through, which cannot be told from the plus that it makes one of. */
static bool is_query(struct span query)
{
	const char least = MHD_VERSION < 0x00097701 ? ' ' : '!';

	for (size_t i = 0; i < query.size; i++)
		if (query.at[i] < least || query.at[i] >= 0x7f || query.at[i] == '#')
			return false;
	return true;
}

static bool read_request_line(struct span line, struct head *head)
{
	const char *last = memrchr(line.at, ' ', line.size);
	struct span target, path;

	if (!take_until(&line, ' ', &head->method) || last < line.at)
		return false;
	target = (struct span){line.at, (size_t)(last - line.at)};
	head->version = (struct span){last + 1, line.size - target.size - 1};
	path = target;
	if (take_until(&target, '?', &path) && !is_query(target))
		return false;
	return is_token(head->method) && !is(head->method, "TRACE") && !is(head->method, "CONNECT") && is_path(path) &&
	       head->version.size == 8 && memcmp(head->version.at, "HTTP/1.", 7) == 0 && head->version.at[7] >= '0' &&
	       head->version.at[7] <= '9';
}

static bool read_length(struct span value, uint64_t *ret_length)
{
	uint64_t length = 0;

	for (size_t i = 0; i < value.size; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return false;
		length = length * 10 + (uint64_t)(value.at[i] - '0');
	}
	*ret_length = length;
	return value.size > 0 && value.size <= 18;
}

/* Blanks behind a value are left to it, as libmicrohttpd leaves them: where they matter they make it a bad one. */
static bool read_field(struct span line, struct head *head)
{
	struct span name;

	if (!take_until(&line, ':', &name) || !is_token(name))
		return false;
	for (; line.size && (*line.at == ' ' || *line.at == '\t'); line.at++)
		line.size--;
	for (size_t i = 0; i < line.size; i++)
		if (((unsigned char)line.at[i] < ' ' && line.at[i] != '\t') || line.at[i] == 0x7f)
			return false;
	head->fields++;
	if (is(name, "Host"))
		return head->hosts++ == 0 && all_of(line, "-._~:[]%!$&'()*+;=");
	if (is(name, "Content-Length"))
		return head->lengths++ == 0 && read_length(line, &head->length);
	if (is(name, "Transfer-Encoding"))
		return head->codings++ == 0 && is(line, "chunked");
	if (is(name, "Expect") && !head->expects) { /* only the first one counts, which RFC 9110 §10.1.1 leaves free */
		head->expects = true;
		return is(line, "100-continue");
	}
	return true;
}

static struct head read_head(struct span left)
{
	struct span line;
	struct head head = {.good = false};

	if (!take_line(&left, &line) || !read_request_line(line, &head))
		return head;
	for (;;) {
		if (!take_line(&left, &line))
			return head;
		if (line.size == 0)
			break;
		if (!read_field(line, &head))
			return head;
	}
	head.good = head.fields <= FIELDS_MAX && head.hosts == 1 && !(head.lengths && head.codings) &&
		    !(head.codings && memcmp(head.version.at, "HTTP/1.0", 8) == 0);
	return head;
}

/* ---- libmicrohttpd and the gate ---------------------------------------------------------------------------------- */

struct seen {
	const struct head *head;
	bool asked, done;
};

static struct seen now;

static enum MHD_Result handle(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
			      const char *version, const char *data, size_t *data_size, void **context)
{
	struct bare_exchange bare;
	bool passed;

	(void)arg;
	(void)data;
	(void)data_size;
	(void)context;
	FUZZ_CHECK(!now.asked); /* the connection ends after its first request */
	now.asked = true;
	bare_exchange_init(&bare, method, NULL, 0);
	bare.x.mhd = mhd;
	passed = gate_check(&bare.x, url, version);
	FUZZ_CHECK(passed == (bare.x.reply.status == 0));
	FUZZ_CHECK(passed == now.head->good);
	if (passed) {
		FUZZ_CHECK(strlen(method) == now.head->method.size);
		FUZZ_CHECK(memcmp(method, now.head->method.at, now.head->method.size) == 0);
		FUZZ_CHECK(bare.x.has_length == (now.head->codings == 0) && bare.x.length == now.head->length);
		FUZZ_CHECK(bare.x.has_body == (now.head->codings > 0 || now.head->length > 0));
	}
	bare_exchange_done(&bare);
	return MHD_NO;
}

static void closed(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode code)
{
	(void)arg;
	(void)mhd;
	(void)context;
	now.done = now.done || code == MHD_CONNECTION_NOTIFY_CLOSED;
}

/* As the server's daemon has it. */
static size_t keep_escapes(void *arg, struct MHD_Connection *mhd, char *text)
{
	(void)arg;
	(void)mhd;
	return strlen(text);
}

static struct MHD_Daemon *start(void)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
				handle, NULL, MHD_OPTION_NOTIFY_CONNECTION, closed, NULL, MHD_OPTION_UNESCAPE_CALLBACK,
				keep_escapes, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(24 * 1024),
#if MHD_VERSION >= 0x00097701
				MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#endif
				MHD_OPTION_END);
}

static void run(struct MHD_Daemon *daemon, const bool *until, int turns)
{
	for (int i = 0; i < turns && !*until; i++)
		FUZZ_CHECK(MHD_run(daemon) == MHD_YES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct MHD_Daemon *daemon;
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	static char text[INPUT_MAX];
	struct head head;
	int pair[2];

	if (size > INPUT_MAX)
		return 0;
	if (size)
		memcpy(text, data, size);
	if (is_unsure(text, size))
		return 0;
	head = read_head(forgive(text, size));
	if (!daemon)
		daemon = start();
	FUZZ_CHECK(daemon != NULL);
	now = (struct seen){.head = &head};
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	FUZZ_CHECK(size == 0 || write(pair[1], data, size) == (ssize_t)size);
	FUZZ_CHECK(MHD_add_connection(daemon, pair[0], (const struct sockaddr *)&address, sizeof(address)) == MHD_YES);
	run(daemon, &now.asked, TURNS_TO_READ);
	close(pair[1]);
	run(daemon, &now.done, TURNS_TO_CLOSE);
	FUZZ_CHECK(now.done);
	/* It may refuse by itself what only forgiving made good. */
	FUZZ_CHECK(now.asked || !head.good || memcmp(text, data, size) != 0);
	return 0;
}
