/*
 * Memory that runs out on demand. A test program that links this one is linked with -Wl,--wrap for what coffer's own
 * code, and the test's, allocates with: malloc and its kin, secret_alloc, mmap and mlock, pthread_create. Libraries
 * are not touched by that; nomem_gnutls() and nomem_sqlite() reach two of them through their own hooks. GMP, and
 * Nettle's RSA upon it, end the process when memory runs out, by their contract: nothing here can make them fail.
 */
#ifndef COFFER_TESTS_NOMEM_H
#define COFFER_TESTS_NOMEM_H

#include <stdbool.h>
#include <stddef.h>

enum nomem_mode {
	NOMEM_ONCE,  /* one allocation fails */
	NOMEM_AFTER, /* that one and every later one */
};

/* From now on allocation `n` fails, counted from 0 over all threads. */
void nomem_arm(size_t n, enum nomem_mode mode);
/* No more failures. Whether there was one. */
bool nomem_disarm(void);
/* Whether there has been one since nomem_arm(). */
bool nomem_failed(void);

/* What coffer's own code, and the test's, has allocated and not given back: blocks, secrets. */
long nomem_live(void);
/* Regions mapped and not unmapped. */
long nomem_mapped(void);

/* GnuTLS's own allocations take part from now on. */
void nomem_gnutls(void);
/* SQLite's too. Before anything of SQLite is called. */
void nomem_sqlite(void);

#endif
