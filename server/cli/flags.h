/* Words that a subcommand takes out of its arguments before the rest is read as settings. */
#ifndef COFFER_CLI_FLAGS_H
#define COFFER_CLI_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

/* Removes every argument that is one of `names` and notes it in ret_given. argv[0] stays. */
void flags_take(int *argc, char **argv, const char *const *names, size_t count, bool *ret_given);

/* Removes `name VALUE` or `name=VALUE` and returns the value; NULL when it is not there. The last one counts. */
const char *flags_take_value(int *argc, char **argv, const char *name);

#endif
