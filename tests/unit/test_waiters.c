#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "server/api/waiters.h"

enum { MANY = 1000, ROUNDS = 20000 };

static void count(void *arg)
{
	atomic_fetch_add((_Atomic unsigned *)arg, 1);
}

/* Boxes that end alike are kept in one place. */
static struct waiter a_waiter(uint8_t mailbox, _Atomic unsigned *woken)
{
	return (struct waiter){.mailbox = {mailbox}, .wake = count, .arg = woken};
}

Test(waiters, a_deposit_wakes_those_of_its_mailbox_once)
{
	struct waiters *waiters = waiters_new();
	static struct waiter bobs[MANY], anna;
	_Atomic unsigned bob = 0, ann = 0;
	const uint8_t to_bob[16] = {1}, to_eve[16] = {3};

	anna = a_waiter(2, &ann);
	for (size_t i = 0; i < MANY; i++) {
		bobs[i] = a_waiter(1, &bob);
		waiters_enter(waiters, &bobs[i]);
		if (i == MANY / 2)
			waiters_enter(waiters, &anna);
	}
	waiters_wake(waiters, to_eve);
	cr_assert(bob == 0 && ann == 0);
	waiters_wake(waiters, to_bob);
	waiters_wake(waiters, to_bob);
	cr_assert(bob == MANY && ann == 0);
	for (size_t i = 0; i < MANY; i++)
		cr_assert_not(waiters_leave(waiters, &bobs[i]), "it has been woken");
	cr_assert(waiters_leave(waiters, &anna));
	cr_assert_not(waiters_leave(waiters, &anna));
	waiters_free(waiters);
}

Test(waiters, one_that_has_left_is_not_woken_wherever_it_stood)
{
	const uint8_t to_bob[16] = {1};

	for (size_t leaver = 0; leaver < 3; leaver++) {
		struct waiters *waiters = waiters_new();
		struct waiter three[3];
		_Atomic unsigned woken[3] = {0};

		for (size_t i = 0; i < 3; i++) {
			three[i] = a_waiter(1, &woken[i]);
			waiters_enter(waiters, &three[i]);
		}
		cr_assert(waiters_leave(waiters, &three[leaver]));
		waiters_wake(waiters, to_bob);
		for (size_t i = 0; i < 3; i++)
			cr_expect_eq(woken[i], i != leaver, "%zu left: %zu", leaver, i);
		waiters_enter(waiters, &three[leaver]);
		waiters_wake(waiters, to_bob);
		cr_expect_eq(woken[leaver], 1, "it came back");
		waiters_free(waiters);
	}
}

struct depositor {
	struct waiters *waiters;
	_Atomic bool stop;
};

static void *deposit_on(void *arg)
{
	struct depositor *depositor = arg;
	const uint8_t to_bob[16] = {1};

	while (!atomic_load(&depositor->stop))
		waiters_wake(depositor->waiters, to_bob);
	return NULL;
}

/* What leaves unwoken stays unwoken; what could not leave has been woken, or is about to be: exactly once. */
Test(waiters, to_leave_and_to_be_woken_exclude_each_other, .timeout = 60)
{
	struct depositor depositor = {.waiters = waiters_new()};
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, deposit_on, &depositor), 0);
	for (int i = 0; i < ROUNDS; i++) {
		_Atomic unsigned woken = 0;
		struct waiter waiter = a_waiter(1, &woken);

		waiters_enter(depositor.waiters, &waiter);
		if (waiters_leave(depositor.waiters, &waiter)) {
			cr_assert_eq(atomic_load(&woken), 0);
		} else {
			while (atomic_load(&woken) == 0)
				sched_yield();
			cr_assert_eq(atomic_load(&woken), 1);
		}
	}
	atomic_store(&depositor.stop, true);
	pthread_join(thread, NULL);
	waiters_free(depositor.waiters);
}
