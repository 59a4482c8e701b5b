/*
 * Settings that go into the arguments of an ACME client, into its JSON and into paths
 * (server/settings/settings_acme.c). The input: a byte that chooses the check, then the text. What is let through holds
 * nothing that any of these would take for something else, and can be taken apart again.
 */
#include <stdlib.h>
#include <string.h>

#include "server/settings/settings_value.h"
#include "tests/fuzz/fuzz.h"

static bool only(const char *text, size_t size, const char *extra)
{
	for (size_t i = 0; i < size; i++) {
		const char c = text[i], lower = (char)(c | 0x20);

		if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z') && !(c && strchr(extra, c)))
			return false;
	}
	return true;
}

/* Of one domain: a name for a directory, which is no option, and no address. */
static void check_domain(const char *text, size_t size)
{
	size_t label = 0;
	bool dot = false;

	FUZZ_CHECK(size >= 3 && size <= 253 && only(text, size, "-."));
	FUZZ_CHECK(text[0] != '-' && text[0] != '.' && text[size - 1] != '.' && text[size - 1] != '-');
	for (size_t i = 0; i < size; i++) {
		label = text[i] == '.' ? 0 : label + 1;
		FUZZ_CHECK(label <= 63 && (label > 0 || text[i + 1] != '.'));
		dot = dot || text[i] == '.';
	}
	FUZZ_CHECK(dot && strspn(text + size - label, "0123456789") < label);
}

static void check_domains(const char *text)
{
	while (text[0]) {
		const size_t size = strcspn(text, ",");

		check_domain(text, size);
		text += size;
		FUZZ_CHECK(!text[0] || text[1]);
		text += text[0] == ',';
	}
}

static void check_email(const char *text)
{
	const char *at = strchr(text, '@');

	if (!text[0])
		return;
	FUZZ_CHECK(at && at > text && only(text, (size_t)(at - text), "._+-") && only(text, 1, ""));
	check_domain(at + 1, strlen(at + 1));
}

static void check_url(const char *text)
{
	if (!text[0])
		return;
	FUZZ_CHECK(strncmp(text, "https://", 8) == 0 && strlen(text) <= 200 && only(text, strlen(text), "-._~/:[]"));
	FUZZ_CHECK(text[8] != '/' && text[8] != '\0');
}

static void check_redirect(const char *text)
{
	FUZZ_CHECK(strcmp(text, "off") == 0 || settings_check_listen(text));
}

static const struct {
	bool (*takes)(const char *text);
	void (*check)(const char *text);
} CHECKS[] = {
	{settings_check_domains, check_domains},
	{settings_check_email, check_email},
	{settings_check_url, check_url},
	{settings_check_redirect, check_redirect},
};
enum { CHECK_COUNT = sizeof(CHECKS) / sizeof(CHECKS[0]) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	if (CHECKS[data[0] % CHECK_COUNT].takes(text))
		CHECKS[data[0] % CHECK_COUNT].check(text);
	free(text);
	return 0;
}
