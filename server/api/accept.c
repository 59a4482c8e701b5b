#include "server/api/accept.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* "0.25" as 250; what is no qvalue counts as 1. */
static unsigned parse_weight(const char *text)
{
	unsigned weight = 0, place = 100;

	if (text[0] != '0')
		return 1000;
	if (text[1] != '.')
		return 0;
	for (text += 2; *text >= '0' && *text <= '9' && place > 0; text++, place /= 10)
		weight += (unsigned)(*text - '0') * place;
	return weight;
}

/* How closely a range fits: 3 the type itself, 2 its top level, 1 anything; 0 not at all. */
static unsigned fits(const char *range, size_t size, const char *media_type)
{
	const size_t top = strcspn(media_type, "/") + 1;

	if (size == strlen(media_type) && strncasecmp(range, media_type, size) == 0)
		return 3;
	if (size == top + 1 && range[top] == '*' && strncasecmp(range, media_type, top) == 0)
		return 2;
	return size == 3 && memcmp(range, "*/*", 3) == 0 ? 1 : 0;
}

static unsigned weight_of(const char *parameters, size_t size)
{
	for (size_t i = 0; i + 2 < size; i++)
		if ((parameters[i] == 'q' || parameters[i] == 'Q') && parameters[i + 1] == '=' &&
		    (i == 0 || strchr("; \t", parameters[i - 1])))
			return parse_weight(parameters + i + 2);
	return 1000;
}

unsigned accept_quality(const char *accept, const char *media_type)
{
	unsigned best = 0, quality = 0;

	if (!accept)
		return 1000;
	while (*accept) {
		accept += strspn(accept, " \t,");
		const size_t whole = strcspn(accept, ",");
		const size_t range = strcspn(accept, " \t;,");
		const unsigned closeness = fits(accept, range, media_type);

		if (closeness > best) {
			best = closeness;
			quality = weight_of(accept + range, whole - range);
		}
		accept += whole;
	}
	return quality;
}
