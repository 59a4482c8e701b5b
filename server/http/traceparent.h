/*
 * The trace that a request says it belongs to (W3C Trace Context, the field traceparent). It is written to logs, so
 * that what happened here is found beside what happened elsewhere; anybody can say anything in it, and nothing else
 * goes by it.
 */
#ifndef COFFER_HTTP_TRACEPARENT_H
#define COFFER_HTTP_TRACEPARENT_H

#include <stdbool.h>
#include <stddef.h>

enum { TRACEPARENT_TRACE_CHARS = 32, TRACEPARENT_PARENT_CHARS = 16 };

/* Lower-case hexadecimal, terminated; empty: none. */
struct traceparent {
	char trace_id[TRACEPARENT_TRACE_CHARS + 1];
	char parent_id[TRACEPARENT_PARENT_CHARS + 1];
};

/*
 * `size` bytes of text. False for what is malformed by §3.2 of the specification, which is then to be ignored. A
 * version above 00 is read as far as that one goes.
 */
__attribute__((warn_unused_result)) bool traceparent_parse(const char *text, size_t size,
							   struct traceparent *ret_traceparent);

#endif
