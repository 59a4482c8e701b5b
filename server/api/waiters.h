/*
 * Calls that wait for something to come into a mailbox. Thread-safe: they wait on loops, and are woken by the
 * committer.
 */
#ifndef COFFER_API_WAITERS_H
#define COFFER_API_WAITERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct waiters;

/* Embedded in what waits; linked while it does. */
struct waiter {
	uint8_t mailbox[16];
	void (*wake)(void *arg); /* on any thread; the waiter may be gone before it returns */
	void *arg;
	struct waiter *next, *previous;
	bool entered;
};

/* NULL when memory runs out. */
struct waiters *waiters_new(void);
/* Nobody waits any more. NULL is accepted. */
void waiters_free(struct waiters *waiters);

/* mailbox, wake and arg are filled in. */
void waiters_enter(struct waiters *waiters, struct waiter *waiter);
/* True: it was waiting, and will not be woken. False: it has been, or is about to be. */
bool waiters_leave(struct waiters *waiters, struct waiter *waiter);
/* Wakes those who wait for this mailbox. */
void waiters_wake(struct waiters *waiters, const uint8_t mailbox[static 16]);

#endif
