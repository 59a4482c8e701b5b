/*
 * What the parts of fault_store share: the run under way, and what it has learned. The accident happens in one process
 * and another looks afterwards; the ledger is in memory that both have.
 */
#ifndef COFFER_TESTS_FAULT_RUN_H
#define COFFER_TESTS_FAULT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/support/fixture.h"

enum { FAULT_SMALL = 100, FAULT_LARGE = 2 * 65536 + 100, FAULT_SLOTS = 8 };

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
	_Atomic enum deed unsure; /* cleared last: the process may end at any moment */
};

/* Shared by the process that has the accident and the one that looks afterwards. */
struct ledger {
	struct slot slots[FAULT_SLOTS];
	bool hit;
	uint64_t acknowledged;
	uint64_t unknown;
	uint64_t refused;
	char broken[256];
};

struct fault_run {
	struct fixture fixture;
	struct inflight *inflight;
	struct ledger *ledger;
	char database[128];
	bool verbose;
};

/* Makes the template of all runs, in a directory of its own, and an empty ledger; ends the program on failure. */
void fault_run_init(struct fault_run *run);
void fault_run_done(struct fault_run *run);
/* A fresh copy of the template, and an empty ledger. */
void fault_run_reset(struct fault_run *run);

bool fault_run_open(struct fault_run *run);
void fault_run_close(struct fault_run *run);

/* Notes a broken promise; the first one counts. */
void fault_run_broken(struct fault_run *run, const char *text, int slot, unsigned detail);
/* Ends the program when the test itself cannot go on. */
void fault_run_must(bool good, const char *what);
/* The content of a record's version. */
void fault_run_fill(int slot, uint64_t version, uint8_t *ret_bytes, size_t size);

#endif
