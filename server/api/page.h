/* Keyset pages: ?limit=N&after=CURSOR in; a list, "next" and a Link header out. */
#ifndef COFFER_API_PAGE_H
#define COFFER_API_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/api/call.h"
#include "server/json/json.h"

enum { PAGE_LIMIT_DEFAULT = 100, PAGE_LIMIT_MAX = 1000 };

/* A whole number from 1 to `max` in decimal, without leading zeros. */
bool page_number(const char *text, uint64_t max, uint64_t *ret_number);

/* The query's limit and cursor (NULL: from the start); false has set a problem. */
bool page_query(struct call *call, size_t *ret_limit, const char **ret_after);

/* Ends a document, which it frees, and replies with it; next: the cursor of the page after this one, or NULL. */
void page_reply(struct call *call, struct json *doc, const char *path, size_t limit, const char *next);

/* A reply of one document, which it frees; false has set a problem. */
bool json_reply(struct call *call, unsigned status, struct json *doc);

#endif
