#include "server/settings/settings_value.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/http.h"

enum { NAME_MAX_CHARS = 253 };

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* From the largest, so that printing takes the first that divides; the last is 1. */
static const struct unit sizes[] = {
	{.suffix = "GiB", .factor = UINT64_C(1) << 30},
	{.suffix = "MiB", .factor = UINT64_C(1) << 20},
	{.suffix = "KiB", .factor = UINT64_C(1) << 10},
	{.suffix = "", .factor = 1},
};

static const struct unit times[] = {
	{.suffix = "h", .factor = 3600000},
	{.suffix = "min", .factor = 60000},
	{.suffix = "s", .factor = 1000},
	{.suffix = "ms", .factor = 1},
};

static const struct unit plain[] = {{.suffix = "", .factor = 1}};

struct units {
	const struct unit *units;
	size_t count;
};

static struct units units_of(enum settings_kind kind)
{
	switch (kind) {
	case SETTINGS_SIZE:
		return (struct units){.units = sizes, .count = sizeof(sizes) / sizeof(sizes[0])};
	case SETTINGS_TIME:
		return (struct units){.units = times, .count = sizeof(times) / sizeof(times[0])};
	case SETTINGS_TEXT:
	case SETTINGS_NUMBER:
	case SETTINGS_CHOICE:
		break;
	}
	return (struct units){.units = plain, .count = 1};
}

static bool parse_quantity(const struct settings_rule *rule, const char *text, uint64_t *ret_value)
{
	struct units known = units_of(rule->kind);
	uint64_t value = 0;
	const char *at = text;

	/* strtoull would take blanks, signs and a value that wrapped. */
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	if (at == text)
		return false;
	for (size_t i = 0; i < known.count; i++) {
		if (strcmp(at, known.units[i].suffix) != 0)
			continue;
		if (__builtin_mul_overflow(value, known.units[i].factor, &value) || value < rule->min ||
		    value > rule->max)
			return false;
		*ret_value = value;
		return true;
	}
	return false;
}

static void print_quantity(enum settings_kind kind, uint64_t value, FILE *out)
{
	struct units known = units_of(kind);
	size_t i = 0;

	while (i + 1 < known.count && (value < known.units[i].factor || value % known.units[i].factor != 0))
		i++;
	fprintf(out, "%" PRIu64 "%s", value / known.units[i].factor, known.units[i].suffix);
}

static const struct settings_choice *find_choice(const struct settings_rule *rule, const char *text)
{
	for (const struct settings_choice *it = rule->choices; it->text != NULL; it++)
		if (strcmp(it->text, text) == 0)
			return it;
	return NULL;
}

static enum settings_value_status parse_text(const struct settings_rule *rule, const char *text, char **ret_field)
{
	if (!rule->check(text))
		return SETTINGS_VALUE_BAD;
	if (ret_field == NULL)
		return SETTINGS_VALUE_OK;

	char *copy = strdup(text);
	if (copy == NULL)
		return SETTINGS_VALUE_NOMEM;
	free(*ret_field);
	*ret_field = copy;
	return SETTINGS_VALUE_OK;
}

enum settings_value_status settings_value_parse(const struct settings_rule *rule, const char *text, void *ret_field)
{
	const struct settings_choice *choice;
	uint64_t value;

	switch (rule->kind) {
	case SETTINGS_TEXT:
		return parse_text(rule, text, ret_field);
	case SETTINGS_CHOICE:
		choice = find_choice(rule, text);
		if (choice == NULL)
			return SETTINGS_VALUE_BAD;
		if (ret_field != NULL)
			*(unsigned *)ret_field = choice->value;
		return SETTINGS_VALUE_OK;
	case SETTINGS_NUMBER:
		if (!parse_quantity(rule, text, &value))
			return SETTINGS_VALUE_BAD;
		if (ret_field != NULL)
			*(unsigned *)ret_field = (unsigned)value; /* the table's ranges fit */
		return SETTINGS_VALUE_OK;
	case SETTINGS_SIZE:
	case SETTINGS_TIME:
		if (!parse_quantity(rule, text, &value))
			return SETTINGS_VALUE_BAD;
		if (ret_field != NULL)
			*(uint64_t *)ret_field = value;
		return SETTINGS_VALUE_OK;
	}
	return SETTINGS_VALUE_BAD;
}

void settings_value_print(const struct settings_rule *rule, const void *field, FILE *out)
{
	switch (rule->kind) {
	case SETTINGS_TEXT:
		fputs(*(char *const *)field, out);
		break;
	case SETTINGS_CHOICE:
		for (const struct settings_choice *it = rule->choices; it->text != NULL; it++)
			if (it->value == *(const unsigned *)field)
				fputs(it->text, out);
		break;
	case SETTINGS_NUMBER:
		print_quantity(rule->kind, *(const unsigned *)field, out);
		break;
	case SETTINGS_SIZE:
	case SETTINGS_TIME:
		print_quantity(rule->kind, *(const uint64_t *)field, out);
		break;
	}
}

void settings_value_accepts(const struct settings_rule *rule, FILE *out)
{
	switch (rule->kind) {
	case SETTINGS_TEXT:
		fputs(rule->accepts, out);
		return;
	case SETTINGS_CHOICE:
		for (const struct settings_choice *it = rule->choices; it->text != NULL; it++)
			fprintf(out, "%s%s", it == rule->choices ? "" : "|", it->text);
		return;
	case SETTINGS_NUMBER:
		fputs("a whole number from ", out);
		break;
	case SETTINGS_SIZE:
		fputs("a size in bytes, KiB, MiB or GiB (4MiB) from ", out);
		break;
	case SETTINGS_TIME:
		fputs("a time in ms, s, min or h (10s) from ", out);
		break;
	}
	print_quantity(rule->kind, rule->min, out);
	fputs(" to ", out);
	print_quantity(rule->kind, rule->max, out);
}

void settings_value_done(const struct settings_rule *rule, void *field)
{
	if (rule->kind != SETTINGS_TEXT)
		return;
	free(*(char **)field);
	*(char **)field = NULL;
}

static bool clean(const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return size == 0 || (text[0] != ' ' && text[size - 1] != ' ');
}

bool settings_check_path(const char *text)
{
	return text[0] != '\0' && clean(text);
}

bool settings_check_file(const char *text)
{
	return clean(text);
}

bool settings_check_files(const char *text)
{
	if (!clean(text))
		return false;
	for (size_t size; text[0] != '\0'; text += size) {
		size = strcspn(text, ",");
		if (size == 0)
			return false;
		if (text[size] == ',' && text[++size] == '\0')
			return false;
	}
	return true;
}

static bool is_port(const char *text)
{
	size_t size = strspn(text, "0123456789");

	return size > 0 && size <= 5 && text[size] == '\0' && strtoul(text, NULL, 10) <= 65535;
}

bool settings_check_listen(const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2] = "";
	struct in6_addr address;

	if (strcmp(text, "off") == 0)
		return true;
	if (colon == NULL || !is_port(colon + 1) || (size_t)(colon - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	if (host[0] != '[')
		return inet_pton(AF_INET, host, &address) == 1;

	size_t size = strlen(host);
	if (host[size - 1] != ']')
		return false;
	host[size - 1] = '\0';
	return inet_pton(AF_INET6, host + 1, &address) == 1;
}

bool settings_check_http(const char *text)
{
	const char *colon = strrchr(text, ':');

	if (text[0] == '\0')
		return true;
	return clean(text) && http_plain_address(text) && (strncmp(text, "unix:", 5) == 0 || is_port(colon + 1));
}

bool settings_check_local(const char *text)
{
	return settings_check_http(text) && strncmp(text, "unix:", 5) != 0;
}

bool settings_check_mode(const char *text)
{
	const size_t size = strlen(text);

	return size >= 3 && size <= 4 && strspn(text, "01234567") == size && strtoul(text, NULL, 8) <= 0777;
}

/* A host name, one with a wildcard for its first label, or an address; `size` characters of `text`. */
static bool is_name(const char *text, size_t size)
{
	static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
	char name[NAME_MAX_CHARS + 1];
	struct in6_addr address;

	if (size == 0 || size > NAME_MAX_CHARS)
		return false;
	memcpy(name, text, size);
	name[size] = '\0';
	if (memchr(name, ':', size))
		return inet_pton(AF_INET6, name, &address) == 1;
	const char *rest = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
	return rest[0] != '\0' && rest[0] != '.' && strspn(rest, ALLOWED) == strlen(rest);
}

bool settings_check_names(const char *text)
{
	if (text[0] == '\0')
		return true;
	for (;;) {
		size_t size = strcspn(text, ",");

		if (!is_name(text, size))
			return false;
		if (text[size] == '\0')
			return true;
		text += size + 1;
	}
}

bool settings_is_authority(const char *text, size_t size)
{
	const char *const bracket = size > 0 && text[0] == '[' ? memchr(text, ']', size) : NULL;
	const size_t head = bracket ? (size_t)(bracket - text) + 1 : 0;
	const char *const colon = memchr(text + head, ':', size - head);
	const size_t host = colon ? (size_t)(colon - text) : size;
	unsigned port = 0;

	if (bracket ? host != head || !memchr(text + 1, ':', head - 2) || !is_name(text + 1, head - 2)
		    : text[0] == '*' || !is_name(text, host))
		return false;
	for (size_t i = host + 1; i < size; i++) {
		if (text[i] < '0' || text[i] > '9' || i > host + 5)
			return false;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return host == size || (port >= 1 && port <= 65535 && text[host + 1] != '0');
}

bool settings_check_origins(const char *text)
{
	static const char scheme[] = "https://";

	while (text[0] != '\0') {
		const size_t size = strcspn(text, ",");

		if (size < sizeof(scheme) || strncmp(text, scheme, sizeof(scheme) - 1) != 0 || size > 300 ||
		    !settings_is_authority(text + sizeof(scheme) - 1, size - (sizeof(scheme) - 1)))
			return false;
		text += size;
		if (text[0] == ',' && *++text == '\0')
			return false;
	}
	return true;
}
