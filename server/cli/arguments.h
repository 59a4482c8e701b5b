/*
 * The arguments of a small subcommand, which has no settings: `--name VALUE`, `--name=VALUE`, `--flag`, `-n VALUE`, and
 * a few operands.
 */
#ifndef COFFER_CLI_ARGUMENTS_H
#define COFFER_CLI_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct argument {
	const char *name;  /* without the dashes */
	const char *value; /* what stands for it in the help; NULL: a flag */
	const char *help;
	char letter; /* short name, after one dash; 0: none */
};

struct arguments {
	const char *usage; /* "coffer check [OPTION]..." */
	const char *about; /* lines of help below it; NULL: none */
	const struct argument *table;
	size_t count;
	const char *operand;  /* what stands for it in the usage; NULL: none is taken */
	size_t more_operands; /* that may follow it */
};

enum arguments_status {
	ARGUMENTS_OK = 0,
	ARGUMENTS_HELP,	 /* was asked for, and printed on `out` */
	ARGUMENTS_WRONG, /* said on `errors`: the argument, and the usage */
};

/*
 * argv[0] is the command's name. Where an operand is taken it, or NULL, goes to ret_values[count], and more of them
 * behind it; `-` is one, and so is what follows `--`. ret_values[i] is the value of table[i], the flag's own name for a
 * flag, or NULL when it is not given; borrowed from argv. What was given wrongly is named by its place, a value never
 * repeated.
 */
__attribute__((warn_unused_result)) enum arguments_status arguments_parse(const struct arguments *arguments, int argc,
									  char **argv, const char **ret_values,
									  FILE *out, FILE *errors);

/* The data directory: what was given, else $COFFER_DATA, else that of `coffer serve`. */
const char *arguments_data(const char *given);

/* A whole number in [min, max], nothing around it; false otherwise. */
__attribute__((warn_unused_result)) bool arguments_number(const char *text, unsigned min, unsigned max,
							  unsigned *ret_number);
/* The same for large ones, in [0, max]. */
__attribute__((warn_unused_result)) bool arguments_long(const char *text, uint64_t max, uint64_t *ret_number);

#endif
