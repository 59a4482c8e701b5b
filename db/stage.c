/* Content that is longer than a chunk, on its way to the committer. */
#include <stdlib.h>
#include <string.h>

#include "db/internal.h"

enum store_status store_stage_new(struct store *store, void (*wake)(void *arg), void *arg,
				  struct store_stage **ret_stage)
{
	struct store_stage *stage = calloc(1, sizeof(*stage));

	if (!stage)
		return STORE_NOMEM;
	stage->store = store;
	stage->wake = wake;
	stage->arg = arg;
	stage->references = 1;
	pthread_mutex_lock(&store->lock);
	stage->blob_id = store->next_blob++;
	pthread_mutex_unlock(&store->lock);
	*ret_stage = stage;
	return STORE_OK;
}

static enum store_stage_result queue_chunk(struct store_stage *stage, struct staged_chunk *chunk)
{
	struct store *store = stage->store;

	if (stage->failure != STORE_OK || store->stopping) {
		if (stage->failure == STORE_OK)
			stage->failure = STORE_STOPPED;
		return STORE_STAGE_FAILED;
	}
	/* A queue that is empty takes any chunk, whatever the bound. */
	if (store->chunks && store->chunk_bytes + chunk->size > store->options.stage_bytes) {
		if (!stage->waiting) {
			stage->waiting = true;
			stage->references++;
			stage->next_waiting = store->waiting;
			store->waiting = stage;
		}
		return STORE_STAGE_FULL;
	}
	stage->references++;
	*store->chunks_end = chunk;
	store->chunks_end = &chunk->next;
	store->chunk_bytes += chunk->size;
	pthread_cond_signal(&store->work);
	return STORE_STAGE_OK;
}

enum store_stage_result store_stage_put(struct store_stage *stage, uint64_t number, const uint8_t *sealed, size_t size)
{
	struct staged_chunk *chunk = malloc(sizeof(*chunk) + size);
	enum store_stage_result result;

	if (!chunk) {
		stage_fail(stage, STORE_NOMEM);
		return STORE_STAGE_FAILED;
	}
	chunk->next = NULL;
	chunk->stage = stage;
	chunk->number = number;
	chunk->size = size;
	memcpy(chunk->bytes, sealed, size);
	pthread_mutex_lock(&stage->store->lock);
	result = queue_chunk(stage, chunk);
	pthread_mutex_unlock(&stage->store->lock);
	if (result != STORE_STAGE_OK)
		free(chunk);
	return result;
}

void stage_fail(struct store_stage *stage, enum store_status status)
{
	pthread_mutex_lock(&stage->store->lock);
	if (stage->failure == STORE_OK)
		stage->failure = status;
	pthread_mutex_unlock(&stage->store->lock);
}

uint64_t store_stage_id(const struct store_stage *stage)
{
	return stage->blob_id;
}

enum store_status store_stage_failure(const struct store_stage *stage)
{
	enum store_status failure;

	pthread_mutex_lock(&stage->store->lock);
	failure = stage->failure;
	pthread_mutex_unlock(&stage->store->lock);
	return failure;
}

/* The owner's reference goes to the list of the abandoned, and with it to the committer, which dooms the blob. */
void store_stage_free(struct store_stage *stage)
{
	struct store *store;
	struct store_stage **link;

	if (!stage)
		return;
	store = stage->store;
	pthread_mutex_lock(&store->lock);
	stage->abandoned = true;
	for (link = &store->waiting; stage->waiting && *link; link = &(*link)->next_waiting) {
		if (*link == stage) {
			*link = stage->next_waiting;
			stage->waiting = false;
			stage->references--;
			break;
		}
	}
	stage->next_waiting = store->abandoned;
	store->abandoned = stage;
	pthread_cond_signal(&store->work);
	pthread_mutex_unlock(&store->lock);
}
