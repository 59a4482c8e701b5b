/*
 * Written straight as text: a reply that is measured in kilobytes a millisecond is no place for a tree of nodes, each
 * number printed and scanned back.
 */
#include "server/json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 8, FIRST_SIZE = 512 };

/* Invariant: `text` is the document so far, `closers` what would end it; `empty`: nothing yet in what is open. */
struct json {
	char *text;
	size_t used, cap;
	char closers[DEPTH_MAX];
	size_t depth; /* of what is open; the root's is 0 */
	bool empty;
	bool failed;
};

static bool reserve(struct json *doc, size_t more)
{
	size_t cap = doc->cap;
	char *text;

	if (doc->failed)
		return false;
	if (more <= cap - doc->used)
		return true;
	while (cap - doc->used < more && cap <= SIZE_MAX / 2)
		cap *= 2;
	text = cap - doc->used < more ? NULL : realloc(doc->text, cap);
	if (!text) {
		doc->failed = true;
		return false;
	}
	doc->text = text;
	doc->cap = cap;
	return true;
}

static void put(struct json *doc, const char *bytes, size_t size)
{
	if (!reserve(doc, size))
		return;
	memcpy(doc->text + doc->used, bytes, size);
	doc->used += size;
}

/* RFC 8259 §7: quotes, backslashes and what is below a space are escaped; all else stands as it is. */
static size_t escape(unsigned char c, char ret_text[static 7])
{
	static const char SHORT[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

	if (c == '"' || c == '\\' || (c < sizeof(SHORT) && SHORT[c])) {
		ret_text[0] = '\\';
		ret_text[1] = c < sizeof(SHORT) ? SHORT[c] : (char)c;
		return 2;
	}
	return (size_t)snprintf(ret_text, 7, "\\u%04x", c);
}

static void put_string(struct json *doc, const char *value)
{
	const char *plain = value;
	char escaped[7];

	put(doc, "\"", 1);
	for (; *value; value++) {
		if ((unsigned char)*value >= ' ' && *value != '"' && *value != '\\')
			continue;
		put(doc, plain, (size_t)(value - plain));
		put(doc, escaped, escape((unsigned char)*value, escaped));
		plain = value + 1;
	}
	put(doc, plain, (size_t)(value - plain));
	put(doc, "\"", 1);
}

/* The comma and the name before a value. */
static void begin_value(struct json *doc, const char *name)
{
	if (!doc->empty)
		put(doc, ",", 1);
	doc->empty = false;
	if (name) {
		put_string(doc, name);
		put(doc, ":", 1);
	}
}

struct json *json_new(void)
{
	struct json *doc = calloc(1, sizeof(*doc));

	if (!doc)
		return NULL;
	doc->text = malloc(FIRST_SIZE);
	doc->cap = FIRST_SIZE;
	doc->failed = !doc->text;
	doc->empty = true;
	doc->closers[0] = '}';
	put(doc, "{", 1);
	return doc;
}

void json_free(struct json *doc)
{
	if (!doc)
		return;
	free(doc->text);
	free(doc);
}

void json_text(struct json *doc, const char *name, const char *value)
{
	if (!doc)
		return;
	begin_value(doc, name);
	put_string(doc, value);
}

void json_item(struct json *doc, const char *value)
{
	json_text(doc, NULL, value);
}

void json_number(struct json *doc, const char *name, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	if (!doc)
		return;
	if (value >> 53)
		doc->failed = true;
	begin_value(doc, name);
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	put(doc, digits + at, sizeof(digits) - at);
}

void json_bool(struct json *doc, const char *name, bool value)
{
	if (!doc)
		return;
	begin_value(doc, name);
	put(doc, value ? "true" : "false", value ? 4 : 5);
}

static void open_level(struct json *doc, const char *name, char opener, char closer)
{
	if (doc->depth + 1 == DEPTH_MAX) {
		doc->failed = true;
		return;
	}
	begin_value(doc, name);
	put(doc, &opener, 1);
	doc->closers[++doc->depth] = closer;
	doc->empty = true;
}

void json_open_array(struct json *doc, const char *name)
{
	if (doc)
		open_level(doc, name, '[', ']');
}

void json_open_object(struct json *doc, const char *name)
{
	if (doc)
		open_level(doc, name, '{', '}');
}

void json_close(struct json *doc)
{
	if (!doc || doc->depth == 0)
		return;
	put(doc, &doc->closers[doc->depth--], 1);
	doc->empty = false;
}

char *json_print(const struct json *doc, size_t *ret_size)
{
	size_t size;
	char *text;

	if (!doc || doc->failed)
		return NULL;
	size = doc->used + doc->depth + 1;
	text = malloc(size + 1);
	if (!text)
		return NULL;
	memcpy(text, doc->text, doc->used);
	for (size_t depth = doc->depth + 1, at = doc->used; depth-- > 0; at++)
		text[at] = doc->closers[depth];
	text[size] = '\0';
	*ret_size = size;
	return text;
}
