#include "server/json/json_doc.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "server/json/json_parse.h"

struct json_doc {
	struct json_value *values; /* the root is the first */
	char *text;		   /* the input and a terminator; strings are unescaped where they stand */
	size_t size;
};

enum json_doc_status json_doc_parse(const void *bytes, size_t size, struct json_doc **ret_doc)
{
	struct json_doc *doc = NULL;
	enum json_doc_status status = JSON_DOC_NOMEM;

	if (size > JSON_DOC_SIZE_MAX)
		return JSON_DOC_TOO_LARGE;
	doc = calloc(1, sizeof(*doc));
	if (!doc)
		return JSON_DOC_NOMEM;
	doc->text = malloc(size + 1);
	if (!doc->text)
		goto out;
	if (size)
		memcpy(doc->text, bytes, size);
	doc->text[size] = '\0';
	doc->size = size;
	doc->values = calloc(json_parse_bound(doc->text, size), sizeof(*doc->values));
	if (!doc->values)
		goto out;
	status = json_parse(doc->text, size, doc->values);
	if (status == JSON_DOC_OK) {
		*ret_doc = doc;
		doc = NULL;
	}
out:
	json_doc_free(doc);
	return status;
}

void json_doc_free(struct json_doc *doc)
{
	if (!doc)
		return;
	if (doc->text)
		secret_wipe(doc->text, doc->size);
	free(doc->text);
	free(doc->values);
	free(doc);
}

const struct json_value *json_doc_root(const struct json_doc *doc)
{
	return doc->values;
}

/* ---- getters ----------------------------------------------------------------------------------------------------- */

static enum json_doc_status expect(const struct json_value *value, enum json_doc_kind kind)
{
	if (!value)
		return JSON_DOC_MISSING;
	return value->kind == kind ? JSON_DOC_OK : JSON_DOC_TYPE;
}

const struct json_value *json_doc_member(const struct json_value *object, const char *name)
{
	const struct json_value *member = expect(object, JSON_DOC_KIND_OBJECT) == JSON_DOC_OK ? object->first : NULL;

	while (member && strcmp(member->name, name) != 0)
		member = member->next;
	return member;
}

enum json_doc_status json_doc_only(const struct json_value *object, const char *const *names)
{
	enum json_doc_status status = expect(object, JSON_DOC_KIND_OBJECT);

	if (status != JSON_DOC_OK)
		return status;
	for (const struct json_value *member = object->first; member; member = member->next) {
		const char *const *name = names;

		while (*name && strcmp(*name, member->name) != 0)
			name++;
		if (!*name)
			return JSON_DOC_UNKNOWN;
	}
	return JSON_DOC_OK;
}

enum json_doc_kind json_doc_kind(const struct json_value *value)
{
	return value->kind;
}

enum json_doc_status json_doc_string(const struct json_value *value, size_t min, size_t max, const char **ret_text,
				     size_t *ret_size)
{
	enum json_doc_status status = expect(value, JSON_DOC_KIND_STRING);

	if (status != JSON_DOC_OK)
		return status;
	if (value->size < min || value->size > max)
		return JSON_DOC_RANGE;
	*ret_text = value->text;
	*ret_size = value->size;
	return JSON_DOC_OK;
}

enum json_doc_status json_doc_integer(const struct json_value *value, int64_t min, int64_t max, int64_t *ret_number)
{
	enum json_doc_status status = expect(value, JSON_DOC_KIND_NUMBER);
	int64_t number = 0;
	bool negative;

	if (status != JSON_DOC_OK)
		return status;
	negative = value->text[0] == '-';
	for (size_t i = negative; i < value->size; i++) {
		int digit = value->text[i] - '0';

		/* Counted away from zero on its own side, where the least one has room too. */
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, negative ? -digit : digit, &number))
			return JSON_DOC_RANGE;
	}
	if (number < min || number > max)
		return JSON_DOC_RANGE;
	*ret_number = number;
	return JSON_DOC_OK;
}

enum json_doc_status json_doc_bool(const struct json_value *value, bool *ret_bool)
{
	enum json_doc_status status = expect(value, JSON_DOC_KIND_BOOL);

	if (status == JSON_DOC_OK)
		*ret_bool = value->truth;
	return status;
}

static enum json_doc_status inside(const struct json_value *value, enum json_doc_kind kind, size_t min, size_t max,
				   const struct json_value **ret_first)
{
	enum json_doc_status status = expect(value, kind);

	if (status != JSON_DOC_OK)
		return status;
	if (value->count < min || value->count > max)
		return JSON_DOC_RANGE;
	*ret_first = value->first;
	return JSON_DOC_OK;
}

enum json_doc_status json_doc_array(const struct json_value *value, size_t min, size_t max,
				    const struct json_value **ret_first)
{
	return inside(value, JSON_DOC_KIND_ARRAY, min, max, ret_first);
}

enum json_doc_status json_doc_object(const struct json_value *value, size_t min, size_t max,
				     const struct json_value **ret_first)
{
	return inside(value, JSON_DOC_KIND_OBJECT, min, max, ret_first);
}

const struct json_value *json_doc_next(const struct json_value *value)
{
	return value->next;
}

const char *json_doc_name(const struct json_value *member)
{
	return member->name;
}

const char *json_doc_status_text(enum json_doc_status status)
{
	static const char *const TEXTS[] = {
		[JSON_DOC_OK] = "the document is good",
		[JSON_DOC_NOMEM] = "memory has run out",
		[JSON_DOC_TOO_LARGE] = "the document is larger than the limit",
		[JSON_DOC_TOO_DEEP] = "the document nests deeper than the limit",
		[JSON_DOC_SYNTAX] = "the document is not JSON",
		[JSON_DOC_ENCODING] = "the document is not UTF-8",
		[JSON_DOC_NUL] = "a string holds U+0000",
		[JSON_DOC_DUPLICATE] = "a name comes twice in one object",
		[JSON_DOC_MISSING] = "a member is missing",
		[JSON_DOC_TYPE] = "a value is of the wrong type",
		[JSON_DOC_RANGE] = "a value is out of range",
		[JSON_DOC_UNKNOWN] = "an object has a member that is not known",
	};
	_Static_assert(sizeof(TEXTS) / sizeof(TEXTS[0]) == JSON_DOC_STATUS_COUNT, "each status has its text");

	return (unsigned)status < JSON_DOC_STATUS_COUNT ? TEXTS[status] : "";
}
