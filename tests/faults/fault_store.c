/*
 * fault_store: runs a workload of records over a VFS that fails, kills or cuts the power at its n-th write, sync or
 * truncate, for n = 0, 1, 2, … until the workload ends before the fault. After each accident the store is opened
 * without faults, and must keep what it promised: what was acknowledged is there and whole, what was refused is not,
 * what is deleted stays deleted, an Idempotency-Key is answered as before, the audit chain verifies.
 *
 * fault_store [--stride N] [--from N] [--mode NAME] [--at N] [--no-sync] [--verbose]
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/core/audit.h"
#include "server/core/clock.h"
#include "server/core/inflight.h"
#include "server/core/record.h"
#include "tests/faults/fault_vfs.h"
#include "tests/unit/support/fixture.h"

enum { SMALL = 100, LARGE = 2 * 65536 + 100, SLOTS = 8, TRIES_AFTER = 3, RUN_SECONDS = 30 };

/* Accidents, each tried at every n. */
static const struct mode {
	const char *name;
	enum fault_kind kind;
	bool lasting;
	enum fault_keep keep;
	bool then_cut;	/* after the workload the power fails */
	bool then_kill; /* the process ends when the request that met the fault is answered */
} MODES[] = {
	{.name = "eio-once", .kind = FAULT_EIO},
	{.name = "eio-lasting", .kind = FAULT_EIO, .lasting = true},
	{.name = "full-once", .kind = FAULT_FULL},
	{.name = "full-lasting", .kind = FAULT_FULL, .lasting = true},
	{.name = "kill", .kind = FAULT_KILL},
	{.name = "tear", .kind = FAULT_TEAR},
	{.name = "cut-none", .kind = FAULT_CUT, .keep = FAULT_KEEP_NONE},
	{.name = "cut-some", .kind = FAULT_CUT, .keep = FAULT_KEEP_SOME},
	{.name = "cut-all", .kind = FAULT_CUT, .keep = FAULT_KEEP_ALL},
	{.name = "eio-then-kill", .kind = FAULT_EIO, .then_kill = true},
	{.name = "eio-then-cut", .kind = FAULT_EIO, .then_cut = true, .keep = FAULT_KEEP_NONE},
	{.name = "eio-then-cut-some", .kind = FAULT_EIO, .then_cut = true, .keep = FAULT_KEEP_SOME},
};

enum deed { DEED_NONE, DEED_CREATE, DEED_REPLACE, DEED_DELETE };

/*
 * What is known of one record. `unsure` is set before a request and cleared by an answer that says what happened;
 * while it is set both outcomes are right.
 */
struct slot {
	uint8_t id[16];
	bool named; /* `id` is known */
	size_t size;
	uint64_t version; /* acknowledged; 0: none */
	bool deleted;
	enum deed unsure;
};

/* Shared by the process that has the accident and the one that looks afterwards. */
struct ledger {
	struct slot slots[SLOTS];
	bool hit;
	bool finished;
	uint64_t acknowledged;
	uint64_t unknown;
	uint64_t refused;
	char broken[256];
};

static struct fixture f;
static struct ledger *ledger;
static struct inflight *inflight;
static char database[128];
static bool verbose;

static void broken(const char *text, int slot, unsigned detail)
{
	if (!ledger->broken[0])
		snprintf(ledger->broken, sizeof(ledger->broken), "%s (record %d, %u)", text, slot, detail);
}

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fault_store: %s\n", what);
	exit(2);
}

/* ---- requests -----------------------------------------------------------------------------------------------------
 */

static void fill(int slot, uint64_t version, uint8_t *ret_bytes, size_t size)
{
	uint32_t x = (uint32_t)slot * 1000 + (uint32_t)version + 1;

	for (size_t i = 0; i < size; i++) {
		x = x * 1664525u + 1013904223u;
		ret_bytes[i] = (uint8_t)(x >> 24);
	}
}

struct request {
	struct store_job job; /* first */
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
	struct audit_event event = {.time_ms = clock_unix_ms(), .action = AUDIT_RECORD_CREATE, .outcome = 201};
	enum store_status status;

	status = r->deed == DEED_DELETE ? record_delete_apply(&r->deletion, txn, &r->result)
					: record_writer_apply(r->writer, txn, &r->result);
	if (status != STORE_OK)
		return status;
	if (r->deed == DEED_CREATE && (r->result == CORE_OK || r->result == CORE_REPLAY)) {
		memcpy(ledger->slots[r->slot].id, record_writer_info(r->writer)->record_id, 16);
		ledger->slots[r->slot].named = true;
	}
	return audit_append(&f.vault, txn, &event);
}

static void request_settled(struct store_job *job, bool committed)
{
	(void)job;
	audit_settled(&f.vault, committed);
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
static bool prepare(struct request *r, int slot, enum deed deed, uint64_t version, size_t size)
{
	struct slot *s = &ledger->slots[slot];
	char key[16];
	struct record_write_options options = {
		.inflight = inflight,
		.principal = &f.principal,
		.media_type = "text/plain",
		.labels = "",
		.record_id = deed == DEED_REPLACE ? s->id : NULL,
		.if_version = version,
		.idempotency_key = deed == DEED_CREATE ? key : NULL,
		.route = "fault",
		.wake = never_full,
	};
	uint8_t *bytes = malloc(size);
	size_t used = 0;
	bool full = false, good;

	must(bytes != NULL, "malloc");
	*r = (struct request){.job = {.apply = request_apply, .settled = request_settled, .done = request_done},
			      .deed = deed,
			      .slot = slot};
	snprintf(key, sizeof(key), "key %d", slot);
	fill(slot, version + 1, bytes, size);
	good = record_writer_new(&f.vault, &options, &r->writer) == CORE_OK &&
	       record_writer_put(r->writer, bytes, size, &used) == CORE_OK && used == size &&
	       record_writer_finish(r->writer, &full) == CORE_OK && !full;
	free(bytes);
	return good;
}

static void prepare_delete(struct request *r, int slot)
{
	*r = (struct request){.job = {.apply = request_apply, .settled = request_settled, .done = request_done},
			      .deed = DEED_DELETE,
			      .slot = slot,
			      .deletion = {.vault = &f.vault, .principal = f.principal}};
	memcpy(r->deletion.record_id, ledger->slots[slot].id, 16);
}

/* What the answer says goes into the ledger. */
static void account(struct request *r)
{
	struct slot *s = &ledger->slots[r->slot];

	record_writer_free(r->writer);
	if (verbose)
		fprintf(stderr, "  record %d, deed %d: %s, result %d\n", r->slot, (int)r->deed,
			store_status_text(r->outcome), (int)r->result);
	if (r->outcome == STORE_UNKNOWN) {
		ledger->unknown++;
		return;
	}
	s->unsure = DEED_NONE;
	if (r->outcome != STORE_OK) {
		ledger->refused++;
		return;
	}
	if (r->result != CORE_OK && r->result != CORE_REPLAY) {
		broken("a request that is right was refused", r->slot, r->result);
		return;
	}
	ledger->acknowledged++;
	s->deleted = r->deed == DEED_DELETE;
	s->version = r->deed == DEED_CREATE ? 1 : s->version + 1;
}

/* A row of the workload: requests with the same `batch` are queued together. */
struct step {
	int batch;
	enum deed deed;
	int slot;
	size_t size;
};

static const struct step WORK[] = {
	{1, DEED_CREATE, 0, SMALL},  {2, DEED_CREATE, 1, LARGE},   {3, DEED_REPLACE, 0, SMALL},
	{4, DEED_REPLACE, 1, LARGE}, {5, DEED_CREATE, 2, SMALL},   {5, DEED_CREATE, 3, LARGE},
	{5, DEED_CREATE, 4, SMALL},  {6, DEED_DELETE, 0, 0},	   {7, DEED_NONE, 0, 0},
	{8, DEED_CREATE, 5, SMALL},  {9, DEED_DELETE, 1, 0},	   {10, DEED_REPLACE, 2, SMALL},
	{10, DEED_DELETE, 3, 0},     {10, DEED_REPLACE, 4, SMALL},
};

static const struct step WORK_AFTER[] = {{1, DEED_CREATE, 6, SMALL}, {2, DEED_CREATE, 7, LARGE}};

/* False when the record cannot be worked on: it is not there, or not surely. */
static bool begin(struct request *r, const struct step *step)
{
	struct slot *s = &ledger->slots[step->slot];

	if (s->unsure != DEED_NONE || s->deleted || (step->deed == DEED_CREATE) != (s->version == 0))
		return false;
	s->size = step->deed == DEED_DELETE ? s->size : step->size;
	if (step->deed == DEED_DELETE) {
		prepare_delete(r, step->slot);
	} else if (!prepare(r, step->slot, step->deed, s->version, step->size)) {
		record_writer_free(r->writer);
		ledger->refused++;
		return false;
	}
	s->unsure = step->deed;
	return true;
}

static void run_batch(const struct step *steps, size_t count)
{
	struct request requests[4];
	bool begun[4] = {false};

	for (size_t i = 0; i < count; i++) {
		begun[i] = begin(&requests[i], &steps[i]);
		if (begun[i])
			must(store_submit(f.vault.store, &requests[i].job) == STORE_OK, "submit");
	}
	for (size_t i = 0; i < count; i++) {
		while (begun[i] && !requests[i].over)
			usleep(50);
		if (begun[i])
			account(&requests[i]);
	}
}

static void run_steps(const struct step *steps, size_t count, bool until_hit)
{
	for (size_t i = 0, n; i < count && !(until_hit && ledger->hit); i += n) {
		for (n = 1; i + n < count && steps[i + n].batch == steps[i].batch; n++)
			continue;
		if (steps[i].deed == DEED_NONE) {
			if (store_checkpoint_truncate(f.vault.store) != STORE_OK)
				ledger->refused++;
			continue;
		}
		run_batch(steps + i, n);
	}
}

/* ---- opening ------------------------------------------------------------------------------------------------------
 */

static bool open_vault(void)
{
	struct store_options options = {.path = database, .queue_depth = 1024, .stage_bytes = 1 << 20};
	struct store_view *view = NULL;
	bool good;

	f.vault.store = NULL;
	if (store_open(&options, &f.vault.store) != STORE_OK)
		return false;
	good = store_view_new(f.vault.store, &view) == STORE_OK &&
	       audit_chain_new(view, &f.vault, &f.vault.chain) == CORE_OK;
	store_view_free(view);
	return good;
}

static void close_vault(void)
{
	store_close(f.vault.store);
	audit_chain_free(f.vault.chain);
	f.vault.store = NULL;
	f.vault.chain = NULL;
}

/* The accident's process: the work, then, when it survives, work that must succeed again without a restart. */
static int have_accident(const struct mode *mode, const struct fault_plan *plan)
{
	struct store_view *view = NULL;
	bool opened;

	alarm(RUN_SECONDS);
	fault_vfs_arm(plan);
	opened = open_vault();
	/* As the server's loops do: a reader that stays. Without it the reopened database would be recovered. */
	if (opened && plan->seed * 0x9e3779b97f4a7c15u >> 63 == 0 && store_view_new(f.vault.store, &view) != STORE_OK)
		view = NULL;
	if (opened)
		run_steps(WORK, sizeof(WORK) / sizeof(WORK[0]), mode->then_kill);
	/* What a failed sync should have written may be found by the next opening: an outcome that nobody knew. */
	if (mode->then_kill)
		_exit(FAULT_EXIT);
	fault_vfs_disarm();
	for (int i = 0; opened && i < TRIES_AFTER && ledger->slots[7].version == 0; i++)
		run_steps(WORK_AFTER, sizeof(WORK_AFTER) / sizeof(WORK_AFTER[0]), false);
	if (opened && (ledger->slots[6].version == 0 || ledger->slots[7].version == 0))
		broken("after the fault writes still fail", 7, 0);
	ledger->finished = true;
	if (mode->then_cut)
		fault_vfs_cut();
	store_view_free(view);
	close_vault();
	inflight_free(inflight);
	return 0;
}

/* ---- looking afterwards -------------------------------------------------------------------------------------------
 */

/* Whether the record has exactly this version as its latest, whole. */
static bool has_version(struct store_view *view, int slot, uint64_t version, bool *ret_whole)
{
	const struct slot *s = &ledger->slots[slot];
	struct record_reader *reader = NULL;
	uint8_t *bytes = malloc(LARGE), *back = malloc(LARGE);
	size_t at = 0, n;
	bool found;

	must(bytes && back, "malloc");
	*ret_whole = false;
	found = record_reader_new(&f.vault, view, &f.principal, s->id, 0, &reader) == CORE_OK &&
		record_reader_info(reader)->version == version;
	if (found && record_reader_unlock(reader) == CORE_OK && record_reader_info(reader)->size == s->size) {
		while (at < s->size && (n = record_reader_get(reader, view, at, back + at, s->size - at)) > 0)
			at += n;
		fill(slot, version, bytes, s->size);
		*ret_whole = at == s->size && memcmp(bytes, back, at) == 0;
	}
	record_reader_free(reader);
	free(bytes);
	free(back);
	return found;
}

static enum core_status look(struct store_view *view, const uint8_t id[static 16])
{
	struct store_version *row = NULL;
	enum core_status status = record_lookup(&f.vault, view, &f.principal, id, &row);

	free(row);
	return status;
}

static void check_slot(struct store_view *view, int slot)
{
	struct slot *s = &ledger->slots[slot];
	enum core_status status = s->named ? look(view, s->id) : CORE_NOT_FOUND;
	uint64_t version = s->version;
	bool whole;

	if (s->unsure == DEED_CREATE && status == CORE_OK)
		version = 1;
	if (s->unsure == DEED_REPLACE && status == CORE_OK && has_version(view, slot, version + 1, &whole))
		version++;
	if (s->deleted || (s->unsure == DEED_DELETE && status == CORE_GONE)) {
		if (status != CORE_GONE)
			broken("a deleted record is back", slot, status);
	} else if (version == 0) {
		if (status != CORE_NOT_FOUND)
			broken("a record whose creation was refused is there", slot, status);
	} else if (status != CORE_OK) {
		broken("an acknowledged record is lost", slot, status);
	} else if (!has_version(view, slot, version, &whole)) {
		broken("a record has another version", slot, (unsigned)version);
	} else if (!whole) {
		broken("a record is torn", slot, (unsigned)version);
	}
}

/* The same key and body again: the first answer where there was one, else a new record. */
static void check_key(int slot)
{
	struct slot *s = &ledger->slots[slot], before = *s;
	struct request r;
	bool was_there = s->version >= 1;

	if (s->size == 0 || (s->version == 0 && s->unsure != DEED_CREATE))
		return;
	/* The body of the first version, as long as it was then. */
	must(prepare(&r, slot, DEED_CREATE, 0, s->size), "prepare");
	must(store_run(f.vault.store, &r.job) == STORE_OK, "a write after the accident");
	record_writer_free(r.writer);
	if (r.result != CORE_REPLAY && (was_there || r.result != CORE_OK))
		broken("an Idempotency-Key is answered anew", slot, r.result);
	if (was_there && memcmp(before.id, s->id, 16) != 0)
		broken("an Idempotency-Key is answered with another record", slot, 0);
}

static bool count_row(void *arg, const struct store_version *row)
{
	(void)row;
	++*(unsigned *)arg;
	return true;
}

/* No record is there that nobody wrote. */
static void check_count(struct store_view *view)
{
	unsigned found = 0, least = 0, most = 0;

	must(store_record_list(view, f.principal.account_id, NULL, 1000, count_row, &found) == STORE_OK, "list");
	for (int i = 0; i < SLOTS; i++) {
		const struct slot *s = &ledger->slots[i];
		bool there = s->version > 0 && !s->deleted;

		least += there && s->unsure != DEED_DELETE;
		most += there || s->unsure == DEED_CREATE;
	}
	if (found < least || found > most)
		broken("the number of records is wrong", -1, found);
}

static void check_audit(struct store_view *view)
{
	uint64_t count = 0;
	bool good = false;

	if (audit_verify(view, &f.vault, stderr, NULL, NULL, &count, &good) != CORE_OK || !good)
		broken("the audit chain does not verify", -1, (unsigned)count);
	if (count < ledger->acknowledged)
		broken("audit events of acknowledged requests are lost", -1, (unsigned)count);
}

static int is_ok(void *arg, int columns, char **values, char **names)
{
	(void)columns;
	(void)names;
	*(bool *)arg = values[0] && strcmp(values[0], "ok") == 0;
	return 0;
}

static void check_integrity(void)
{
	sqlite3 *db = NULL;
	bool good = false;

	if (sqlite3_open(database, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA integrity_check", is_ok, &good, NULL) != SQLITE_OK || !good)
		broken("SQLite finds the database damaged", -1, 0);
	sqlite3_close(db);
}

static int look_afterwards(void)
{
	struct store_view *view = NULL;

	alarm(RUN_SECONDS);
	if (!open_vault()) {
		broken("the store does not open", -1, 0);
		return 0;
	}
	must(store_view_new(f.vault.store, &view) == STORE_OK, "view");
	for (int i = 0; i < SLOTS; i++)
		check_slot(view, i);
	check_audit(view);
	check_count(view);
	check_integrity();
	for (int i = 0; i < SLOTS; i++)
		check_key(i);
	store_view_free(view);
	close_vault();
	inflight_free(inflight);
	return 0;
}

/* ---- n = 0, 1, 2, … -----------------------------------------------------------------------------------------------
 */

static void copy_template(void)
{
	char command[512];
	uint8_t page[8192];
	FILE *from = fopen(f.path, "rb"), *to = fopen(database, "wb");
	size_t got;

	must(from && to, "the template");
	while ((got = fread(page, 1, sizeof(page), from)) > 0)
		must(fwrite(page, 1, got, to) == got, "copy");
	fclose(from);
	must(fclose(to) == 0, "copy");
	for (int i = 0; i < 2; i++) {
		snprintf(command, sizeof(command), "%s%s", database, i == 0 ? "-wal" : "-shm");
		unlink(command);
	}
}

/* The exit status of a process that runs one of the two. */
static int in_child(const struct mode *mode, const struct fault_plan *plan)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	must(child >= 0, "fork");
	if (child == 0)
		exit(plan ? have_accident(mode, plan) : look_afterwards());
	must(waitpid(child, &status, 0) == child, "waitpid");
	if (WIFSIGNALED(status))
		snprintf(ledger->broken, sizeof(ledger->broken), "%s ended by signal %d",
			 plan ? "the store" : "the check", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* False when a promise was broken. *ret_hit: the workload was long enough for the fault to happen. */
static bool try_at(const struct mode *mode, uint64_t at, bool no_sync, bool *ret_hit)
{
	struct fault_plan plan = {.kind = mode->kind,
				  .lasting = mode->lasting,
				  .at = at,
				  .seed = at,
				  .keep = mode->keep,
				  .no_sync = no_sync,
				  .hit = &ledger->hit};
	int status;

	memset(ledger, 0, sizeof(*ledger));
	copy_template();
	status = in_child(mode, &plan);
	if (!ledger->broken[0] && status != 0 && status != FAULT_EXIT)
		broken("the store's process ended badly", -1, (unsigned)status);
	if (!ledger->broken[0] && in_child(NULL, NULL) != 0 && !ledger->broken[0])
		broken("the check ended badly", -1, 0);
	*ret_hit = ledger->hit;
	if (verbose)
		fprintf(stderr, "  %" PRIu64 " acknowledged, %" PRIu64 " unknown, %" PRIu64 " refused\n",
			ledger->acknowledged, ledger->unknown, ledger->refused);
	if (!ledger->broken[0])
		return true;
	printf("FAILED --mode %s --at %" PRIu64 "%s: %s\n", mode->name, at, no_sync ? " --no-sync" : "",
	       ledger->broken);
	return false;
}

struct options {
	const char *mode;
	uint64_t stride, from, at;
	bool one, no_sync;
};

static bool run_mode(const struct mode *mode, const struct options *options)
{
	uint64_t runs = 0, failed = 0, unknown = 0;
	uint64_t at = options->one ? options->at : options->from;

	for (bool hit = true; hit; at += options->stride) {
		failed += !try_at(mode, at, options->no_sync, &hit);
		runs++;
		unknown += ledger->unknown;
		if (options->one)
			break;
	}
	printf("%-18s %4" PRIu64 " runs, last n %" PRIu64 ", %" PRIu64 " outcomes unknown, %" PRIu64 " failed\n",
	       mode->name, runs, options->one ? at : at - options->stride, unknown, failed);
	fflush(stdout);
	return failed == 0;
}

static void make_template(void)
{
	fixture_open(&f);
	close_vault();
	snprintf(database, sizeof(database), "%s/run.db", f.dir);
	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(ledger != MAP_FAILED, "mmap");
	inflight = inflight_new();
	must(inflight != NULL, "inflight");
}

static bool parse(int argc, char **argv, struct options *ret_options)
{
	static const struct option OPTIONS[] = {
		{"stride", required_argument, NULL, 's'},
		{"from", required_argument, NULL, 'f'},
		{"mode", required_argument, NULL, 'm'},
		{"at", required_argument, NULL, 'a'},
		{"no-sync", no_argument, NULL, 'n'},
		{"verbose", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};

	*ret_options = (struct options){.stride = 1};
	for (int c; (c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
		switch (c) {
		case 's':
			ret_options->stride = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			ret_options->from = strtoull(optarg, NULL, 10);
			break;
		case 'm':
			ret_options->mode = optarg;
			break;
		case 'a':
			ret_options->at = strtoull(optarg, NULL, 10);
			ret_options->one = true;
			break;
		case 'n':
			ret_options->no_sync = true;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc && ret_options->stride > 0;
}

int main(int argc, char **argv)
{
	struct options options;
	bool good = true, any = false;

	if (!parse(argc, argv, &options)) {
		fputs("usage: fault_store [--stride N] [--from N] [--mode NAME] [--at N] [--no-sync] [--verbose]\n",
		      stderr);
		return 2;
	}
	fault_vfs_install();
	make_template();
	for (size_t i = 0; i < sizeof(MODES) / sizeof(MODES[0]); i++) {
		if (options.mode && strcmp(options.mode, MODES[i].name) != 0)
			continue;
		any = true;
		good = run_mode(&MODES[i], &options) && good;
	}
	fixture_free_keys(&f);
	inflight_free(inflight);
	fixture_remove(f.dir);
	must(any, "no such mode");
	return good ? 0 : 1;
}
