/*
 * Values of settings. The input: a byte that chooses a rule, then the text. What is taken prints as a text that gives
 * the same value; what is not leaves the value alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/http.h"
#include "server/settings/settings_value.h"
#include "tests/fuzz/fuzz.h"

static const struct settings_choice CHOICES[] = {{"error", 0}, {"2048", 2048}, {"on", 1}, {NULL, 0}};

static const struct settings_rule RULES[] = {
	{.kind = SETTINGS_NUMBER, .min = 1, .max = 4294967295u},
	{.kind = SETTINGS_SIZE, .min = 0, .max = UINT64_MAX},
	{.kind = SETTINGS_SIZE, .min = 4096, .max = UINT64_C(1) << 40},
	{.kind = SETTINGS_TIME, .min = 0, .max = UINT64_MAX},
	{.kind = SETTINGS_TIME, .min = 10, .max = 86400000},
	{.kind = SETTINGS_CHOICE, .choices = CHOICES},
	{.kind = SETTINGS_TEXT, .check = settings_check_path, .accepts = "a path"},
	{.kind = SETTINGS_TEXT, .check = settings_check_file, .accepts = "a file"},
	{.kind = SETTINGS_TEXT, .check = settings_check_listen, .accepts = "an address"},
	{.kind = SETTINGS_TEXT, .check = settings_check_names, .accepts = "names"},
	{.kind = SETTINGS_TEXT, .check = settings_check_origins, .accepts = "origins"},
	{.kind = SETTINGS_TEXT, .check = settings_check_http, .accepts = "an address of this machine"},
	{.kind = SETTINGS_TEXT, .check = settings_check_mode, .accepts = "permissions"},
	{.kind = SETTINGS_TEXT, .check = http_proxies, .accepts = "proxies"},
	{.kind = SETTINGS_TEXT, .check = settings_check_local, .accepts = "an address of this machine"},
	{.kind = SETTINGS_TEXT, .check = settings_check_files, .accepts = "files"},
};

union field {
	char *text;
	unsigned number;
	uint64_t quantity;
};

static char *print(const struct settings_rule *rule, const union field *field)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	FUZZ_CHECK(out != NULL);
	settings_value_print(rule, field, out);
	FUZZ_CHECK(fclose(out) == 0 && strlen(text) == size);
	return text;
}

/* The value as another reader computes it: exact, since a long double holds 64 bits. */
static long double compute(const char *text)
{
	static const struct {
		const char *suffix;
		long double factor;
	} UNITS[] = {{"", 1},	     {"ms", 1},	    {"s", 1000},      {"min", 60000},
		     {"h", 3600000}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}};
	char *end;
	const long double number = strtold(text, &end);

	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++)
		if (strcmp(end, UNITS[i].suffix) == 0)
			return number * UNITS[i].factor;
	return -1;
}

static void taken(const struct settings_rule *rule, const char *text, const union field *field)
{
	char *printed = print(rule, field), *again;
	union field back = {0};

	if (rule->kind == SETTINGS_TEXT || rule->kind == SETTINGS_CHOICE)
		FUZZ_CHECK(strcmp(printed, text) == 0);
	if (rule->kind == SETTINGS_NUMBER)
		FUZZ_CHECK(field->number >= rule->min && field->number <= rule->max &&
			   (long double)field->number == compute(text));
	if (rule->kind == SETTINGS_SIZE || rule->kind == SETTINGS_TIME)
		FUZZ_CHECK(field->quantity >= rule->min && field->quantity <= rule->max &&
			   (long double)field->quantity == compute(text));
	/* A line of a file ends with its value, and the reader strips blanks around it. */
	FUZZ_CHECK(!strpbrk(printed, "\r\n\t") && printed[0] != ' ');
	FUZZ_CHECK(settings_value_parse(rule, printed, &back) == SETTINGS_VALUE_OK);
	again = print(rule, &back);
	FUZZ_CHECK(strcmp(printed, again) == 0);
	settings_value_done(rule, &back);
	free(again);
	free(printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	union field field = {0};
	const struct settings_rule *rule;
	char *text;

	if (size == 0)
		return 0;
	rule = &RULES[data[0] % (sizeof(RULES) / sizeof(RULES[0]))];
	text = fuzz_text(data + 1, size - 1);
	const enum settings_value_status status = settings_value_parse(rule, text, &field);
	FUZZ_CHECK(status == settings_value_parse(rule, text, NULL));
	if (status == SETTINGS_VALUE_OK)
		taken(rule, text, &field);
	else
		FUZZ_CHECK(status == SETTINGS_VALUE_BAD && field.quantity == 0);
	settings_value_done(rule, &field);
	free(text);
	return 0;
}
