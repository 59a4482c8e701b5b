/*
 * Keeps an epoch key in use while the vault is unsealed: a thread that takes up the newest epoch of the KEK, or makes
 * one when that is too old or has wrapped enough.
 *
 * Wraps are counted in blocks that the epoch's row reserves before they are used, so that a crash forgets none.
 */
#ifndef COFFER_CORE_EPOCHS_H
#define COFFER_CORE_EPOCHS_H

#include <stdint.h>

#include "server/core/status.h"
#include "server/core/vault.h"

#define EPOCHS_WRAPS_MAX (UINT64_C(1) << 24) /* under one key */

struct epochs;

struct epochs_options {
	const struct vault *vault; /* borrowed */
	int64_t age_ms;		   /* how long new wraps are made under one key */
	void (*log)(const char *line);
};

/* Has an epoch in use when it returns, unless the vault is sealed. NULL when memory or a thread cannot be had. */
struct epochs *epochs_new(const struct epochs_options *options);
/* Any thread: the vault has been unsealed. */
void epochs_wake(struct epochs *epochs);
/* Ends the thread; before the store closes. NULL is accepted. */
void epochs_free(struct epochs *epochs);

/*
 * One turn of the thread, for tests and tools: looks whether a key must be taken up or made, at `now_ms`. CORE_SEALED:
 * nothing can be done.
 */
MUST_CHECK enum core_status epochs_renew(const struct vault *vault, struct store_view *view, int64_t age_ms,
					 int64_t now_ms);

/* What `coffer check` and reading ask of an epoch's row: MAC, and that it is of this vault's KEK. Loads its key. */
MUST_CHECK enum core_status epochs_load(const struct vault *vault, const struct store_epoch *row);

#endif
