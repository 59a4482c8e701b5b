#include "server/http/traceparent.h"

#include <string.h>

/* version "-" trace-id "-" parent-id "-" trace-flags */
enum { VERSION_AT = 0, TRACE_AT = 3, PARENT_AT = 36, FLAGS_AT = 53, WHOLE = 55, BYTE_CHARS = 2 };

/* Upper case is malformed. */
static bool is_hex(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'a' && text[i] <= 'f'))
			return false;
	return true;
}

static bool is_all(const char *text, size_t size, char which)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] != which)
			return false;
	return true;
}

bool traceparent_parse(const char *text, size_t size, struct traceparent *ret_traceparent)
{
	if (size < WHOLE || text[TRACE_AT - 1] != '-' || text[PARENT_AT - 1] != '-' || text[FLAGS_AT - 1] != '-')
		return false;
	if (!is_hex(text + VERSION_AT, BYTE_CHARS) || !is_hex(text + TRACE_AT, TRACEPARENT_TRACE_CHARS) ||
	    !is_hex(text + PARENT_AT, TRACEPARENT_PARENT_CHARS) || !is_hex(text + FLAGS_AT, BYTE_CHARS))
		return false;
	/* Version 00 ends there; what a later one adds begins with a dash. ff is none. */
	if (size > WHOLE && (is_all(text, BYTE_CHARS, '0') || text[WHOLE] != '-'))
		return false;
	if (is_all(text, BYTE_CHARS, 'f') || is_all(text + TRACE_AT, TRACEPARENT_TRACE_CHARS, '0') ||
	    is_all(text + PARENT_AT, TRACEPARENT_PARENT_CHARS, '0'))
		return false;
	*ret_traceparent = (struct traceparent){.trace_id = ""};
	memcpy(ret_traceparent->trace_id, text + TRACE_AT, TRACEPARENT_TRACE_CHARS);
	memcpy(ret_traceparent->parent_id, text + PARENT_AT, TRACEPARENT_PARENT_CHARS);
	return true;
}
