#include "server/core/check_index.h"

#include <inttypes.h>
#include <stdlib.h>

#include "server/core/audit_index.h"

/* What a block of events should have in the index: how many entries, and a sum over them in any order. */
struct block {
	uint32_t events, entries;
	uint64_t sum;
};

struct check_index {
	struct block *blocks;
	size_t count, cap;
	bool failed; /* memory */
};

struct check_index *check_index_new(void)
{
	return calloc(1, sizeof(struct check_index));
}

void check_index_free(struct check_index *index)
{
	if (!index)
		return;
	free(index->blocks);
	free(index);
}

/* Pages have MACs: this is to find what was made wrongly, not who means harm. */
static uint64_t weigh(const struct audit_entry *entry)
{
	uint64_t tag = 0;

	for (int i = 0; i < 8; i++)
		tag = tag << 8 | entry->b[i];
	return tag * UINT64_C(0x9e3779b97f4a7c15) + audit_index_sequence(entry->b) * UINT64_C(0xc2b2ae3d27d4eb4f);
}

static struct block *block_of(struct check_index *index, uint64_t sequence)
{
	const size_t number = (size_t)((sequence - 1) / AUDIT_INDEX_BLOCK);

	if (number >= index->cap) {
		const size_t cap = number + 1 > 2 * index->cap ? number + 64 : 2 * index->cap;
		struct block *blocks = reallocarray(index->blocks, cap, sizeof(*blocks));

		index->failed = !blocks;
		if (!blocks)
			return NULL;
		index->blocks = blocks;
		index->cap = cap;
	}
	for (; index->count <= number; index->count++)
		index->blocks[index->count] = (struct block){0};
	return &index->blocks[number];
}

void check_index_event(struct check_index *index, uint64_t sequence, const struct audit_event *event)
{
	struct audit_entry entries[2];
	const size_t count = audit_index_entries(sequence, event, entries);
	struct block *block = index->failed ? NULL : block_of(index, sequence);

	if (!block)
		return;
	block->events++;
	block->entries += (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		block->sum += weigh(&entries[i]);
}

static void add_entries(void *arg, const struct audit_entry *entries, size_t count)
{
	struct block *block = arg;

	block->entries += (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		block->sum += weigh(&entries[i]);
}

/* False when some of the run's events did not verify, or were written since: nothing can be said of it. */
static bool expected(const struct check_index *index, const struct store_audit_run *run, struct block *ret_block)
{
	struct block sum = {0};

	for (uint64_t n = (run->first - 1) / AUDIT_INDEX_BLOCK; n < run->last / AUDIT_INDEX_BLOCK; n++) {
		if (n >= index->count || index->blocks[n].events != AUDIT_INDEX_BLOCK)
			return false;
		sum.entries += index->blocks[n].entries;
		sum.sum += index->blocks[n].sum;
	}
	*ret_block = sum;
	return true;
}

/* What is wrong with a run; NULL: nothing. */
static const char *compare(const struct check_index *index, const struct vault *vault, struct store_view *view,
			   const struct store_audit_run *run, uint64_t after, enum core_status *ret_status)
{
	struct block wanted, found = {0};

	if (!audit_index_run_good(vault, run))
		return "its row was altered";
	if (run->first != after + 1 || (run->first - 1) % AUDIT_INDEX_BLOCK != 0)
		return "a run before it is missing";
	*ret_status = audit_index_walk(view, vault, run, add_entries, &found);
	if (*ret_status == CORE_DAMAGED) {
		*ret_status = CORE_OK;
		return "its pages were altered or removed";
	}
	if (*ret_status != CORE_OK || !expected(index, run, &wanted) ||
	    (found.entries == wanted.entries && found.sum == wanted.sum))
		return NULL;
	return "it does not tell of the events that there are";
}

enum core_status check_index_compare(struct check_index *index, const struct vault *vault, struct store_view *view,
				     FILE *report, uint64_t *faults)
{
	struct store_audit_run run = {.last = 0};
	enum core_status status = index->failed ? CORE_NOMEM : CORE_OK;

	while (status == CORE_OK) {
		const uint64_t after = run.last;
		enum store_status found = store_view_begin(view);
		const char *wrong = NULL;

		if (found != STORE_OK)
			return core_from_store(found);
		found = store_audit_run_from(view, after + 1, &run);
		if (found == STORE_OK)
			wrong = compare(index, vault, view, &run, after, &status);
		store_view_end(view);
		if (found != STORE_OK)
			return found == STORE_NOT_FOUND ? CORE_OK : core_from_store(found);
		if (wrong) {
			fprintf(report, "audit index: events %" PRIu64 " to %" PRIu64 ": %s\n", run.first, run.last,
				wrong);
			++*faults;
		}
	}
	return status;
}
