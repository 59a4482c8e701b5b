/* A bounded pool of low-priority threads for work that would hold up a loop: RSA private operations. */
#ifndef COFFER_CORE_WORKERS_H
#define COFFER_CORE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

struct workers;

/* One piece of work; embedded in the owner's memory, which it must outlive. run() comes once, on a worker's thread. */
struct work {
	void (*run)(struct work *work);
	struct work *next;
};

/* `threads` (0: one a core) at nice +5; at most `depth` pieces wait. NULL when a thread or memory cannot be had. */
struct workers *workers_new(unsigned threads, size_t depth);
/* False when the queue is full or the pool is stopping: run() will not be called. */
bool workers_submit(struct workers *workers, struct work *work);
/* Any thread: pieces that wait. */
size_t workers_waiting(struct workers *workers);
/* Runs what is queued, then ends the threads. NULL is accepted. */
void workers_free(struct workers *workers);

#endif
