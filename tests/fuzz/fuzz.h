/* What the fuzz targets share. Each target asserts what its parser promises, not only that nothing crashes. */
#ifndef COFFER_TESTS_FUZZ_H
#define COFFER_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Of each target, called by libFuzzer or replay.c; always 0. `data` is exactly `size` bytes on the heap. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, which a fuzzer takes for a finding. Unlike assert() it cannot be compiled away. */
#define FUZZ_CHECK(condition)                                      \
	do {                                                       \
		if (!(condition))                                  \
			fuzz_fail(__FILE__, __LINE__, #condition); \
	} while (0)

_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* A string of the bytes up to the first NUL, without a byte of room behind its terminator. free() it. */
char *fuzz_text(const uint8_t *data, size_t size);

#endif
