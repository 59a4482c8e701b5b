/* Memory for secrets: locked, left out of core dumps, wiped when freed. Thread-safe. */
#ifndef COFFER_CRYPTO_SECRET_H
#define COFFER_CRYPTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * `size` zeroed bytes for long-lived keys, in locked, undumped pages (many small secrets share a page).
 * NULL when memory or the lock limit (RLIMIT_MEMLOCK) runs out. Give back with secret_free().
 */
void *secret_alloc(size_t size);

/* Wipes and gives back what secret_alloc() returned; `size` as asked for then. NULL is accepted. */
void secret_free(void *secret, size_t size);

/* Overwrites with zeros in a way the compiler may not remove. For secrets on the stack or embedded. */
void secret_wipe(void *secret, size_t size);

/* Whether two strings of `size` bytes are equal, in a time that does not depend on their contents. */
bool secret_equal(const void *a, const void *b, size_t size);

#endif
