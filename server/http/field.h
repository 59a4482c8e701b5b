/* The alphabets of header fields (RFC 9110 §5.6.2, §5.5; RFC 3986 §3.2.2). */
#ifndef COFFER_HTTP_FIELD_H
#define COFFER_HTTP_FIELD_H

#include <stdbool.h>
#include <stddef.h>

/* ASCII letters, digits, and the characters of `extra`; also of no characters at all. */
bool field_is_only(const char *text, size_t size, const char *extra);
/* Not empty. */
bool field_is_token(const char *text, size_t size);
/* No control characters but tabs. */
bool field_is_value(const char *text, size_t size);
/* A host and a port, without the comma, which there is always a list that should not be. */
bool field_is_host(const char *text, size_t size);

#endif
