/* Time: Unix milliseconds for what is stored and shown, and its text forms. */
#ifndef COFFER_CORE_CLOCK_H
#define COFFER_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_MINUTE_MS = 60000 };

int64_t clock_unix_ms(void);
/* CLOCK_MONOTONIC: for spans. */
int64_t clock_monotonic_ms(void);

/* RFC 3339 in UTC with milliseconds, "2026-01-02T03:04:05.678Z": 24 characters and a terminator. */
void clock_rfc3339(int64_t unix_ms, char ret_text[static 25]);

/* The form of clock_rfc3339(), milliseconds optional; false for anything else. */
bool clock_parse_rfc3339(const char *text, int64_t *ret_unix_ms);

/* An HTTP date (RFC 9110 §5.6.7, IMF-fixdate): 29 characters and a terminator. */
void clock_http_date(int64_t unix_ms, char ret_text[static 30]);

/* An IMF-fixdate, in whole seconds; false for anything else (the obsolete forms too). */
bool clock_parse_http_date(const char *text, int64_t *ret_unix_ms);

#endif
