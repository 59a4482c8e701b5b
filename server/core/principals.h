/*
 * Tokens that were looked up and verified a moment ago, by their keyed hash: most requests come with the token of the
 * one before. An entry serves for a bounded time, never past its token's expiry, and not at all once this process
 * has changed a token or an account. Only an edit of the database by somebody else can go unseen, for that time.
 * Any thread.
 */
#ifndef COFFER_CORE_PRINCIPALS_H
#define COFFER_CORE_PRINCIPALS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/account.h"

struct principals;

/* ttl_ms 0: nothing is kept. NULL when memory runs out. */
struct principals *principals_new(int64_t ttl_ms);
/* Wipes; NULL is accepted. */
void principals_free(struct principals *principals);

/* Counts the calls of principals_forget(): to be asked for before the rows are read that principals_keep() is about. */
uint64_t principals_generation(const struct principals *principals);
/* `expires_ms`: the token's, Unix time, 0 for never. Keeps nothing when something was forgotten since `generation`. */
void principals_keep(struct principals *principals, uint64_t generation, const uint8_t hash[static 32],
		     const struct principal *principal, int64_t expires_ms);
bool principals_find(struct principals *principals, const uint8_t hash[static 32], struct principal *ret_principal);
/* After each commit that may have changed a token or an account, before anyone is told of it. */
void principals_forget(struct principals *principals);

#endif
