#include "server/core/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NICENESS = 5 };

/* Invariants: waiting <= depth; tail is NULL exactly when head is; threads[0..running) were started. */
struct workers {
	pthread_mutex_t lock;
	pthread_cond_t work_or_stop;
	struct work *head;
	struct work *tail;
	size_t waiting;
	size_t depth;
	bool stopping;
	unsigned running;
	pthread_t threads[];
};

/* NULL when the pool is stopping and nothing is left to do. */
static struct work *next_work(struct workers *workers)
{
	struct work *work;

	pthread_mutex_lock(&workers->lock);
	while (!workers->head && !workers->stopping)
		pthread_cond_wait(&workers->work_or_stop, &workers->lock);
	work = workers->head;
	if (work) {
		workers->head = work->next;
		if (!workers->head)
			workers->tail = NULL;
		workers->waiting--;
	}
	pthread_mutex_unlock(&workers->lock);
	return work;
}

static void *work_on(void *arg)
{
	struct workers *workers = arg;
	struct work *work;

	/* On Linux a niceness belongs to a thread. One that cannot be had costs latency, nothing else. */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS);
	while ((work = next_work(workers)))
		work->run(work);
	return NULL;
}

struct workers *workers_new(unsigned threads, size_t depth)
{
	struct workers *workers;

	if (threads == 0) {
		const long cores = sysconf(_SC_NPROCESSORS_ONLN);

		threads = cores > 0 ? (unsigned)cores : 1;
	}
	workers = calloc(1, sizeof(*workers) + threads * sizeof(workers->threads[0]));
	if (!workers)
		return NULL;
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->work_or_stop, NULL);
	workers->depth = depth;
	while (workers->running < threads) {
		if (pthread_create(&workers->threads[workers->running], NULL, work_on, workers) != 0) {
			workers_free(workers);
			return NULL;
		}
		workers->running++;
	}
	return workers;
}

bool workers_submit(struct workers *workers, struct work *work)
{
	bool taken = false;

	work->next = NULL;
	pthread_mutex_lock(&workers->lock);
	if (!workers->stopping && workers->waiting < workers->depth) {
		if (workers->tail)
			workers->tail->next = work;
		else
			workers->head = work;
		workers->tail = work;
		workers->waiting++;
		taken = true;
		pthread_cond_signal(&workers->work_or_stop);
	}
	pthread_mutex_unlock(&workers->lock);
	return taken;
}

size_t workers_waiting(struct workers *workers)
{
	size_t waiting;

	pthread_mutex_lock(&workers->lock);
	waiting = workers->waiting;
	pthread_mutex_unlock(&workers->lock);
	return waiting;
}

void workers_free(struct workers *workers)
{
	if (!workers)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->work_or_stop);
	pthread_mutex_unlock(&workers->lock);
	for (unsigned i = 0; i < workers->running; i++)
		pthread_join(workers->threads[i], NULL);
	pthread_cond_destroy(&workers->work_or_stop);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}
