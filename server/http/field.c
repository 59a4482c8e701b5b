#include "server/http/field.h"

#include <string.h>

bool field_is_only(const char *text, size_t size, const char *extra)
{
	for (size_t i = 0; i < size; i++) {
		const char c = text[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c && strchr(extra, c))))
			return false;
	}
	return true;
}

bool field_is_token(const char *text, size_t size)
{
	return size > 0 && field_is_only(text, size, "!#$%&'*+-.^_`|~");
}

bool field_is_value(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

bool field_is_host(const char *text, size_t size)
{
	return field_is_only(text, size, "-._~:[]%!$&'()*+;=");
}
