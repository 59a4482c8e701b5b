/* What a fuzz target exports: libFuzzer's entry point, which replay.c calls too. */
#ifndef COFFER_TESTS_FUZZ_H
#define COFFER_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* `bytes` lie in a block of exactly `size`, so that the address sanitizer sees one byte too many. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A property of the parser; unlike assert() it holds in release builds too. */
#define FUZZ_HOLDS(what)                                                                          \
	do {                                                                                      \
		if (!(what)) {                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

#endif
