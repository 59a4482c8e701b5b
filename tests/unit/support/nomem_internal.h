/* For the hooks of nomem.h. */
#ifndef COFFER_TESTS_NOMEM_INTERNAL_H
#define COFFER_TESTS_NOMEM_INTERNAL_H

#include <stdbool.h>

/* Counts an allocation; true: it has to fail. */
bool nomem_now(void);

#endif
