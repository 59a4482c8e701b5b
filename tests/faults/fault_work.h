/* The work during which the accident happens: records created, replaced and deleted, alone and in batches. */
#ifndef COFFER_TESTS_FAULT_WORK_H
#define COFFER_TESTS_FAULT_WORK_H

#include "server/core/status.h"
#include "tests/faults/fault_run.h"
#include "tests/faults/fault_vfs.h"

enum fault_ending {
	FAULT_THEN_CLOSE, /* work that must succeed again, and an orderly end */
	FAULT_THEN_CUT,	  /* the same, and then the power fails */
	FAULT_THEN_KILL,  /* the process ends when the request that met the fault is answered */
};

/* The whole of a process that has the accident; returns its exit status when it survives. */
int fault_work_run(struct fault_run *run, const struct fault_plan *plan, enum fault_ending ending);

/* The record's first request again, with the same key and body. */
enum core_status fault_work_create_again(struct fault_run *run, int slot);

#endif
