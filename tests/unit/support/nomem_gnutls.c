#include <gnutls/gnutls.h>

#include "tests/unit/support/nomem.h"
#include "tests/unit/support/nomem_internal.h"

/* GnuTLS calls through these variables; freeing stays as it was. */
static gnutls_alloc_function real_malloc;
static gnutls_calloc_function real_calloc;
static gnutls_realloc_function real_realloc;

static void *hooked_malloc(size_t size)
{
	return nomem_now() ? NULL : real_malloc(size);
}

static void *hooked_calloc(size_t count, size_t size)
{
	return nomem_now() ? NULL : real_calloc(count, size);
}

static void *hooked_realloc(void *block, size_t size)
{
	return nomem_now() ? NULL : real_realloc(block, size);
}

void nomem_gnutls(void)
{
	real_malloc = gnutls_malloc;
	real_calloc = gnutls_calloc;
	real_realloc = gnutls_realloc;
	gnutls_malloc = hooked_malloc;
	gnutls_calloc = hooked_calloc;
	gnutls_realloc = hooked_realloc;
}
