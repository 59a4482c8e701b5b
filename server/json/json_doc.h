/*
 * JSON documents that coffer reads: small bodies that command it, never records. One strict reader (RFC 8259) instead
 * of a check before a lenient parser: what is judged and what is understood cannot differ, and integers stay exact.
 *
 * Accepted is one value of RFC 8259 in UTF-8 without a byte order mark, with white space around it. Beyond the RFC are
 * refused: U+0000 in a string or name, however written; a name that an object holds already, compared after its escapes
 * are undone; an unpaired surrogate. Limits: JSON_DOC_SIZE_MAX bytes, JSON_DOC_DEPTH_MAX arrays and objects within each
 * other, JSON_DOC_MEMBERS_MAX members an object.
 *
 * A document may hold a passphrase: json_doc_free() wipes it; whoever hands in the bytes wipes those. It does not
 * change once parsed, so several threads may read it.
 */
#ifndef COFFER_JSON_JSON_DOC_H
#define COFFER_JSON_JSON_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif

enum { JSON_DOC_SIZE_MAX = 65536, JSON_DOC_DEPTH_MAX = 32, JSON_DOC_MEMBERS_MAX = 256 };

enum json_doc_status {
	JSON_DOC_OK = 0,
	JSON_DOC_NOMEM,
	JSON_DOC_TOO_LARGE, /* in bytes, or an object in members */
	JSON_DOC_TOO_DEEP,
	JSON_DOC_SYNTAX,    /* no JSON text, or more than one */
	JSON_DOC_ENCODING,  /* no UTF-8, or half of a surrogate pair */
	JSON_DOC_NUL,	    /* U+0000 in a string or name */
	JSON_DOC_DUPLICATE, /* a name comes twice in one object */
	JSON_DOC_MISSING,   /* there is no such member */
	JSON_DOC_TYPE,	    /* the value is of another kind */
	JSON_DOC_RANGE,	    /* too short, too long, too small, too large, or no integer */
	JSON_DOC_UNKNOWN,   /* the object has a member that is not known */
	JSON_DOC_STATUS_COUNT,
};
/* For a problem's detail: a clause without payload, such as "a name comes twice in one object". */
const char *json_doc_status_text(enum json_doc_status status);

enum json_doc_kind {
	JSON_DOC_KIND_NULL,
	JSON_DOC_KIND_BOOL,
	JSON_DOC_KIND_NUMBER,
	JSON_DOC_KIND_STRING,
	JSON_DOC_KIND_ARRAY,
	JSON_DOC_KIND_OBJECT,
};

struct json_doc;
struct json_value; /* borrowed from its document */

/* Copies. bytes: `size` of them, no terminator needed. */
MUST_CHECK enum json_doc_status json_doc_parse(const void *bytes, size_t size, struct json_doc **ret_doc);
/* Wipes. NULL is accepted. */
void json_doc_free(struct json_doc *doc);
const struct json_value *json_doc_root(const struct json_doc *doc);

/*
 * The getters below take NULL for a member that is not there, and answer JSON_DOC_MISSING: so
 * json_doc_string(json_doc_member(root, "name"), …) is one question. What they return lives as long as the document.
 */
/* NULL: no such member, or `object` is NULL or none. */
const struct json_value *json_doc_member(const struct json_value *object, const char *name);
/* Whether each member's name is one of `names` (ended by NULL): JSON_DOC_UNKNOWN; JSON_DOC_TYPE: it is no object. */
MUST_CHECK enum json_doc_status json_doc_only(const struct json_value *object, const char *const *names);
/* value: not NULL. */
enum json_doc_kind json_doc_kind(const struct json_value *value);
/* Its text, terminated and free of NUL; `min` to `max` bytes long. */
MUST_CHECK enum json_doc_status json_doc_string(const struct json_value *value, size_t min, size_t max,
						const char **ret_text, size_t *ret_size);
/* A number without fraction and exponent, from `min` to `max`. */
MUST_CHECK enum json_doc_status json_doc_integer(const struct json_value *value, int64_t min, int64_t max,
						 int64_t *ret_number);
MUST_CHECK enum json_doc_status json_doc_bool(const struct json_value *value, bool *ret_bool);
/* *ret_first: the first of `min` to `max` items, or NULL when there are none; json_doc_next() leads on. */
MUST_CHECK enum json_doc_status json_doc_array(const struct json_value *value, size_t min, size_t max,
					       const struct json_value **ret_first);
/* The same for an object's members, in the order of the text. */
MUST_CHECK enum json_doc_status json_doc_object(const struct json_value *value, size_t min, size_t max,
						const struct json_value **ret_first);
/* The sibling after an item or a member; NULL after the last. */
const struct json_value *json_doc_next(const struct json_value *value);
/* A member's name, terminated; NULL for what is no member. */
const char *json_doc_name(const struct json_value *member);

#endif
