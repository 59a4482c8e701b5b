/* What json_doc.c and json_parse.c share. */
#ifndef COFFER_JSON_JSON_PARSE_H
#define COFFER_JSON_JSON_PARSE_H

#include "server/json/json_doc.h"

/* Invariant: names and strings are terminated within the document's text; `text` of a number is not. */
struct json_value {
	enum json_doc_kind kind;
	bool truth;
	char *name; /* NULL: no member */
	char *text; /* of a string or number */
	size_t size;
	struct json_value *first, *next;
	size_t count; /* of items or members */
};

/*
 * Reads one document from `text`, which ends with a terminator behind its `size` bytes, and unescapes strings where
 * they stand. values: json_parse_bound() of them, zeroed; the root becomes the first.
 */
MUST_CHECK enum json_doc_status json_parse(char *text, size_t size, struct json_value *values);
/* No text has more values than this. */
size_t json_parse_bound(const char *text, size_t size);

#endif
