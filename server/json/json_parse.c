#include "server/json/json_parse.h"

#include <string.h>

/* Where the reader is. After the first failure `status` says what, and nothing more is read. */
struct reader {
	char *at;
	const char *end;
	struct json_value *unused;
	unsigned depth;
	enum json_doc_status status;
};

static bool fail(struct reader *r, enum json_doc_status status)
{
	if (r->status == JSON_DOC_OK)
		r->status = status;
	return false;
}

/* The next byte; the terminator, which no text may hold, at the end. */
static unsigned char peek(const struct reader *r)
{
	return (unsigned char)*r->at;
}

static bool take(struct reader *r, char c)
{
	if (*r->at != c || r->at == r->end)
		return false;
	r->at++;
	return true;
}

static void skip_space(struct reader *r)
{
	while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')
		r->at++;
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

/* The length of the UTF-8 sequence (RFC 3629 §4) that starts at `at`, which is not ASCII; 0: it is none. */
static size_t sequence(const unsigned char *at, size_t left)
{
	static const struct {
		unsigned char first, last; /* of the first byte */
		unsigned char low, high;   /* of the second; those after it are 0x80 to 0xbf */
		unsigned char length;
	} FORMS[] = {
		{.first = 0xc2, .last = 0xdf, .low = 0x80, .high = 0xbf, .length = 2},
		{.first = 0xe0, .last = 0xe0, .low = 0xa0, .high = 0xbf, .length = 3},
		{.first = 0xe1, .last = 0xec, .low = 0x80, .high = 0xbf, .length = 3},
		{.first = 0xed, .last = 0xed, .low = 0x80, .high = 0x9f, .length = 3},
		{.first = 0xee, .last = 0xef, .low = 0x80, .high = 0xbf, .length = 3},
		{.first = 0xf0, .last = 0xf0, .low = 0x90, .high = 0xbf, .length = 4},
		{.first = 0xf1, .last = 0xf3, .low = 0x80, .high = 0xbf, .length = 4},
		{.first = 0xf4, .last = 0xf4, .low = 0x80, .high = 0x8f, .length = 4},
	};

	for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++) {
		if (at[0] < FORMS[i].first || at[0] > FORMS[i].last)
			continue;
		if (left < FORMS[i].length || at[1] < FORMS[i].low || at[1] > FORMS[i].high)
			return 0;
		for (size_t k = 2; k < FORMS[i].length; k++)
			if (at[k] < 0x80 || at[k] > 0xbf)
				return 0;
		return FORMS[i].length;
	}
	return 0;
}

static char *put_utf8(char *to, uint32_t point)
{
	static const unsigned char LEAD[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

	for (size_t i = length; i-- > 1; point >>= 6)
		to[i] = (char)(0x80 | (point & 0x3f));
	to[0] = (char)(LEAD[length > 1 ? length : 0] | point);
	return to + length;
}

/* The four hexadecimal digits of an escape. */
static bool read_unit(struct reader *r, uint32_t *ret_unit)
{
	uint32_t unit = 0;

	for (int i = 0; i < 4; i++, r->at++) {
		unsigned char c = peek(r);

		if (c >= '0' && c <= '9')
			unit = unit << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			unit = unit << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return fail(r, JSON_DOC_SYNTAX);
	}
	*ret_unit = unit;
	return true;
}

static bool read_point(struct reader *r, uint32_t *ret_point)
{
	uint32_t high, low;

	if (!read_unit(r, &high))
		return false;
	*ret_point = high;
	if (high == 0)
		return fail(r, JSON_DOC_NUL);
	if (high < 0xd800 || high > 0xdfff)
		return true;
	if (high > 0xdbff || !take(r, '\\') || !take(r, 'u'))
		return fail(r, JSON_DOC_ENCODING);
	if (!read_unit(r, &low))
		return false;
	if (low < 0xdc00 || low > 0xdfff)
		return fail(r, JSON_DOC_ENCODING);
	*ret_point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
	return true;
}

/* What follows a backslash, written to *to, which moves on: never past what has been read. */
static bool unescape(struct reader *r, char **to)
{
	static const char PLAIN[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";
	const char *found = r->at < r->end && peek(r) ? strchr(PLAIN, *r->at) : NULL;
	uint32_t point;

	if (found) {
		*(*to)++ = MEANT[found - PLAIN];
		r->at++;
		return true;
	}
	if (!take(r, 'u'))
		return fail(r, JSON_DOC_SYNTAX);
	if (!read_point(r, &point))
		return false;
	*to = put_utf8(*to, point);
	return true;
}

static bool read_string(struct reader *r, char **ret_text, size_t *ret_size)
{
	char *start = r->at + 1, *to = start;

	if (!take(r, '"'))
		return fail(r, JSON_DOC_SYNTAX);
	while (peek(r) != '"') {
		unsigned char c = peek(r);
		size_t length = 1;

		if (c < ' ')
			return fail(r, JSON_DOC_SYNTAX); /* the end of the text is one such */
		if (c >= 0x80 && !(length = sequence((const unsigned char *)r->at, (size_t)(r->end - r->at))))
			return fail(r, JSON_DOC_ENCODING);
		if (c == '\\') {
			r->at++;
			if (!unescape(r, &to))
				return false;
			continue;
		}
		memmove(to, r->at, length);
		to += length;
		r->at += length;
	}
	r->at++;
	*to = '\0';
	*ret_text = start;
	*ret_size = (size_t)(to - start);
	return true;
}

/* ---- the other values -------------------------------------------------------------------------------------------- */

static bool skip_digits(struct reader *r)
{
	const char *start = r->at;

	while (peek(r) >= '0' && peek(r) <= '9')
		r->at++;
	return r->at > start || fail(r, JSON_DOC_SYNTAX);
}

static bool read_number(struct reader *r, struct json_value *value)
{
	value->kind = JSON_DOC_KIND_NUMBER;
	value->text = r->at;
	(void)take(r, '-');
	if (!take(r, '0') && !skip_digits(r))
		return false;
	if (take(r, '.') && !skip_digits(r))
		return false;
	if (take(r, 'e') || take(r, 'E')) {
		if (!take(r, '+'))
			(void)take(r, '-');
		if (!skip_digits(r))
			return false;
	}
	value->size = (size_t)(r->at - value->text);
	return true;
}

static bool read_word(struct reader *r, struct json_value *value)
{
	static const struct {
		const char *word;
		enum json_doc_kind kind;
		bool truth;
	} WORDS[] = {
		{.word = "null", .kind = JSON_DOC_KIND_NULL},
		{.word = "true", .kind = JSON_DOC_KIND_BOOL, .truth = true},
		{.word = "false", .kind = JSON_DOC_KIND_BOOL},
	};

	for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
		size_t length = strlen(WORDS[i].word);

		if (strncmp(r->at, WORDS[i].word, length) != 0)
			continue;
		value->kind = WORDS[i].kind;
		value->truth = WORDS[i].truth;
		r->at += length;
		return true;
	}
	return fail(r, JSON_DOC_SYNTAX);
}

static struct json_value *read_value(struct reader *r);

static bool read_name(struct reader *r, const struct json_value *object, char **ret_name)
{
	size_t size;

	if (object->count == JSON_DOC_MEMBERS_MAX)
		return fail(r, JSON_DOC_TOO_LARGE);
	if (!read_string(r, ret_name, &size))
		return false;
	for (const struct json_value *known = object->first; known; known = known->next)
		if (strcmp(known->name, *ret_name) == 0)
			return fail(r, JSON_DOC_DUPLICATE);
	skip_space(r);
	if (!take(r, ':'))
		return fail(r, JSON_DOC_SYNTAX);
	skip_space(r);
	return true;
}

/* An array's or object's inside, after its opener. */
static bool read_inside(struct reader *r, struct json_value *value, char closer)
{
	struct json_value **last = &value->first;

	if (++r->depth > JSON_DOC_DEPTH_MAX)
		return fail(r, JSON_DOC_TOO_DEEP);
	skip_space(r);
	if (!take(r, closer)) {
		do {
			char *name = NULL;

			skip_space(r);
			if (value->kind == JSON_DOC_KIND_OBJECT && !read_name(r, value, &name))
				return false;
			if (!(*last = read_value(r)))
				return false;
			(*last)->name = name;
			last = &(*last)->next;
			value->count++;
			skip_space(r);
		} while (take(r, ','));
		if (!take(r, closer))
			return fail(r, JSON_DOC_SYNTAX);
	}
	r->depth--;
	return true;
}

static struct json_value *read_value(struct reader *r)
{
	struct json_value *value = r->unused++;
	bool good;

	if (take(r, '{')) {
		value->kind = JSON_DOC_KIND_OBJECT;
		good = read_inside(r, value, '}');
	} else if (take(r, '[')) {
		value->kind = JSON_DOC_KIND_ARRAY;
		good = read_inside(r, value, ']');
	} else if (peek(r) == '"') {
		value->kind = JSON_DOC_KIND_STRING;
		good = read_string(r, &value->text, &value->size);
	} else if (peek(r) == '-' || (peek(r) >= '0' && peek(r) <= '9')) {
		good = read_number(r, value);
	} else {
		good = read_word(r, value);
	}
	return good ? value : NULL;
}

/* ---- documents --------------------------------------------------------------------------------------------------- */

size_t json_parse_bound(const char *text, size_t size)
{
	size_t count = 1;

	/* Each value but the root follows an opener or a comma. */
	for (size_t i = 0; i < size; i++)
		count += text[i] == ',' || text[i] == '[' || text[i] == '{';
	return count;
}

enum json_doc_status json_parse(char *text, size_t size, struct json_value *values)
{
	struct reader r = {.at = text, .end = text + size, .unused = values};

	skip_space(&r);
	if (!read_value(&r))
		return r.status;
	skip_space(&r);
	return r.at == r.end ? JSON_DOC_OK : JSON_DOC_SYNTAX;
}
