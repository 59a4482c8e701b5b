/*
 * A SQLite VFS over the default one, which counts writes, syncs and truncates of all files together, and at the n-th
 * of them fails, ends the process, or cuts the power. For one program with one database; any thread.
 */
#ifndef COFFER_TESTS_FAULT_VFS_H
#define COFFER_TESTS_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_EIO,  /* the call fails; a write is done by half */
	FAULT_FULL, /* the same as a full disk: a sync does not fail by it */
	FAULT_KILL, /* the process ends before the call */
	FAULT_TEAR, /* the process ends when half of a write is done */
	FAULT_CUT,  /* the power fails: of what was not synced, some is on the disk and some is not */
};

enum fault_keep {
	FAULT_KEEP_NONE, /* nothing that was not synced reached the disk */
	FAULT_KEEP_SOME, /* by lot, write for write, and the kept ones perhaps torn */
	FAULT_KEEP_ALL,	 /* all but the second half of the last write */
};

enum { FAULT_EXIT = 77 }; /* the status of a process that KILL, TEAR or CUT ended */

struct fault_plan {
	enum fault_kind kind;
	bool lasting; /* EIO, FULL: from then on; else once */
	uint64_t at;  /* the call, counted from 0 */
	uint64_t seed;
	enum fault_keep keep;
	bool no_sync; /* syncs do nothing, as on a disk that lies */
	bool *hit;    /* set when the call is reached; may be in memory shared with another process */
};

/* Becomes the default VFS of this process. */
void fault_vfs_install(void);
/* Counts from 0 again. Before any file that is to be cut is opened. */
void fault_vfs_arm(const struct fault_plan *plan);
/* No more faults; what would be lost in a cut is still kept in mind. */
void fault_vfs_disarm(void);
/* The power fails now; does not return. A failed sync may have lost what it was to write, as on Linux. */
_Noreturn void fault_vfs_cut(void);

#endif
