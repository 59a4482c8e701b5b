#include "server/api/conditional.h"

#include <string.h>
#include <strings.h>

/* Decimal digits up to a character that is none; false when there is no digit, or the number overflows. */
static bool parse_number(const char **at, uint64_t *ret_number)
{
	uint64_t number = 0;
	const char *p = *at;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (number > (UINT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*at = p;
	*ret_number = number;
	return true;
}

/* One entity tag at *at; *ret_ours when it has the form of ours. False when there is no entity tag. */
static bool parse_tag(const char **at, bool *ret_weak, bool *ret_ours, uint64_t *ret_version)
{
	const char *p = *at;
	const char *opaque;
	const char *end;

	*ret_weak = strncmp(p, "W/", 2) == 0;
	if (*ret_weak)
		p += 2;
	if (*p != '"')
		return false;
	opaque = ++p;
	end = strchr(opaque, '"');
	if (!end)
		return false;
	/* One spelling a version: no leading zero. */
	*ret_ours = *p != '0' && parse_number(&p, ret_version) && p == end;
	*at = end + 1;
	return true;
}

bool etag_parse_one(const char *value, uint64_t *ret_version)
{
	bool weak, ours;
	uint64_t version;

	if (!parse_tag(&value, &weak, &ours, &version) || weak || !ours || *value != '\0')
		return false;
	*ret_version = version;
	return true;
}

bool etag_listed(const char *value, uint64_t version)
{
	if (strcmp(value, "*") == 0)
		return true;
	for (;;) {
		bool weak, ours;
		uint64_t listed;

		value += strspn(value, " \t,");
		if (!parse_tag(&value, &weak, &ours, &listed))
			return false;
		if (ours && listed == version)
			return true;
	}
}

bool etag_list_has(const char *value, const char *tag)
{
	const size_t size = strlen(tag);

	if (strcmp(value, "*") == 0)
		return true;
	for (;;) {
		bool weak, ours;
		uint64_t version;
		const char *opaque;

		value += strspn(value, " \t,");
		opaque = value + (strncmp(value, "W/", 2) == 0 ? 2 : 0) + 1;
		if (!parse_tag(&value, &weak, &ours, &version))
			return false;
		if ((size_t)(value - 1 - opaque) == size && memcmp(opaque, tag, size) == 0)
			return true;
	}
}

enum range_kind range_parse(const char *value, uint64_t size, uint64_t *ret_first, uint64_t *ret_length)
{
	static const char UNIT[] = "bytes=";
	uint64_t first, last;

	if (!value || strncasecmp(value, UNIT, sizeof(UNIT) - 1) != 0 || strchr(value, ','))
		return RANGE_WHOLE;
	value += sizeof(UNIT) - 1;
	if (*value == '-') {
		value++;
		if (!parse_number(&value, &last) || *value != '\0' || last == 0 || size == 0)
			return RANGE_UNSATISFIABLE;
		*ret_length = last < size ? last : size;
		*ret_first = size - *ret_length;
		return RANGE_PART;
	}
	if (!parse_number(&value, &first) || *value++ != '-')
		return RANGE_UNSATISFIABLE;
	last = size ? size - 1 : 0;
	if (*value != '\0') {
		uint64_t asked;

		if (!parse_number(&value, &asked) || *value != '\0' || asked < first)
			return RANGE_UNSATISFIABLE;
		last = asked < last ? asked : last;
	}
	if (first >= size)
		return RANGE_UNSATISFIABLE;
	*ret_first = first;
	*ret_length = last - first + 1;
	return RANGE_PART;
}

bool range_allowed(const char *if_range, uint64_t version, const char *last_modified)
{
	uint64_t tag;

	if (!if_range)
		return true;
	if (etag_parse_one(if_range, &tag))
		return tag == version;
	return strcmp(if_range, last_modified) == 0;
}
