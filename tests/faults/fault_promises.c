#include "tests/faults/fault_promises.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/audit.h"
#include "server/core/inflight.h"
#include "server/core/record.h"
#include "tests/faults/fault_work.h"

/* Whether the record has exactly this version as its latest, whole. */
static bool has_version(struct fault_run *run, struct store_view *view, int slot, uint64_t version, bool *ret_whole)
{
	const struct slot *s = &run->ledger->slots[slot];
	struct record_reader *reader = NULL;
	uint8_t *bytes = malloc(FAULT_LARGE), *back = malloc(FAULT_LARGE);
	size_t at = 0, n;
	bool found;

	fault_run_must(bytes && back, "malloc");
	*ret_whole = false;
	found = record_reader_new(&run->fixture.vault, view, &run->fixture.principal, s->id, 0, &reader) == CORE_OK &&
		record_reader_info(reader)->version == version;
	if (found && record_reader_unlock(reader) == CORE_OK && record_reader_info(reader)->size == s->size) {
		while (at < s->size && (n = record_reader_get(reader, view, at, back + at, s->size - at)) > 0)
			at += n;
		fault_run_fill(slot, version, bytes, s->size);
		*ret_whole = at == s->size && memcmp(bytes, back, at) == 0;
	}
	record_reader_free(reader);
	free(bytes);
	free(back);
	return found;
}

static enum core_status look(struct fault_run *run, struct store_view *view, const uint8_t id[static 16])
{
	struct store_version *row = NULL;
	enum core_status status =
		record_lookup(&run->fixture.vault, view, &run->fixture.principal, RECORD_OWN, id, &row);

	free(row);
	return status;
}

static void check_slot(struct fault_run *run, struct store_view *view, int slot)
{
	struct slot *s = &run->ledger->slots[slot];
	enum core_status status = s->named ? look(run, view, s->id) : CORE_NOT_FOUND;
	uint64_t version = s->version;
	bool whole;

	if (s->unsure == DEED_CREATE && status == CORE_OK)
		version = 1;
	if (s->unsure == DEED_REPLACE && status == CORE_OK && has_version(run, view, slot, version + 1, &whole))
		version++;
	if (s->deleted || (s->unsure == DEED_DELETE && status == CORE_GONE)) {
		if (status != CORE_GONE)
			fault_run_broken(run, "a deleted record is back", slot, status);
	} else if (version == 0) {
		if (status != CORE_NOT_FOUND)
			fault_run_broken(run, "a record whose creation was refused is there", slot, status);
	} else if (status != CORE_OK) {
		fault_run_broken(run, "an acknowledged record is lost", slot, status);
	} else if (!has_version(run, view, slot, version, &whole)) {
		fault_run_broken(run, "a record has another version", slot, (unsigned)version);
	} else if (!whole) {
		fault_run_broken(run, "a record is torn", slot, (unsigned)version);
	}
}

/* The same key and body again: the first answer where there was one, else a new record. */
static void check_key(struct fault_run *run, int slot)
{
	struct slot *s = &run->ledger->slots[slot], before = *s;
	enum core_status result;
	bool was_there = s->version >= 1;

	if (s->size == 0 || (s->version == 0 && s->unsure != DEED_CREATE))
		return;
	/* The body of the first version, as long as it was then. */
	result = fault_work_create_again(run, slot);
	if (result != CORE_REPLAY && (was_there || result != CORE_OK))
		fault_run_broken(run, "an Idempotency-Key is answered anew", slot, result);
	if (was_there && memcmp(before.id, s->id, 16) != 0)
		fault_run_broken(run, "an Idempotency-Key is answered with another record", slot, 0);
}

static bool count_row(void *arg, const struct store_version *row)
{
	(void)row;
	++*(unsigned *)arg;
	return true;
}

/* No record is there that nobody wrote. */
static void check_count(struct fault_run *run, struct store_view *view)
{
	unsigned found = 0, least = 0, most = 0;

	fault_run_must(store_record_list(view, run->fixture.principal.account_id, NULL, 1000, count_row, &found) ==
			       STORE_OK,
		       "list");
	for (int i = 0; i < FAULT_SLOTS; i++) {
		const struct slot *s = &run->ledger->slots[i];
		bool there = s->version > 0 && !s->deleted;

		least += there && s->unsure != DEED_DELETE;
		most += there || s->unsure == DEED_CREATE;
	}
	if (found < least || found > most)
		fault_run_broken(run, "the number of records is wrong", -1, found);
}

static void check_audit(struct fault_run *run, struct store_view *view)
{
	uint64_t count = 0;
	bool good = false;

	if (audit_verify(view, &run->fixture.vault, stderr, NULL, &count, &good) != CORE_OK || !good)
		fault_run_broken(run, "the audit chain does not verify", -1, (unsigned)count);
	if (count < run->ledger->acknowledged)
		fault_run_broken(run, "audit events of acknowledged requests are lost", -1, (unsigned)count);
}

static int is_ok(void *arg, int columns, char **values, char **names)
{
	(void)columns;
	(void)names;
	*(bool *)arg = values[0] && strcmp(values[0], "ok") == 0;
	return 0;
}

static void check_integrity(struct fault_run *run)
{
	sqlite3 *db = NULL;
	bool good = false;

	if (sqlite3_open(run->database, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA integrity_check", is_ok, &good, NULL) != SQLITE_OK || !good)
		fault_run_broken(run, "SQLite finds the database damaged", -1, 0);
	sqlite3_close(db);
}

int fault_promises_check(struct fault_run *run)
{
	struct store_view *view = NULL;

	if (!fault_run_open(run)) {
		fault_run_broken(run, "the store does not open", -1, 0);
		return 0;
	}
	fault_run_must(store_view_new(run->fixture.vault.store, &view) == STORE_OK, "view");
	for (int i = 0; i < FAULT_SLOTS; i++)
		check_slot(run, view, i);
	check_audit(run, view);
	check_count(run, view);
	check_integrity(run);
	for (int i = 0; i < FAULT_SLOTS; i++)
		check_key(run, i);
	store_view_free(view);
	fault_run_close(run);
	inflight_free(run->inflight);
	return 0;
}
