/* Whether text shows what it says: on a terminal, in a log. */
#ifndef COFFER_CORE_PRINTABLE_H
#define COFFER_CORE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether the bytes are UTF-8 (RFC 3629) that shows what it says: no control characters but tabs and line feeds, none
 * of C1 either, and none that turn the direction of what is around them.
 */
bool printable_text(const uint8_t *bytes, size_t size);

#endif
