/*
 * What the loops have answered: requests by route and status, and how long they took. Each loop notes in memory of its
 * own, without a lock; whoever prints sums that of all. A label is a template of the route table, never a path, so
 * that clients cannot make more of them.
 */
#ifndef COFFER_API_TALLY_H
#define COFFER_API_TALLY_H

#include "server/core/exposition.h"
#include "server/http/http.h"

struct tally;
struct tally_sheet; /* a loop's */

/* routes: borrowed. NULL when memory runs out. */
struct tally *tally_new(const struct http_route *routes, size_t count);
/* With every sheet. NULL is accepted. */
void tally_free(struct tally *tally);

/* Any thread: a sheet for one thread to write on. It stays, and counts, until tally_free(). NULL: no memory. */
struct tally_sheet *tally_sheet_new(struct tally *tally);
/* done->route, if not NULL, is one of the table's. */
void tally_note(struct tally_sheet *sheet, const struct http_done *done);
/* Any thread. */
void tally_print(struct tally *tally, struct exposition *exposition);

#endif
