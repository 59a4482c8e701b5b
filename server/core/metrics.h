/*
 * What the service counts of itself, for whoever watches it. Counting is a relaxed addition in a shard of the thread's
 * own, more or less, so that threads do not wait for each other's cache lines; reading sums the shards. Nothing here
 * knows who asks, or how.
 *
 * The table below is the one list of counters: from it come the enum and what is shown.
 */
#ifndef COFFER_CORE_METRICS_H
#define COFFER_CORE_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/core/exposition.h"

/* X(NAME, family, label, value, help): the rows of one family follow each other, and the help of the first is shown. */
#define METRIC_LIST(X)                                                                                                 \
	X(TOKEN_CACHE_HIT, "coffer_token_cache_lookups_total", "result", "hit",                                        \
	  "Tokens and client certificates by whether they were remembered (--token-cache), or had to be looked up")    \
	X(TOKEN_CACHE_MISS, "coffer_token_cache_lookups_total", "result", "miss", "")                                  \
	X(EPOCH_HIT, "coffer_epoch_cache_lookups_total", "result", "hit",                                              \
	  "Record keys that were needed: under an epoch key in memory (hit), under one to be unwrapped first (load), " \
	  "or under the KEK alone (miss)")                                                                             \
	X(EPOCH_LOAD, "coffer_epoch_cache_lookups_total", "result", "load", "")                                        \
	X(EPOCH_MISS, "coffer_epoch_cache_lookups_total", "result", "miss", "")                                        \
	X(RSA_RECORD_KEY, "coffer_rsa_unwraps_total", "key", "record",                                                 \
	  "RSA private operations under the KEK, by what was unwrapped")                                               \
	X(RSA_EPOCH_KEY, "coffer_rsa_unwraps_total", "key", "epoch", "")                                               \
	X(RSA_OTHER, "coffer_rsa_unwraps_total", "key", "other", "")                                                   \
	X(DECRYPTION_FAILED, "coffer_decryption_failures_total", NULL, NULL,                                           \
	  "Stored keys, rows and contents that did not decrypt or verify; each is a line of the log, too")             \
	X(AUDIT_DONE, "coffer_audit_events_total", "outcome", "done",                                                  \
	  "Events in the audit log since the start: requests that were answered (done), refused, or failed, and the "  \
	  "server's own acts")                                                                                         \
	X(AUDIT_REFUSED_EVENT, "coffer_audit_events_total", "outcome", "refused", "")                                  \
	X(AUDIT_FAILED, "coffer_audit_events_total", "outcome", "failed", "")                                          \
	X(AUDIT_OWN, "coffer_audit_events_total", "outcome", "server", "")                                             \
	X(BREAK_GLASS, "coffer_break_glass_reads_total", NULL, NULL,                                                   \
	  "Records that were read in an emergency, by breaking the glass")                                             \
	X(REFUSED_UNKNOWN, "coffer_unauthenticated_refusals_total", NULL, NULL,                                        \
	  "Requests refused without an account, as the audit log counts them by address and minute")                   \
	X(COMMIT_FAILED, "coffer_commit_failures_total", NULL, NULL,                                                   \
	  "Transactions that could not be committed, or of which it is not known; their requests ran again, or "       \
	  "failed")

#define METRIC_ENUM(name, family, label, value, help) METRIC_##name,
enum metric { METRIC_LIST(METRIC_ENUM) METRIC_COUNT };
#undef METRIC_ENUM

struct metrics;

/* NULL when memory runs out. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/* Any thread; NULL counts nothing. */
void metrics_count(struct metrics *metrics, enum metric metric, uint64_t count);
uint64_t metrics_read(const struct metrics *metrics, enum metric metric);
/* The committer's thread: a transaction of so many jobs took so long, from its beginning until it was durable. */
void metrics_committed(struct metrics *metrics, uint64_t jobs, uint64_t microseconds);

/* All of the table, and the two histograms of commits. */
void metrics_print(const struct metrics *metrics, struct exposition *exposition);

#endif
