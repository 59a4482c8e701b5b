/* Sizes and times as people read them. */
#ifndef COFFER_CORE_HUMAN_H
#define COFFER_CORE_HUMAN_H

#include <stdint.h>

enum { HUMAN_TEXT_MAX = 32 };

/* "17 B", "1.5 KiB", "12.0 GiB" */
void human_bytes(uint64_t bytes, char ret_text[static HUMAN_TEXT_MAX]);
/* "17 s", "5 min", "3 h 12 min", "40 d 7 h" */
void human_span(uint64_t seconds, char ret_text[static HUMAN_TEXT_MAX]);

#endif
