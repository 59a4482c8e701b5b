#include "tests/faults/fault_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/core/audit.h"
#include "server/core/clock.h"
#include "server/core/inflight.h"
#include "server/core/record.h"

enum { TRIES_AFTER = 3 };

struct request {
	struct store_job job; /* first */
	struct fault_run *run;
	struct record_writer *writer;
	struct record_delete deletion;
	enum deed deed;
	int slot;
	enum core_status result;
	enum store_status outcome;
	_Atomic bool over;
};

static enum store_status request_apply(struct store_job *job, struct store_txn *txn)
{
	struct request *r = (struct request *)job;
	struct fault_run *run = r->run;
	struct audit_event event = {.time_ms = clock_unix_ms(), .action = AUDIT_RECORD_CREATE, .outcome = 201};
	enum store_status status;

	status = r->deed == DEED_DELETE ? record_delete_apply(&r->deletion, txn, &r->result)
					: record_writer_apply(r->writer, txn, &r->result);
	if (status != STORE_OK)
		return status;
	if (r->deed == DEED_CREATE && (r->result == CORE_OK || r->result == CORE_REPLAY)) {
		memcpy(run->ledger->slots[r->slot].id, record_writer_info(r->writer)->record_id, 16);
		run->ledger->slots[r->slot].named = true;
	}
	return audit_append(&run->fixture.vault, txn, &event);
}

static void request_settled(struct store_job *job, bool committed)
{
	audit_settled(&((struct request *)job)->run->fixture.vault, committed);
}

static void request_done(struct store_job *job, enum store_status outcome)
{
	struct request *r = (struct request *)job;

	r->outcome = outcome;
	r->over = true;
}

static void never_full(void *arg)
{
	(void)arg;
}

/* Everything before the committer's part; false when that much already failed, and so nothing was written. */
static bool prepare(struct request *r, uint64_t version, size_t size)
{
	struct fault_run *run = r->run;
	const struct slot *s = &run->ledger->slots[r->slot];
	char key[16];
	struct record_write_options options = {
		.inflight = run->inflight,
		.principal = &run->fixture.principal,
		.media_type = "text/plain",
		.labels = "",
		.record_id = r->deed == DEED_REPLACE ? s->id : NULL,
		.if_version = version,
		.idempotency_key = r->deed == DEED_CREATE ? key : NULL,
		.route = "fault",
		.wake = never_full,
	};
	uint8_t *bytes = malloc(size);
	size_t used = 0;
	bool full = false, good;

	fault_run_must(bytes != NULL, "malloc");
	snprintf(key, sizeof(key), "key %d", r->slot);
	fault_run_fill(r->slot, version + 1, bytes, size);
	good = record_writer_new(&run->fixture.vault, &options, &r->writer) == CORE_OK &&
	       record_writer_put(r->writer, bytes, size, &used) == CORE_OK && used == size &&
	       record_writer_finish(r->writer, &full) == CORE_OK && !full;
	free(bytes);
	return good;
}

static void request_init(struct request *r, struct fault_run *run, enum deed deed, int slot)
{
	*r = (struct request){
		.job = {.apply = request_apply, .settled = request_settled, .done = request_done},
		.run = run,
		.deed = deed,
		.slot = slot,
		.deletion = {.vault = &run->fixture.vault, .principal = run->fixture.principal},
	};
	memcpy(r->deletion.record_id, run->ledger->slots[slot].id, 16);
}

/* What the answer says goes into the ledger. */
static void account(struct request *r)
{
	struct fault_run *run = r->run;
	struct slot *s = &run->ledger->slots[r->slot];

	record_writer_free(r->writer);
	if (run->verbose)
		fprintf(stderr, "  record %d, deed %d: %s, result %d\n", r->slot, (int)r->deed,
			store_status_text(r->outcome), (int)r->result);
	if (r->outcome == STORE_UNKNOWN) {
		run->ledger->unknown++;
		return;
	}
	if (r->outcome != STORE_OK) {
		s->unsure = DEED_NONE;
		run->ledger->refused++;
		return;
	}
	if (r->result != CORE_OK && r->result != CORE_REPLAY) {
		fault_run_broken(run, "a request that is right was refused", r->slot, r->result);
		return;
	}
	run->ledger->acknowledged++;
	s->deleted = r->deed == DEED_DELETE;
	s->version = r->deed == DEED_CREATE ? 1 : s->version + 1;
	s->unsure = DEED_NONE;
}

/* A row of the workload: requests with the same `batch` are queued together. */
struct step {
	int batch;
	enum deed deed;
	int slot;
	size_t size;
};

static const struct step WORK[] = {
	{1, DEED_CREATE, 0, FAULT_SMALL},
	{2, DEED_CREATE, 1, FAULT_LARGE},
	{3, DEED_REPLACE, 0, FAULT_SMALL},
	{4, DEED_REPLACE, 1, FAULT_LARGE},
	{5, DEED_CREATE, 2, FAULT_SMALL},
	{5, DEED_CREATE, 3, FAULT_LARGE},
	{5, DEED_CREATE, 4, FAULT_SMALL},
	{6, DEED_DELETE, 0, 0},
	{7, DEED_NONE, 0, 0},
	{8, DEED_CREATE, 5, FAULT_SMALL},
	{9, DEED_DELETE, 1, 0},
	{10, DEED_REPLACE, 2, FAULT_SMALL},
	{10, DEED_DELETE, 3, 0},
	{10, DEED_REPLACE, 4, FAULT_SMALL},
};

static const struct step WORK_AFTER[] = {{1, DEED_CREATE, 6, FAULT_SMALL}, {2, DEED_CREATE, 7, FAULT_LARGE}};

/* False when the record cannot be worked on: it is not there, or not surely. */
static bool begin(struct fault_run *run, struct request *r, const struct step *step)
{
	struct slot *s = &run->ledger->slots[step->slot];

	if (s->unsure != DEED_NONE || s->deleted || (step->deed == DEED_CREATE) != (s->version == 0))
		return false;
	s->size = step->deed == DEED_DELETE ? s->size : step->size;
	request_init(r, run, step->deed, step->slot);
	if (step->deed != DEED_DELETE && !prepare(r, s->version, step->size)) {
		record_writer_free(r->writer);
		run->ledger->refused++;
		return false;
	}
	s->unsure = step->deed;
	return true;
}

static void run_batch(struct fault_run *run, const struct step *steps, size_t count)
{
	struct request requests[4];
	bool begun[4] = {false};

	for (size_t i = 0; i < count; i++) {
		begun[i] = begin(run, &requests[i], &steps[i]);
		if (begun[i])
			fault_run_must(store_submit(run->fixture.vault.store, &requests[i].job) == STORE_OK, "submit");
	}
	for (size_t i = 0; i < count; i++) {
		while (begun[i] && !requests[i].over)
			usleep(50);
		if (begun[i])
			account(&requests[i]);
	}
}

static void run_steps(struct fault_run *run, const struct step *steps, size_t count, bool until_hit)
{
	for (size_t i = 0, n; i < count && !(until_hit && run->ledger->hit); i += n) {
		for (n = 1; i + n < count && steps[i + n].batch == steps[i].batch; n++)
			continue;
		if (steps[i].deed == DEED_NONE) {
			if (store_checkpoint_truncate(run->fixture.vault.store) != STORE_OK)
				run->ledger->refused++;
			continue;
		}
		run_batch(run, steps + i, n);
	}
}

/* Work that must succeed again without a restart. */
static void work_after(struct fault_run *run)
{
	const struct slot *slots = run->ledger->slots;

	for (int i = 0; i < TRIES_AFTER && slots[7].version == 0; i++)
		run_steps(run, WORK_AFTER, sizeof(WORK_AFTER) / sizeof(WORK_AFTER[0]), false);
	if (slots[6].version == 0 || slots[7].version == 0)
		fault_run_broken(run, "after the fault writes still fail", 7, 0);
}

int fault_work_run(struct fault_run *run, const struct fault_plan *plan, enum fault_ending ending)
{
	struct store_view *view = NULL;
	bool opened;

	fault_vfs_arm(plan);
	opened = fault_run_open(run);
	/* As the server's loops do: a reader that stays. Without it the reopened database would be recovered. */
	if (opened && plan->seed * 0x9e3779b97f4a7c15u >> 63 == 0 &&
	    store_view_new(run->fixture.vault.store, &view) != STORE_OK)
		view = NULL;
	if (opened)
		run_steps(run, WORK, sizeof(WORK) / sizeof(WORK[0]), ending == FAULT_THEN_KILL);
	/* What a failed sync should have written may be found by the next opening: an outcome that nobody knew. */
	if (ending == FAULT_THEN_KILL)
		_exit(FAULT_EXIT);
	fault_vfs_disarm();
	if (opened)
		work_after(run);
	if (ending == FAULT_THEN_CUT)
		fault_vfs_cut();
	store_view_free(view);
	fault_run_close(run);
	inflight_free(run->inflight);
	return 0;
}

enum core_status fault_work_create_again(struct fault_run *run, int slot)
{
	struct request r;

	request_init(&r, run, DEED_CREATE, slot);
	fault_run_must(prepare(&r, 0, run->ledger->slots[slot].size), "prepare");
	fault_run_must(store_run(run->fixture.vault.store, &r.job) == STORE_OK, "a write after the accident");
	record_writer_free(r.writer);
	return r.result;
}
