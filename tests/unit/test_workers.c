#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/core/workers.h"

/* A piece of work that counts its runs, after waiting at a gate when it has one. */
struct piece {
	struct work work; /* first */
	atomic_bool *gate;
	atomic_int started, runs;
	int order, niceness;
	pthread_t thread;
};

static atomic_int next_order;

static void run_piece(struct work *work)
{
	struct piece *piece = (struct piece *)work;

	piece->thread = pthread_self();
	piece->niceness = getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid));
	piece->started = 1;
	while (piece->gate && !*piece->gate)
		usleep(200);
	piece->order = next_order++;
	piece->runs++;
}

static void wait_for(atomic_int *value, int wanted)
{
	while (*value < wanted)
		usleep(200);
}

TestSuite(workers, .timeout = 30);

Test(workers, what_was_taken_runs_once_on_another_thread_at_low_priority)
{
	struct workers *workers = workers_new(1, 4);
	struct piece piece = {.work.run = run_piece};
	const int mine = getpriority(PRIO_PROCESS, 0);

	cr_assert(workers_submit(workers, &piece.work));
	wait_for(&piece.runs, 1);
	cr_expect_not(pthread_equal(piece.thread, pthread_self()));
	if (mine < 5) /* else the tests themselves run at a lower priority */
		cr_expect_eq(piece.niceness, 5);
	cr_expect_eq(getpriority(PRIO_PROCESS, 0), mine, "the pool alone is nice");
	workers_free(workers);
	cr_expect_eq(piece.runs, 1);
}

Test(workers, no_more_than_depth_may_wait)
{
	enum { DEPTH = 3 };
	struct workers *workers = workers_new(1, DEPTH);
	atomic_bool gate = false;
	struct piece held = {.work.run = run_piece, .gate = &gate};
	struct piece pieces[DEPTH + 1];

	cr_assert(workers_submit(workers, &held.work));
	wait_for(&held.started, 1); /* it no longer waits: it runs */
	for (int i = 0; i <= DEPTH; i++) {
		pieces[i] = (struct piece){.work.run = run_piece};
		cr_expect_eq(workers_submit(workers, &pieces[i].work), i < DEPTH, "piece %d", i);
	}
	gate = true;
	for (int i = 0; i < DEPTH; i++)
		wait_for(&pieces[i].runs, 1);
	pieces[DEPTH] = (struct piece){.work.run = run_piece};
	cr_expect(workers_submit(workers, &pieces[DEPTH].work), "there is room again");
	workers_free(workers);
	cr_expect_eq(pieces[DEPTH].runs, 1);
}

Test(workers, one_thread_runs_them_in_order)
{
	enum { COUNT = 20 };
	struct workers *workers = workers_new(1, COUNT);
	struct piece pieces[COUNT];

	for (int i = 0; i < COUNT; i++) {
		pieces[i] = (struct piece){.work.run = run_piece};
		cr_assert(workers_submit(workers, &pieces[i].work));
	}
	workers_free(workers);
	for (int i = 0; i < COUNT; i++)
		cr_expect_eq(pieces[i].order, i);
}

Test(workers, several_threads_work_at_the_same_time)
{
	enum { THREADS = 3 };
	struct workers *workers = workers_new(THREADS, THREADS);
	atomic_bool gate = false;
	struct piece pieces[THREADS];

	for (int i = 0; i < THREADS; i++) {
		pieces[i] = (struct piece){.work.run = run_piece, .gate = &gate};
		cr_assert(workers_submit(workers, &pieces[i].work));
	}
	for (int i = 0; i < THREADS; i++)
		wait_for(&pieces[i].started, 1); /* none can end before all have begun */
	gate = true;
	workers_free(workers);
}

/* Frees the pool on a thread of its own, since that waits for the work that is held. */
static void *free_pool(void *workers)
{
	workers_free(workers);
	return NULL;
}

Test(workers, freeing_runs_what_is_queued)
{
	struct workers *workers = workers_new(1, 4);
	atomic_bool gate = false;
	struct piece held = {.work.run = run_piece, .gate = &gate};
	struct piece queued = {.work.run = run_piece};
	pthread_t thread;

	cr_assert(workers_submit(workers, &held.work));
	cr_assert(workers_submit(workers, &queued.work));
	cr_assert_eq(pthread_create(&thread, NULL, free_pool, workers), 0);
	gate = true;
	pthread_join(thread, NULL);
	cr_expect_eq(held.runs, 1);
	cr_expect_eq(queued.runs, 1);
}

/* Submits from within the pool, about when it begins to stop. */
struct chain {
	struct work work; /* first */
	struct workers *workers;
	atomic_bool *stopping;
	struct piece late;
	bool taken;
};

static void run_chain(struct work *work)
{
	struct chain *chain = (struct chain *)work;

	while (!*chain->stopping)
		usleep(200);
	chain->taken = workers_submit(chain->workers, &chain->late.work);
}

Test(workers, work_taken_while_stopping_is_run_all_the_same)
{
	struct workers *workers = workers_new(1, 4);
	atomic_bool stopping = false;
	struct chain chain = {
		.work.run = run_chain, .workers = workers, .stopping = &stopping, .late.work.run = run_piece};

	cr_assert(workers_submit(workers, &chain.work));
	stopping = true;
	workers_free(workers);
	cr_expect_eq(chain.late.runs, chain.taken, "taken and run, or refused and not");
}

Test(workers, a_flood_loses_nothing_that_was_taken)
{
	enum { COUNT = 4000 };
	struct workers *workers = workers_new(0, 64);
	static struct piece pieces[COUNT];
	int refused = 0, runs = 0;

	for (int i = 0; i < COUNT; i++) {
		pieces[i] = (struct piece){.work.run = run_piece};
		if (!workers_submit(workers, &pieces[i].work))
			refused++;
	}
	workers_free(workers);
	for (int i = 0; i < COUNT; i++) {
		cr_assert_leq(pieces[i].runs, 1);
		runs += pieces[i].runs;
	}
	cr_expect_eq(runs, COUNT - refused);
}

Test(workers, null_is_freed)
{
	workers_free(NULL);
}
