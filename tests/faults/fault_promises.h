/*
 * What a store must have kept through an accident: what was acknowledged is there and whole, what was refused is not,
 * what is deleted stays deleted, an Idempotency-Key is answered as before, the audit chain verifies.
 */
#ifndef COFFER_TESTS_FAULT_PROMISES_H
#define COFFER_TESTS_FAULT_PROMISES_H

#include "tests/faults/fault_run.h"

/* The whole of a process that looks afterwards, without faults; what is broken is in the ledger. Returns 0. */
int fault_promises_check(struct fault_run *run);

#endif
