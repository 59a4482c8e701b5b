#include "server/cli/arguments.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void print_help(const struct arguments *arguments, FILE *out)
{
	fprintf(out, "usage: %s\n", arguments->usage);
	if (arguments->about)
		fprintf(out, "\n%s\n", arguments->about);
	if (arguments->count > 0)
		fputc('\n', out);
	for (size_t i = 0; i < arguments->count; i++) {
		const struct argument *a = &arguments->table[i];

		fputs("  ", out);
		if (a->letter)
			fprintf(out, "-%c, ", a->letter);
		fprintf(out, "--%s%s%s\n      %s\n", a->name, a->value ? " " : "", a->value ? a->value : "", a->help);
	}
}

static enum arguments_status wrong(const struct arguments *arguments, int place, const char *what, FILE *errors)
{
	fprintf(errors, "coffer: argument %d: %s\nusage: %s\n", place, what, arguments->usage);
	return ARGUMENTS_WRONG;
}

static const struct argument *find(const struct arguments *arguments, const char *name, size_t size)
{
	for (size_t i = 0; i < arguments->count; i++)
		if (strlen(arguments->table[i].name) == size && memcmp(arguments->table[i].name, name, size) == 0)
			return &arguments->table[i];
	return NULL;
}

static const struct argument *find_letter(const struct arguments *arguments, char letter)
{
	for (size_t i = 0; i < arguments->count; i++)
		if (arguments->table[i].letter && arguments->table[i].letter == letter)
			return &arguments->table[i];
	return NULL;
}

/* The option that an argument names, and the value joined to it or NULL. NULL: there is no such option. */
static const struct argument *read_name(const struct arguments *arguments, const char *text, const char **ret_value)
{
	size_t size;

	*ret_value = NULL;
	if (text[1] != '-')
		return text[1] && !text[2] ? find_letter(arguments, text[1]) : NULL;
	text += 2;
	size = strcspn(text, "=");
	if (text[size] == '=')
		*ret_value = text + size + 1;
	return find(arguments, text, size);
}

enum arguments_status arguments_parse(const struct arguments *arguments, int argc, char **argv, const char **ret_values,
				      FILE *out, FILE *errors)
{
	const size_t slots = arguments->count + (arguments->operand ? 1 + arguments->more_operands : 0);
	size_t operand = arguments->count; /* where the next goes */
	bool only_operands = false;

	for (size_t i = 0; i < slots; i++)
		ret_values[i] = NULL;
	for (int i = 1; i < argc; i++) {
		const struct argument *a;
		const char *value;

		if (!only_operands && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			print_help(arguments, out);
			return ARGUMENTS_HELP;
		}
		if (arguments->operand && !only_operands && strcmp(argv[i], "--") == 0) {
			only_operands = true;
			continue;
		}
		if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0') {
			if (!arguments->operand)
				return wrong(arguments, i, "not an option", errors);
			if (operand == slots)
				return wrong(arguments, i, "one too many", errors);
			ret_values[operand++] = argv[i];
			continue;
		}
		a = read_name(arguments, argv[i], &value);
		if (!a)
			return wrong(arguments, i, "no such option", errors);
		if (!a->value && value)
			return wrong(arguments, i, "takes no value", errors);
		if (a->value && !value)
			value = i + 1 < argc ? argv[++i] : NULL;
		if (a->value && !value)
			return wrong(arguments, i, "a value must follow", errors);
		ret_values[a - arguments->table] = a->value ? value : a->name;
	}
	return ARGUMENTS_OK;
}

const char *arguments_data(const char *given)
{
	const char *environment = getenv("COFFER_DATA");

	if (given)
		return given;
	return environment && *environment ? environment : "./coffer-data";
}

bool arguments_long(const char *text, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++)
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
			return false;
	if (number > max)
		return false;
	*ret_number = number;
	return true;
}

bool arguments_number(const char *text, unsigned min, unsigned max, unsigned *ret_number)
{
	uint64_t number;

	if (!arguments_long(text, max, &number) || number < min)
		return false;
	*ret_number = (unsigned)number;
	return true;
}
