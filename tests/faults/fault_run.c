#include "tests/faults/fault_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/core/audit.h"
#include "server/core/inflight.h"

void fault_run_broken(struct fault_run *run, const char *text, int slot, unsigned detail)
{
	if (!run->ledger->broken[0])
		snprintf(run->ledger->broken, sizeof(run->ledger->broken), "%s (record %d, %u)", text, slot, detail);
}

void fault_run_must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fault_store: %s\n", what);
	exit(2);
}

void fault_run_fill(int slot, uint64_t version, uint8_t *ret_bytes, size_t size)
{
	uint32_t x = (uint32_t)slot * 1000 + (uint32_t)version + 1;

	for (size_t i = 0; i < size; i++) {
		x = x * 1664525u + 1013904223u;
		ret_bytes[i] = (uint8_t)(x >> 24);
	}
}

bool fault_run_open(struct fault_run *run)
{
	struct store_options options = {.path = run->database, .queue_depth = 1024, .stage_bytes = 1 << 20};
	struct store_view *view = NULL;
	bool good;

	run->fixture.vault.store = NULL;
	if (store_open(&options, &run->fixture.vault.store) != STORE_OK)
		return false;
	good = store_view_new(run->fixture.vault.store, &view) == STORE_OK &&
	       audit_chain_new(view, &run->fixture.vault, &run->fixture.vault.chain) == CORE_OK;
	store_view_free(view);
	return good;
}

void fault_run_close(struct fault_run *run)
{
	store_close(run->fixture.vault.store);
	audit_chain_free(run->fixture.vault.chain);
	run->fixture.vault.store = NULL;
	run->fixture.vault.chain = NULL;
}

static void copy_template(const struct fault_run *run)
{
	static const char *const LOGS[] = {"-wal", "-shm"};
	char name[160];
	uint8_t page[8192];
	FILE *from = fopen(run->fixture.path, "rb"), *to = fopen(run->database, "wb");
	size_t got;

	fault_run_must(from && to, "the template");
	while ((got = fread(page, 1, sizeof(page), from)) > 0)
		fault_run_must(fwrite(page, 1, got, to) == got, "copy");
	fclose(from);
	fault_run_must(fclose(to) == 0, "copy");
	for (size_t i = 0; i < sizeof(LOGS) / sizeof(LOGS[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", run->database, LOGS[i]);
		unlink(name);
	}
}

void fault_run_reset(struct fault_run *run)
{
	memset(run->ledger, 0, sizeof(*run->ledger));
	copy_template(run);
}

void fault_run_init(struct fault_run *run)
{
	fixture_open(&run->fixture);
	fault_run_close(run);
	snprintf(run->database, sizeof(run->database), "%s/run.db", run->fixture.dir);
	run->ledger = mmap(NULL, sizeof(*run->ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fault_run_must(run->ledger != MAP_FAILED, "mmap");
	run->inflight = inflight_new();
	fault_run_must(run->inflight != NULL, "inflight");
}

void fault_run_done(struct fault_run *run)
{
	fixture_free_keys(&run->fixture);
	inflight_free(run->inflight);
	fixture_remove(run->fixture.dir);
	munmap(run->ledger, sizeof(*run->ledger));
}
