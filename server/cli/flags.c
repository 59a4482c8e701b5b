#include "server/cli/flags.h"

#include <string.h>

static void remove_arguments(int *argc, char **argv, int at, int count)
{
	/* With the NULL at the end. */
	memmove(&argv[at], &argv[at + count], (size_t)(*argc - at - count + 1) * sizeof(*argv));
	*argc -= count;
}

void flags_take(int *argc, char **argv, const char *const *names, size_t count, bool *ret_given)
{
	int at = 1;

	while (at < *argc) {
		size_t i = 0;

		while (i < count && strcmp(argv[at], names[i]) != 0)
			i++;
		if (i == count) {
			at++;
			continue;
		}
		ret_given[i] = true;
		remove_arguments(argc, argv, at, 1);
	}
}

const char *flags_take_value(int *argc, char **argv, const char *name)
{
	const size_t size = strlen(name);
	const char *value = NULL;
	int at = 1;

	while (at < *argc) {
		if (strncmp(argv[at], name, size) == 0 && argv[at][size] == '=') {
			value = argv[at] + size + 1;
			remove_arguments(argc, argv, at, 1);
		} else if (strcmp(argv[at], name) == 0 && at + 1 < *argc) {
			value = argv[at + 1];
			remove_arguments(argc, argv, at, 2);
		} else {
			at++;
		}
	}
	return value;
}
