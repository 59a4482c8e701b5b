#include "server/api/waiters.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Ids are random enough at their end. */
enum { PLACES = 1024 };

struct waiters {
	pthread_mutex_t lock;
	struct waiter *places[PLACES]; /* under `lock`, as the waiters' links */
};

struct waiters *waiters_new(void)
{
	struct waiters *waiters = calloc(1, sizeof(*waiters));

	if (waiters)
		pthread_mutex_init(&waiters->lock, NULL);
	return waiters;
}

void waiters_free(struct waiters *waiters)
{
	if (!waiters)
		return;
	pthread_mutex_destroy(&waiters->lock);
	free(waiters);
}

static struct waiter **place_of(struct waiters *waiters, const uint8_t mailbox[static 16])
{
	return &waiters->places[(mailbox[14] << 8 | mailbox[15]) % PLACES];
}

/* Under `lock`. */
static void take_out(struct waiters *waiters, struct waiter *waiter)
{
	if (waiter->previous)
		waiter->previous->next = waiter->next;
	else
		*place_of(waiters, waiter->mailbox) = waiter->next;
	if (waiter->next)
		waiter->next->previous = waiter->previous;
	waiter->entered = false;
}

void waiters_enter(struct waiters *waiters, struct waiter *waiter)
{
	struct waiter **place = place_of(waiters, waiter->mailbox);

	pthread_mutex_lock(&waiters->lock);
	waiter->previous = NULL;
	waiter->next = *place;
	if (*place)
		(*place)->previous = waiter;
	*place = waiter;
	waiter->entered = true;
	pthread_mutex_unlock(&waiters->lock);
}

bool waiters_leave(struct waiters *waiters, struct waiter *waiter)
{
	bool entered;

	pthread_mutex_lock(&waiters->lock);
	entered = waiter->entered;
	if (entered)
		take_out(waiters, waiter);
	pthread_mutex_unlock(&waiters->lock);
	return entered;
}

void waiters_wake(struct waiters *waiters, const uint8_t mailbox[static 16])
{
	struct waiter *woken = NULL, *next;

	pthread_mutex_lock(&waiters->lock);
	for (struct waiter *waiter = *place_of(waiters, mailbox); waiter; waiter = next) {
		next = waiter->next;
		if (memcmp(waiter->mailbox, mailbox, sizeof(waiter->mailbox)) != 0)
			continue;
		take_out(waiters, waiter);
		waiter->next = woken;
		woken = waiter;
	}
	pthread_mutex_unlock(&waiters->lock);
	for (; woken; woken = next) {
		next = woken->next;
		woken->wake(woken->arg);
	}
}
