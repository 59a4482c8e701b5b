/* Checks of the settings for ACME and the plain port. What they let through goes into a child's arguments and paths. */
#include <string.h>

#include "server/settings/settings_value.h"

enum { DOMAIN_MAX = 253, LABEL_MAX = 63, LOCAL_PART_MAX = 64, URL_MAX = 200 };

static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char DIGITS[] = "0123456789";

static bool is_alphanumeric(char c)
{
	return c != '\0' && (strchr(LETTERS, c) || strchr(DIGITS, c));
}

/* RFC 1123 §2.1: two labels or more, the last not all digits, so that it is no address. */
static bool is_domain(const char *text, size_t size)
{
	size_t labels = 0, start = 0, letters = 0;

	if (size == 0 || size > DOMAIN_MAX)
		return false;
	for (size_t i = 0; i <= size; i++) {
		const char c = i < size ? text[i] : '.';

		if (c != '.') {
			if (!is_alphanumeric(c) && c != '-')
				return false;
			letters += !strchr(DIGITS, c);
			continue;
		}
		if (i == start || i - start > LABEL_MAX || text[start] == '-' || text[i - 1] == '-')
			return false;
		labels++;
		if (i < size)
			letters = 0;
		start = i + 1;
	}
	return labels >= 2 && letters > 0;
}

bool settings_check_domains(const char *text)
{
	if (text[0] == '\0')
		return true;
	for (;;) {
		const size_t size = strcspn(text, ",");

		if (!is_domain(text, size))
			return false;
		if (text[size] == '\0')
			return true;
		text += size + 1;
	}
}

bool settings_check_redirect(const char *text)
{
	return strcmp(text, "off") == 0 || settings_check_listen(text);
}

bool settings_check_email(const char *text)
{
	const size_t size = strcspn(text, "@");

	if (text[0] == '\0')
		return true;
	if (!is_alphanumeric(text[0]) || size > LOCAL_PART_MAX || text[size] == '\0')
		return false;
	for (size_t i = 0; i < size; i++)
		if (!is_alphanumeric(text[i]) && !strchr("._+-", text[i]))
			return false;
	return is_domain(text + size + 1, strlen(text + size + 1));
}

bool settings_check_url(const char *text)
{
	static const char scheme[] = "https://";
	const size_t head = sizeof(scheme) - 1;

	if (text[0] == '\0')
		return true;
	if (strncmp(text, scheme, head) != 0 || strlen(text) > URL_MAX ||
	    !settings_is_authority(text + head, strcspn(text + head, "/")))
		return false;
	for (const char *at = text + head; *at; at++)
		if (!is_alphanumeric(*at) && !strchr("-._~/:[]", *at))
			return false;
	return true;
}
